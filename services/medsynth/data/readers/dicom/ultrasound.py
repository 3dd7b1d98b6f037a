"""Regions of ultrasound images (DICOM PS3.3, C.8.5.5): their scale, and what lies outside them.

The banner around the regions has the patient's name, number and birth date in its pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.readers.dicom.elements import class_of, items, number, whole

if TYPE_CHECKING:
    from pydicom import Dataset

KEYWORDS: Final = ("SequenceOfUltrasoundRegions",)
"""Of the header's elements that this module looks at."""

_IMAGES: Final = frozenset(
    f"1.2.840.10008.5.1.4.1.1.{number}" for number in ("6", "6.1", "3", "3.1")
)
"""SOP classes, of one frame and of many, the retired ones too."""

_TWO_DIMENSIONAL, _CENTIMETRES = 1, 3
_PICTURED: Final = (1, 2)
"""Tissue and colour flow: other regions have no distances, or are graphics."""

_BOUNDS: Final = ("LocationMinY0", "LocationMinX0", "LocationMaxY1", "LocationMaxX1")
_MILLIMETRES: Final = 10.0


@dataclass(frozen=True)
class Region:
    """A rectangle of an image.

    Attributes:
        top: First row.
        left: First column.
        bottom: Last row.
        right: Last column.
        spacing: Distance of rows and of columns in mm; None where pixels are no distances.
    """

    top: int
    left: int
    bottom: int
    right: int
    spacing: tuple[float, float] | None

    def lies_in(self, rows: int, columns: int) -> bool:
        """Whether an image holds it; some give the first pixel beyond as the last."""
        return 0 <= self.top < self.bottom <= rows and 0 <= self.left < self.right <= columns


def is_ultrasound(dataset: Dataset) -> bool:
    """Whether a file is of a class whose images have regions."""
    return class_of(dataset) in _IMAGES


def regions_of(dataset: Dataset) -> list[Region]:
    """Its regions; none where there are none, or one does not say where it is."""
    found = []
    for item in items(dataset, "SequenceOfUltrasoundRegions"):
        bounds = [whole(item, f"Region{edge}") for edge in _BOUNDS]
        if None in bounds:
            return []
        top, left, bottom, right = (bound or 0 for bound in bounds)
        found.append(Region(top, left, bottom, right, _spacing(item)))
    return found


def usable(regions: Sequence[Region], rows: int, columns: int) -> bool:
    """Whether there are regions, and all are of an image of this size.

    An image that was cropped or shrunk after it was scanned often keeps the regions that it had.
    """
    return bool(regions) and all(region.lies_in(rows, columns) for region in regions)


def blank_outside(pixels: NDArray[Any], regions: Sequence[Region]) -> None:
    """Sets pixels (..., rows, columns) outside all regions to 0."""
    outside = np.ones(pixels.shape[-2:], bool)
    for region in regions:
        outside[region.top : region.bottom + 1, region.left : region.right + 1] = False
    pixels[..., outside] = 0


def _spacing(item: Dataset) -> tuple[float, float] | None:
    units = [whole(item, f"PhysicalUnits{axis}Direction") for axis in "XY"]
    pictured = whole(item, "RegionDataType") in _PICTURED
    if (
        whole(item, "RegionSpatialFormat") != _TWO_DIMENSIONAL
        or not pictured
        or units != [_CENTIMETRES] * 2
    ):
        return None
    # Negative where an axis of the region's own leads up or to the left.
    down, right = (abs(number(item, f"PhysicalDelta{axis}") or 0) for axis in "YX")
    return _MILLIMETRES * down, _MILLIMETRES * right
