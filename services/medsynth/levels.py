"""Images as whole levels: 8 or 16 bits a channel, and the arrays that hold them."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from medsynth.errors import DataError

BITS: Final = (8, 16)
"""What a level may have."""

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
"""Images: uint8 for 8 bits, uint16 for 16."""

Labels: TypeAlias = NDArray[np.uint8]
"""Masks: the label of each pixel, 0 for the background."""


def brightest(bits: int) -> int:
    """The highest level of so many bits; the darkest is 0."""
    return int(2**bits - 1)


def array_type(bits: int) -> np.dtype[Any]:
    """The type of arrays of such levels."""
    return np.dtype(f"uint{bits}")


def holds_levels(array: NDArray[Any]) -> bool:
    """Whether an array is of a type that levels have."""
    return array.dtype.newbyteorder("=") in (array_type(bits) for bits in BITS)


def bits_of(images: NDArray[Any], name: str = "images") -> int:
    """Bits of the levels that an array holds.

    Args:
        images: Of any shape.
        name: Of the array, for the error.

    Raises:
        DataError: It holds something else than levels.
    """
    if not holds_levels(images):
        raise DataError(f"{name}: {images.dtype}, expected uint8 or uint16")
    return images.dtype.itemsize * 8


def as_bytes(images: Pixels) -> NDArray[np.uint8]:
    """Images at 8 bits: each level becomes the nearest of 256; 8-bit images come back as they are.

    Raises:
        DataError: The array holds something else than levels.
    """
    if bits_of(images) == 8:
        return images.astype(np.uint8, copy=False)
    step = brightest(16) // brightest(8)
    return ((images.astype(np.uint32) + step // 2) // step).astype(np.uint8)
