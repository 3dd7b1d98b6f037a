"""The intensities of a DICOM image, in the units of its file."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.readers.dicom.elements import groups, items, number, text, whole
from medsynth.data.readers.dicom.frames import decoded
from medsynth.data.readers.dicom.opening import attempt

if TYPE_CHECKING:
    from pydicom import Dataset

KEYWORDS: Final = (
    "SOPClassUID", "Modality", "RescaleSlope", "RescaleIntercept", "RescaleType",
    "ModalityLUTSequence", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
)  # fmt: skip
"""Of the header's elements that this module looks at, beyond those of `frames`."""

HU: Final = "HU"

_SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"


def intensities(
    dataset: Dataset, name: Path, frames: Collection[int]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Frames of an image in the units of `units_of`, or colours from 0 up.

    In `MONOCHROME1`, where small values are bright, each stored value is exchanged, before it is
    rescaled, with the one as far from the other end of the range of `BitsStored`. Hounsfield
    units stay as they are: they are no brightness.

    Args:
        dataset: The header with pixel data.
        name: Of the file, for messages.
        frames: Their numbers, from 0.

    Yields:
        Number of a frame and its values (channels, rows, columns), in the order of the file.

    Raises:
        DataError: They cannot be decoded.
    """
    inverted = text(dataset, "PhotometricInterpretation") == "MONOCHROME1"
    inverted = inverted and units_of(dataset) != HU
    for frame, pixels in decoded(dataset, name, frames):
        if len(pixels) == 1:
            action = partial(_rescaled, dataset, frame, pixels, inverted=inverted)
            yield frame, attempt(name, "its values cannot be rescaled", action)
        else:
            yield frame, pixels.astype(np.float32)


def units_of(dataset: Dataset) -> str:
    """`HU` for computed tomography that is not rescaled to anything else; empty for the rest."""
    group = groups(dataset, 0)("PixelValueTransformationSequence")
    kind = text(dataset if group is None else group, "RescaleType").upper()
    screenshot = text(dataset, "SOPClassUID").startswith(_SECONDARY_CAPTURE)
    return HU if text(dataset, "Modality") == "CT" and kind in ("", HU) and not screenshot else ""


def _rescaled(
    dataset: Dataset, frame: int, pixels: NDArray[Any], *, inverted: bool
) -> NDArray[np.float32]:
    if inverted:
        pixels = _ends(dataset) - pixels.astype(
            np.float64 if pixels.dtype.kind == "f" else np.int64
        )
    if items(dataset, "ModalityLUTSequence"):
        from pydicom.pixels.processing import apply_modality_lut

        return apply_modality_lut(pixels, dataset).astype(np.float32)
    group = groups(dataset, frame)("PixelValueTransformationSequence")
    where = dataset if group is None else group
    slope, intercept = _factor(where, "RescaleSlope", 1.0), _factor(where, "RescaleIntercept", 0.0)
    if (slope, intercept) == (1, 0):
        return pixels.astype(np.float32)
    return (pixels * np.float64(slope) + intercept).astype(np.float32)


def _ends(dataset: Dataset) -> int:
    """The sum of the smallest and the largest value that can be stored."""
    if "PixelData" not in dataset:
        return 0
    return -1 if whole(dataset, "PixelRepresentation") else 2 ** int(dataset.BitsStored) - 1


def _factor(dataset: Dataset, keyword: str, default: float) -> float:
    if keyword not in dataset or dataset[keyword].is_empty:
        return default
    found = number(dataset, keyword)
    if found is None:
        raise ValueError
    return found
