"""Medical images in and out: readers, preparation, prepared sets, the phantom, writers.

NumPy, no torch. Image libraries are loaded when a file is opened. What is public is listed in
`__all__` and loaded when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medsynth.data.phantom import phantom_volumes
    from medsynth.data.preparation import Preparation
    from medsynth.data.prepared import PreparedSet, Split
    from medsynth.data.preparing import prepare
    from medsynth.data.sample_folder import folder_digest, read_sample_folder
    from medsynth.data.source import Source, complete, dataset_id, fingerprint, resolve
    from medsynth.data.volume import Volume
    from medsynth.data.writers import SampleWriter

__all__ = [
    "Preparation",
    "PreparedSet",
    "SampleWriter",
    "Source",
    "Split",
    "Volume",
    "complete",
    "dataset_id",
    "fingerprint",
    "folder_digest",
    "phantom_volumes",
    "prepare",
    "read_sample_folder",
    "resolve",
]

_HOMES = {
    "Preparation": "preparation",
    "PreparedSet": "prepared",
    "SampleWriter": "writers",
    "Source": "source",
    "Split": "prepared",
    "Volume": "volume",
    "complete": "source",
    "dataset_id": "source",
    "fingerprint": "source",
    "folder_digest": "sample_folder",
    "phantom_volumes": "phantom",
    "prepare": "preparing",
    "read_sample_folder": "sample_folder",
    "resolve": "source",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
