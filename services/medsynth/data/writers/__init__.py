"""The one way out: images with their masks, in the formats that users' tools take.

One module for each format, behind one interface (`interface.py`). A format's module is loaded when
it is asked for, and loads its image library when it encodes: services check requests without
either.
"""

from __future__ import annotations

from medsynth.data.writers.interface import SHARD, Form, SetDescription
from medsynth.data.writers.manifest import MANIFEST
from medsynth.data.writers.registry import FORMATS, check_format, get_format
from medsynth.data.writers.sample_writer import SampleWriter, begun_description

__all__ = [
    "FORMATS",
    "MANIFEST",
    "SHARD",
    "Form",
    "SampleWriter",
    "SetDescription",
    "begun_description",
    "check_format",
    "get_format",
]
