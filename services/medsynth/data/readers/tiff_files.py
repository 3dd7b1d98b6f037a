"""TIFF files of any type of numbers and any number of channels.

What is in it says tifffile; the pixels are decoded by libtiff, whose decoders bear broken files.
What libtiff does not give as it is stored (JPEG, CMYK) is read by Pillow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.readers.picture import (
    Picture,
    check_size,
    content_of,
    read_pillow,
    upright,
    without_bits,
)
from medsynth.errors import DataError

_MOST_PAGES: Final = 4096

_LOSSLESS: Final = frozenset({1, 2, 3, 4, 5, 8, 32773, 32946, 34925, 50000})
"""Compressions: none, CCITT, LZW, Deflate, PackBits, LZMA, Zstandard."""

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE = range(4)
_SAMPLES: Final = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1}
"""Of a pixel by its photometric interpretation, without extra ones."""

_ALPHA: Final = (1, 2)
_ORIENTATION: Final = 274


def read_tiff(file: Path) -> Picture:
    """Reads the one page of a TIFF; thumbnails and other reduced copies are passed over.

    Raises:
        DataError: It has no page, several, or is above `LARGEST` values.
        Exception: Whatever comes out of the libraries' parsing if the file is broken.
    """
    import tifffile

    with tifffile.TiffFile(file) as tiff:
        pages = []
        for index, page in _pages(tiff):
            pages += [] if page.is_reduced else [(index, page)]
            if len(pages) > 1:
                raise DataError(f"{file}: has several pages, expected one image")
        if not pages:
            raise DataError(f"{file}: has no image in it")
        index, page = pages[0]
        check_size(page.shaped, file, _packed(page))
        if not _is_plain(page):
            return read_pillow(file, ("TIFF",))
        return _read_page(page, index, file)


def _pages(tiff: Any) -> Iterator[tuple[int, Any]]:
    places = set()
    for index in count():
        try:
            page = tiff.pages[index]
        except IndexError:
            return
        if page.offset in places or index >= _MOST_PAGES:
            raise ValueError("its pages form a circle or are too many")
        places.add(page.offset)
        yield index, page


def _packed(page: Any) -> int:
    return 8 if page.bitspersample == 1 else 1


def _is_plain(page: Any) -> bool:
    return page.compression in _LOSSLESS and int(page.photometric) in _SAMPLES


def _read_page(page: Any, index: int, file: Path) -> Picture:
    import imagecodecs

    if page.axes not in ("YX", "YXS", "SYX"):
        raise ValueError(f"axes {page.axes}")
    check_size(page.chunks, file, _packed(page))
    content, stored = content_of(file), page.databytecounts
    if math.prod(page.chunked) > len(stored) or not all(stored) or sum(stored) > len(content):
        raise ValueError("a part of the pixels is missing")
    values = imagecodecs.tiff_decode(content, index=index)
    if values.shape != page.shape or values.dtype.kind not in "buif":
        raise ValueError(f"pixels of type {values.dtype}, shape {values.shape}")
    if page.axes == "YX":
        values = values[None]
    elif page.axes == "YXS":
        values = values.transpose(2, 0, 1)
    return upright(_picture(values, page), page.tags.valueof(_ORIENTATION, 1))


def _picture(values: NDArray[Any], page: Any) -> Picture:
    kind = int(page.photometric)
    if kind == _PALETTE:
        indexes = values[:1].astype(np.uint8) if values.dtype == bool else values[:1]
        if indexes.dtype.kind != "u":
            raise ValueError(f"indexes of a palette of type {values.dtype}")
        return Picture(indexes, (page.colormap.T // 256).astype(np.uint8))
    values = values[_channels(len(values), kind, page.extrasamples)]
    if kind == _WHITE_IS_ZERO:
        values = _inverted(values, page.bitspersample)
    return Picture(without_bits(values))


def _channels(samples: int, kind: int, extra: tuple[int, ...]) -> list[int]:
    """Which samples count: the colours, and of a grey image others that are not alpha."""
    colours = _SAMPLES[kind]
    if samples < colours:
        raise ValueError(f"{samples} samples, expected {colours}")
    if kind == _RGB:
        return [*range(colours)]
    alpha = [k for k, what in enumerate(extra, start=colours) if what in _ALPHA]
    return [k for k in range(samples) if k not in alpha]


def _inverted(values: NDArray[Any], bits: int) -> NDArray[Any]:
    if values.dtype == bool:
        return ~values
    return (2**bits - 1 - values).astype(values.dtype) if values.dtype.kind == "u" else values
