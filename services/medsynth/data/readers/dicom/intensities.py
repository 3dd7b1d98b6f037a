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
    "ModalityLUTSequence", "PixelPaddingValue", "PixelPaddingRangeLimit",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
)  # fmt: skip
"""Of the header's elements that this module looks at, beyond those of `frames`."""

HU: Final = "HU"
_AIR: Final = -1024.0

_SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"


def intensities(
    dataset: Dataset, name: Path, frames: Collection[int]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Frames of an image in the units of `units_of`, or colours from 0 up.

    `MONOCHROME1`, where small values are bright, is turned over: a stored value is exchanged,
    before it is rescaled, with the one as far from the other end of the range of `BitsStored`; what
    a table gives, with the one as far from the other end of the table's range. Hounsfield units
    stay as they are: they are no brightness. Padding becomes air in Hounsfield units, elsewhere the
    least of the frame's other values.

    Args:
        dataset: The header with pixel data.
        name: Of the file, for messages.
        frames: Their numbers, from 0.

    Yields:
        Number of a frame and its values (channels, rows, columns), in the order of the file.

    Raises:
        DataError: They cannot be decoded.
    """
    units = units_of(dataset)
    inverted = text(dataset, "PhotometricInterpretation") == "MONOCHROME1" and units != HU
    for frame, pixels in decoded(dataset, name, frames):
        if len(pixels) == 1:
            action = partial(_in_units, dataset, frame, pixels, units, inverted=inverted)
            yield frame, attempt(name, "its values cannot be rescaled", action)
        else:
            yield frame, pixels.astype(np.float32)


def units_of(dataset: Dataset) -> str:
    """`HU` for computed tomography that is rescaled, and to nothing else; empty for the rest."""
    return HU if _is_tomography(dataset) and _is_rescaled_to_hu(dataset) else ""


def unit_remarks(dataset: Dataset) -> Iterator[str]:
    """What is worth knowing about the units.

    Yields:
        Remarks for `Volume`.
    """
    if _is_tomography(dataset) and not units_of(dataset):
        yield "computed tomography whose files do not say that values are Hounsfield units"


def _is_tomography(dataset: Dataset) -> bool:
    screenshot = text(dataset, "SOPClassUID").startswith(_SECONDARY_CAPTURE)
    return text(dataset, "Modality") == "CT" and not screenshot


def _is_rescaled_to_hu(dataset: Dataset) -> bool:
    for table in items(dataset, "ModalityLUTSequence")[:1]:
        return text(table, "ModalityLUTType").upper() == HU
    group = groups(dataset, 0)("PixelValueTransformationSequence")
    where = dataset if group is None else group
    given = (number(where, f"Rescale{part}") for part in ("Slope", "Intercept"))
    return None not in given and text(where, "RescaleType").upper() in ("", HU)


def _in_units(
    dataset: Dataset, frame: int, pixels: NDArray[Any], units: str, *, inverted: bool
) -> NDArray[np.float32]:
    values = _rescaled(dataset, frame, pixels, inverted=inverted)
    padding = _padding(dataset, pixels)
    if padding is not None and padding.any() and not padding.all():
        values[padding] = _AIR if units == HU else values[~padding].min()
    return values


def _rescaled(
    dataset: Dataset, frame: int, pixels: NDArray[Any], *, inverted: bool
) -> NDArray[np.float32]:
    for table in items(dataset, "ModalityLUTSequence")[:1]:
        from pydicom.pixels.processing import apply_modality_lut

        found = apply_modality_lut(pixels, dataset).astype(np.float32)
        return 2 ** int(table.LUTDescriptor[2]) - 1 - found if inverted else found
    if inverted:
        pixels = _ends(dataset) - pixels.astype(
            np.float64 if pixels.dtype.kind == "f" else np.int64
        )
    group = groups(dataset, frame)("PixelValueTransformationSequence")
    where = dataset if group is None else group
    slope, intercept = _factor(where, "RescaleSlope", 1.0), _factor(where, "RescaleIntercept", 0.0)
    if (slope, intercept) == (1, 0):
        return pixels.astype(np.float32)
    return (pixels * np.float64(slope) + intercept).astype(np.float32)


def _padding(dataset: Dataset, pixels: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Which stored values stand for no measurement; None without any."""
    ends = [_stored(dataset, f"PixelPadding{kind}") for kind in ("Value", "RangeLimit")]
    first = ends[0]
    if first is None or pixels.dtype.kind == "f":
        return None
    last = first if ends[1] is None else ends[1]
    return (pixels >= min(first, last)) & (pixels <= max(first, last))


def _stored(dataset: Dataset, keyword: str) -> int | None:
    """A stored value; some files give negative ones as the unsigned number of the same bits."""
    found = whole(dataset, keyword)
    bits = whole(dataset, "BitsAllocated") or 16
    if found is not None and whole(dataset, "PixelRepresentation") and found >= 1 << (bits - 1):
        return found - (1 << bits)
    return found


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
