"""The images of a scan, read from its files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medsynth.data.readers.checks import checked_images
from medsynth.data.readers.dicom.frames import shape_of
from medsynth.data.readers.dicom.intensities import intensities, unit_remarks, units_of
from medsynth.data.readers.dicom.opening import opened
from medsynth.data.readers.dicom.planes import Plane, planes_of
from medsynth.data.readers.dicom.scan import KEYWORDS, Detail
from medsynth.data.readers.dicom.ultrasound import (
    Region,
    blank_outside,
    is_ultrasound,
    regions_of,
    usable,
)
from medsynth.data.readers.interface import Scan
from medsynth.data.volume import LARGEST
from medsynth.errors import DataError

if TYPE_CHECKING:
    from pydicom import Dataset


@dataclass(frozen=True)
class Images:
    """What was read.

    Attributes:
        slices: In the order of the volume.
        images: Intensities (slices, channels, rows, columns).
        units: As in `Volume`.
        remarks: As in `Volume`.
        regions: Of ultrasound: by slice, outside which pixels are 0.
    """

    slices: Sequence[Plane]
    images: NDArray[np.float32]
    units: str
    remarks: tuple[str, ...]
    regions: Mapping[int, Sequence[Region]]

    def blank(self, planes: NDArray[Any]) -> None:
        """Sets pixels (slices, ..., rows, columns) outside the regions to 0."""
        for place, regions in self.regions.items():
            blank_outside(planes[place], regions)


def read_images(root: Path, scan: Scan, names: Sequence[Path]) -> Images:
    """The images of a scan.

    Args:
        root: Where its files lie by their paths.
        scan: With a `Detail`.
        names: What messages call its files.

    Raises:
        DataError: One cannot be read, or is not what it was when the scan was found.
    """
    detail: Detail = scan.detail
    frames = detail.frames or tuple((file, 0) for file in range(detail.images))
    places_in: dict[int, dict[int, int]] = defaultdict(dict)
    for place, (file, frame) in enumerate(frames):
        places_in[file][frame] = place
    reading = _Reading(len(frames))
    for file, places in places_in.items():
        dataset = opened(root / scan.files[file], names[file], KEYWORDS, pixels=True)
        reading.add(dataset, names[file], file, places)
    return reading.done(names[0])


@dataclass
class _Reading:
    """Images as they are read, in any order."""

    count: int
    slices: dict[int, Plane] = field(default_factory=dict)
    images: NDArray[np.float32] | None = None
    units: set[str] = field(default_factory=set)
    remarks: dict[str, None] = field(default_factory=dict)
    regions: dict[int, Sequence[Region]] = field(default_factory=dict)

    def add(self, dataset: Dataset, name: Path, file: int, places: Mapping[int, int]) -> None:
        """Takes frames of a file.

        Args:
            dataset: Of the file.
            name: What messages call it.
            file: Its number.
            places: Of its frames in the volume.
        """
        shape = shape_of(dataset, name)
        if self.count * int(np.prod(shape, dtype=object)) > LARGEST:
            raise DataError(f"{name}: {self.count} slices of {shape} are above {LARGEST} voxels")
        for plane in planes_of(dataset, file, shape):
            if plane.frame in places:
                self.slices[places[plane.frame]] = plane
        regions = regions_of(dataset) if is_ultrasound(dataset) else []
        blanked = usable(regions, *shape[1:])
        for frame, values in intensities(dataset, name, places):
            if self.images is None:
                self.images = np.empty((self.count, *shape), np.float32)
            if values.shape != self.images.shape[1:]:
                raise DataError(
                    f"{name}: channels, rows and columns are {values.shape}, but "
                    f"{self.images.shape[1:]} in the first image of its series"
                )
            place = places[frame]
            if blanked:
                blank_outside(values, regions)
                self.regions[place] = regions
            self.images[place] = checked_images(values, name)
        self.units.add(units_of(dataset))
        self.remarks.update(dict.fromkeys(unit_remarks(dataset)))

    def done(self, name: Path) -> Images:
        """All of them, once every file was read."""
        found = [self.slices[place] for place in sorted(self.slices)]
        heights = [plane.height for plane in found if plane.placed]
        ordered = all(low < high for low, high in pairwise(heights))
        whole = len(found) == self.count and len(heights) in (0, len(found))
        if self.images is None or not ordered or not whole:
            raise DataError(f"{name}: the images of its series changed since they were looked at")
        units = self.units.pop() if len(self.units) == 1 else ""
        return Images(found, self.images, units, tuple(self.remarks), self.regions)
