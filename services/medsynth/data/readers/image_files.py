"""Files that hold a two-dimensional image: PNG, JPEG, BMP, TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.machine import is_of_machine
from medsynth.data.readers.picture import Picture, read_pillow
from medsynth.data.readers.tiff_files import read_tiff
from medsynth.errors import DataError

LOSSY: Final = (".jpg", ".jpeg")
ENDINGS: Final = (".png", *LOSSY, ".bmp", ".tif", ".tiff")

_TIFF: Final = (".tif", ".tiff")


def ending(name: str) -> str:
    """The ending by which a file is known to hold an image, lower case; empty if it is not."""
    lower = name.lower()
    return next((ending for ending in ENDINGS if lower.endswith(ending)), "")


def read_image_file(file: Path) -> NDArray[np.generic]:
    """Reads an image of one of the `ENDINGS`.

    It is turned upright as its EXIF data say. Palettes and CMYK become RGB; alpha is dropped.

    Returns:
        uint8, uint16 or, for any other type of numbers, float32 (channels, rows, columns). It may
        hold NaN.

    Raises:
        DataError: It is missing, broken, not of that format, has several pages, or is above
            `LARGEST` values.
    """
    return _coloured(read_picture(file), file)


def read_picture(file: Path) -> Picture:
    """Reads an image of one of the `ENDINGS` without applying its palette, as a mask needs it.

    Raises:
        DataError: As for `read_image_file`.
    """
    if not file.is_file():
        raise DataError(f"{file}: the file is missing")
    tiff = ending(file.name) in _TIFF
    try:
        return read_tiff(file) if tiff else read_pillow(file, ("PNG", "JPEG", "BMP"))
    except DataError:
        raise
    # Given broken files, the libraries raise whatever comes out of their parsing.
    except Exception as error:
        if is_of_machine(error):
            raise
        kind = "TIFF file" if tiff else "PNG, JPEG or BMP file"
        reason = f"{type(error).__name__}: {error}".replace(str(file), file.name)
        raise DataError(f"{file}: not a readable {kind}: {reason}") from error


def _coloured(picture: Picture, file: Path) -> NDArray[np.generic]:
    """The image with its palette applied, in one of the three types."""
    values = picture.values
    if picture.palette is not None:
        if int(values.max()) >= len(picture.palette):
            raise DataError(f"{file}: a pixel has a colour that is not in its palette")
        return np.ascontiguousarray(picture.palette[values[0]].transpose(2, 0, 1))
    if values.dtype in (np.uint8, np.uint16):
        return np.ascontiguousarray(values)
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, np.float32)
