"""How far the pixels of a DICOM image are from each other, wherever its header says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from medsynth.data.readers.dicom.elements import number, numbers
from medsynth.data.readers.dicom.ultrasound import is_ultrasound, regions_of, usable

if TYPE_CHECKING:
    from pydicom import Dataset

KEYWORDS: Final = (
    "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing",
    "EstimatedRadiographicMagnificationFactor",
)  # fmt: skip
"""Of the header's elements that this module looks at."""

ALIKE: Final = 1e-3
"""Share by which two scales may differ and still count as the same."""

_SHORTEST, _LONGEST = 1e-6, 1e6

Scale = tuple[float, ...]


def scale_of(
    dataset: Dataset, measures: Dataset, shape: tuple[int, int, int]
) -> tuple[Scale | None, str]:
    """Distance of rows and of columns in mm, and what is worth knowing about it.

    Args:
        dataset: The header.
        measures: Of the frame; the header itself where frames have no groups.
        shape: Channels, rows, columns.
    """
    own = _scale(numbers(measures, "PixelSpacing", 2))
    if is_ultrasound(dataset):
        return _of_regions(dataset, own, shape)
    if own is not None:
        return own, ""
    if at_detector := _scale(numbers(dataset, "ImagerPixelSpacing", 2)):
        factor = number(dataset, "EstimatedRadiographicMagnificationFactor") or 0.0
        if factor < 1:
            return at_detector, "its distances are those at the detector"
        return (
            _scale(tuple(distance / factor for distance in at_detector)),
            "its distances are those at the detector by the magnification that was estimated",
        )
    return _scale(numbers(dataset, "NominalScannedPixelSpacing", 2)), ""


def same_scale(one: Scale | None, other: Scale | None) -> bool:
    """Whether two scales are alike, or both unknown."""
    if one is None or other is None:
        return one is other
    return all(abs(a - b) <= ALIKE * abs(b) for a, b in zip(one, other, strict=True))


def _of_regions(
    dataset: Dataset, own: Scale | None, shape: tuple[int, int, int]
) -> tuple[Scale | None, str]:
    """Of an ultrasound image: which region a pixel lies in is not asked for, so all must agree."""
    regions = regions_of(dataset)
    scales = [scale for region in regions if (scale := _scale(region.spacing))]
    if not scales:
        return own, ""
    if not usable(regions, *shape[1:]):
        return None, "its regions reach beyond it: their scale cannot be trusted"
    if not all(same_scale(scale, scales[0]) for scale in scales):
        return None, "its regions have different scales"
    if own is not None and not same_scale(own, scales[0]):
        return scales[0], "its regions and its PixelSpacing differ: the regions' scale is taken"
    return scales[0], ""


def _scale(distances: tuple[float, ...] | None) -> Scale | None:
    if distances is None or not all(_SHORTEST < one < _LONGEST for one in distances):
        return None
    return distances
