"""DICOM: a folder of series in any nesting and under any names, with segmentations as masks.

Every file is opened to see what it is; where it lies and what it is called says nothing. A
series becomes a volume (see `stacks`), segments become labels (see `segmentation`). Who the
patients are goes no further than this reader (see `patients`): a volume is called
`patient-<hash>/<hash of its series>`, and messages call files by what `Detail.shown` says.
"""

from medsynth.data.readers.dicom.names import recognises, relevant
from medsynth.data.readers.dicom.reader import LAYOUT, NAME, OPTIONS, VERSION, read, survey

__all__ = ["LAYOUT", "NAME", "OPTIONS", "VERSION", "read", "recognises", "relevant", "survey"]
