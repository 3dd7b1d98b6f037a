"""Headers of text with a field in each line, as MetaImage and NRRD have them."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medsynth.data.readers.voxels import skip
from medsynth.errors import DataError, show


def text_of(line: bytes) -> str:
    """A line in UTF-8, or in Latin-1 where it is none."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def field_of(fields: Mapping[str, str], name: str) -> str:
    """The value of a field.

    Raises:
        ValueError: There is no such field.
    """
    if name not in fields:
        raise ValueError(f"there is no field {name}")
    return fields[name]


def numbers(text: str, count: int) -> list[float]:
    """So many numbers, with blanks between them.

    Raises:
        ValueError: There are others.
    """
    values = [float(word) for word in text.split()]
    if len(values) != count:
        raise ValueError(f"{show(text)} are not {count} numbers")
    return values


def whole_numbers(text: str, count: int) -> list[int]:
    """So many whole numbers, with blanks between them.

    Raises:
        ValueError: There are others.
    """
    words = text.split()
    if len(words) != count or not all(word.isascii() and word.isdigit() for word in words):
        raise ValueError(f"{show(text)} are not {count} whole numbers")
    return [int(word) for word in words]


def voxels_beside(name: str, file: Path, beside: Sequence[Path], endings: str) -> Path:
    """The file that a header names as that of its voxels: one of those known to lie beside it.

    Args:
        name: As the header has it.
        file: The one with the header.
        beside: Those that may hold its voxels.
        endings: What they may end on, for messages.

    Raises:
        DataError: It is none of them.
    """
    for path in beside:
        if name in (path.name, f"./{path.name}"):
            return path
    raise DataError(
        f"{file}: its voxels are in {show(name)}, expected a file of the same name as its own "
        f"that ends on {endings} and lies beside it"
    )


def skip_to_voxels(
    stream: io.BufferedReader, given: str, sizes: Sequence[int], dtype: np.dtype[Any], file: Path
) -> int:
    """Passes over what lies before voxels that are not packed.

    Args:
        stream: Of the file with the voxels.
        given: The header's count of bytes; -1: the voxels are the last of the file.
        sizes: Voxels along each axis.
        dtype: Their type.
        file: For messages.

    Returns:
        Bytes left in the stream.

    Raises:
        DataError: More than is believed of a header.
        ValueError: No count.
    """
    held = os.fstat(stream.fileno()).st_size - stream.tell()
    if given == "-1":
        count = max(0, held - int(np.prod(sizes, dtype=object)) * dtype.itemsize)
    else:
        count = whole_numbers(given, 1)[0]
    skip(stream, count, file)
    return held - count
