"""An image as a file stores it, and what Pillow reads: PNG, JPEG, BMP, and the rarer TIFFs."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.readers.volume_files import LARGEST
from medsynth.errors import DataError

_ORIENTATION: Final = 0x0112
_LONGEST: Final = 8 * LARGEST + 2**24
"""Bytes of a file: the largest image in numbers of 8 bytes, and what is said about it."""

_FEW: Final = 2**24
_DENSEST: Final = 2**13
"""Values for each byte of a file: more than LZW, Deflate or JPEG can pack."""

_BMP_HEADER: Final = 40
"""Bytes of the header from which on BMPs say how many colours they have."""

_BMP_BITS: Final = {"1": 1, "L": 8}
"""Bits of a pixel that Pillow expects in a grey BMP, by its names of what a pixel is."""

_PLANES: Final = {"1": 1, "L": 1, "LA": 1, "I": 1, "F": 1, "RGB": 3, "RGBA": 3, "RGBX": 3}
"""Channels without alpha by Pillow's names of what a pixel is."""


@dataclass(frozen=True)
class Picture:
    """An image as stored, upright.

    Attributes:
        values: Numbers (channels, rows, columns), alpha left out. 1-bit images have 0 and 255.
        palette: Colours (entries, 3) from 0 to 255 of which `values` are indexes, or None.

    Raises:
        ValueError: They do not have these shapes, or are empty.
    """

    values: NDArray[Any]
    palette: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or not self.values.size:
            raise ValueError(f"pixels of the shape {self.values.shape}")
        if self.palette is not None and self.palette.shape[1:] != (3,):
            raise ValueError(f"a palette of the shape {self.palette.shape}")


def upright(picture: Picture, orientation: Any) -> Picture:
    """Undoes an orientation as EXIF and TIFF number them; what is no such number means upright.

    Values get the machine's order of bytes.
    """
    values = picture.values
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(1, 2)
    if orientation in (3, 4, 7, 8):
        values = values[:, ::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, :, ::-1]
    return replace(picture, values=values.astype(values.dtype.newbyteorder("="), copy=False))


def without_bits(values: NDArray[Any]) -> NDArray[Any]:
    """1-bit values as 0 and 255; others as they are."""
    return values.astype(np.uint8) * np.uint8(255) if values.dtype == bool else values


def check_size(shape: tuple[Any, ...], file: Path, packed: int = 1) -> None:
    """Checks what a header says before anything is made room for.

    Args:
        shape: Lengths of the axes.
        file: Whose header it is.
        packed: Values in a byte, before any compression.

    Raises:
        DataError: More than `LARGEST` values, or more than the file can hold.
        ValueError: A length is no number above 0.
    """
    # A broken TIFF has tuples for lengths, which a product would repeat, not multiply.
    lengths = [length for length in shape if isinstance(length, int)]
    if len(lengths) < len(shape) or min(lengths) < 1:
        raise ValueError("a length of the image is not a number above 0")
    values, stored = math.prod(lengths), file.stat().st_size
    if values > LARGEST:
        raise DataError(f"{file}: an image of {shape} values, expected at most {LARGEST} in all")
    if values > max(_FEW, _DENSEST * packed * stored):
        raise DataError(f"{file}: an image of {shape} values cannot be in {stored} bytes")


def content_of(file: Path) -> bytes:
    """All of a file.

    Raises:
        DataError: It is longer than the largest image.
    """
    size = file.stat().st_size
    if size > _LONGEST:
        raise DataError(f"{file}: {size} bytes, expected at most {_LONGEST}")
    return file.read_bytes()


def read_pillow(file: Path, formats: tuple[str, ...]) -> Picture:
    """Reads the one image of a file.

    Args:
        file: Any.
        formats: Pillow's names of those that it may have.

    Raises:
        Exception: Whatever comes out of Pillow's parsing if the file is broken.
    """
    from PIL import Image

    content = content_of(file)
    # Out of memory: of a file, Pillow reads as many bytes as a broken header asks for.
    with Image.open(io.BytesIO(content), formats=formats) as image:
        packed = 8 if image.mode == "1" else 1
        check_size((*image.size, len(image.getbands())), file, packed)
        if image.format == "PNG" and getattr(image, "n_frames", 1) > 1:
            raise DataError(f"{file}: an animation, expected one image")
        if image.format == "BMP" and (own := _bmp_of_more_bits(content, image.mode)) is not None:
            return own
        image.load()
        orientation = image.getexif().get(_ORIENTATION, 1)
        picture = _deep_png(content) if image.format == "PNG" else None
        return upright(picture or _from_pillow(image), orientation)


def _from_pillow(image: Any) -> Picture:
    mode = image.mode
    if mode in ("CMYK", "YCbCr"):
        image, mode = image.convert("RGB"), "RGB"
    values = without_bits(np.asarray(image))
    channels = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    if mode in ("P", "PA"):
        palette = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        return Picture(channels[:1], palette)
    if mode not in _PLANES and not mode.startswith("I;16"):
        raise ValueError(f"colours of the kind {mode} cannot be used")
    return Picture(channels[: _PLANES.get(mode, 1)])


def _bmp_of_more_bits(content: bytes, mode: str) -> Picture | None:
    """A grey BMP of more bits than Pillow takes from the number of its colours; else None."""
    size, bits = int.from_bytes(content[14:18], "little"), int.from_bytes(content[28:30], "little")
    if size < _BMP_HEADER or bits == _BMP_BITS.get(mode, bits):
        return None
    import imagecodecs

    return Picture(imagecodecs.bmp_decode(content, asrgb=True)[None, ..., 0])


def _deep_png(content: bytes) -> Picture | None:
    """A PNG with 16 bits for each of several channels, which Pillow would cut to 8; else None."""
    channels = {2: 3, 4: 1, 6: 3}.get(content[25])
    if content[24] != 16 or channels is None:
        return None
    import imagecodecs

    values = imagecodecs.png_decode(content)
    return Picture(values.transpose(2, 0, 1)[:channels])
