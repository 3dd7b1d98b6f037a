"""How far the pixels of a DICOM image are from each other, wherever its header says so."""

from __future__ import annotations

from collections.abc import Callable
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


def scales_of(
    dataset: Dataset, shape: tuple[int, int, int]
) -> Callable[[Dataset], tuple[Scale | None, str]]:
    """Says of measures, which frames may have of their own, what scale they give.

    Args:
        dataset: The header; its own measures where frames have none.
        shape: Channels, rows, columns.

    Returns:
        Gives the distance of rows and of columns in mm, and what is worth knowing about it.
    """
    at_detector = _at_detector(dataset)
    regions = _of_regions(dataset, shape) if is_ultrasound(dataset) else None

    def scale(measures: Dataset) -> tuple[Scale | None, str]:
        own = _scale(numbers(measures, "PixelSpacing", 2))
        if regions is None:
            return (own, "") if own else at_detector
        found, caveat = regions
        if found and own and not same_scale(own, found):
            return found, "its regions and its PixelSpacing differ: the regions' scale is taken"
        return found or (None if caveat else own), caveat

    return scale


def same_scale(one: Scale | None, other: Scale | None) -> bool:
    """Whether two scales are alike, or both unknown."""
    if one is None or other is None:
        return one is other
    return all(abs(a - b) <= ALIKE * abs(b) for a, b in zip(one, other, strict=True))


def _at_detector(dataset: Dataset) -> tuple[Scale | None, str]:
    """Of an image that was projected or scanned."""
    found = _scale(numbers(dataset, "ImagerPixelSpacing", 2))
    if found is None:
        return _scale(numbers(dataset, "NominalScannedPixelSpacing", 2)), ""
    factor = number(dataset, "EstimatedRadiographicMagnificationFactor") or 0.0
    if factor < 1:
        return found, "its distances are those at the detector"
    return (
        _scale(tuple(distance / factor for distance in found)),
        "its distances are those at the detector by the magnification that was estimated",
    )


def _of_regions(dataset: Dataset, shape: tuple[int, int, int]) -> tuple[Scale | None, str]:
    """Of an ultrasound image: which region a pixel lies in is not asked for, so all must agree."""
    regions = regions_of(dataset)
    found = [scale for region in regions if (scale := _scale(region.spacing))]
    if not found:
        return None, ""
    if not usable(regions, *shape[1:]):
        return None, "its regions reach beyond it: their scale cannot be trusted"
    if not all(same_scale(scale, found[0]) for scale in found):
        return None, "its regions have different scales"
    return found[0], ""


def _scale(distances: tuple[float, ...] | None) -> Scale | None:
    if distances is None or not all(_SHORTEST < one < _LONGEST for one in distances):
        return None
    return distances
