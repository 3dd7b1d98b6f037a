"""What is found in a folder of DICOM files: series and segmentations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from medsynth.data.readers.dicom.planes import Plane
from medsynth.data.readers.dicom.segmentation import Segmentation

MODALITIES: Final = frozenset(
    ("CR", "CT", "DX", "ES", "GM", "IO", "MG", "MR", "NM", "OP", "OPT", "OT", "PT", "PX", "RF",
     "RG", "SM", "US", "XA", "XC")
)  # fmt: skip
"""What makes images; anything else in its place could be a name."""

Key = tuple[str | int, ...]


@dataclass
class FoundSeries:
    """The images of a series as they are found.

    Attributes:
        patient: Pseudonym of whom its first file is of.
        uid: Of the series.
        coordinates: UID of its frame of reference.
        modality: Of `MODALITIES`, or empty.
        paths: Of its files.
        planes: Of its files.
        instances: UIDs of its files.
        patients: Pseudonyms of whom its files are of: of one, if all is well.
        remarks: For `Volume.remarks`, as the keys.
        copies: Files that were left out because their instance was there before.
    """

    patient: str
    uid: str
    coordinates: str
    modality: str
    paths: list[str] = field(default_factory=list)
    planes: list[Plane] = field(default_factory=list)
    instances: set[str] = field(default_factory=set)
    patients: set[str] = field(default_factory=set)
    remarks: dict[str, None] = field(default_factory=dict)
    copies: int = 0


@dataclass
class FoundSegmentation:
    """A segmentation as it is found.

    Attributes:
        path: Of its file.
        patient: Pseudonym of whom its header is about.
        what: Its header says.
        names: Of its segments, by number, once every header of the source is known.
        used: Whether there are images that it is of.
    """

    path: str
    patient: str
    what: Segmentation
    names: Mapping[int, str] = field(default_factory=dict)
    used: bool = False

    @property
    def keys(self) -> Iterator[Key]:
        """What it is of: images by themselves, else by series, else by coordinates and size."""
        what = self.what
        if what.instances:
            yield from (("instance", uid) for uid in what.instances)
        elif what.series:
            yield from (("series", uid) for uid in what.series)
        elif what.coordinates:
            yield "coordinates", what.coordinates, *what.size
