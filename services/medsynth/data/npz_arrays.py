"""Arrays of an `.npz` that anybody may have written, read within bounds."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.readers.voxels import DEFLATED
from medsynth.errors import DataError

LARGEST: Final = 2**32
"""Bytes that an `.npz` may unpack to."""

_Header = tuple[tuple[int, ...], bool, np.dtype[Any]]
_HEADERS: Final[dict[tuple[int, int], Callable[[IO[bytes]], _Header]]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(content: bytes, names: Sequence[str], file: Path) -> list[NDArray[Any] | None]:
    """Some arrays of an `.npz`.

    Args:
        content: Of the file.
        names: Of the arrays.
        file: What errors call it.

    Returns:
        The arrays in this order; None for those that it does not hold.

    Raises:
        DataError: It is broken, unpacks to more than `LARGEST` or than it can hold, or an array is
            of Python objects.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
                raise DataError(f"{file}: unpacks to more than {LARGEST} bytes")
            return [_read(archive, f"{name}.npy", len(content)) for name in names]
    except (DataError, MemoryError):
        raise
    # Given broken files, the libraries raise whatever comes out of their parsing.
    except Exception as error:
        raise DataError(f"{file}: not a readable .npz: {type(error).__name__}: {error}") from error


def _read(archive: zipfile.ZipFile, name: str, stored: int) -> NDArray[Any] | None:
    """Checks what the header claims before NumPy makes room for it."""
    if name not in archive.namelist():
        return None
    size = archive.getinfo(name).file_size
    if size > DEFLATED * stored:
        raise ValueError(f"{name}: {size} bytes cannot be in a file of {stored}")
    with archive.open(name) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in _HEADERS:
            raise ValueError(f"{name}: a header of the version {version}")
        shape, _, kind = _HEADERS[version](stream)
        claimed = stream.tell() + math.prod(shape) * kind.itemsize
        if min(shape, default=0) < 0 or claimed != size:
            raise ValueError(f"{name}: its header claims {claimed} bytes, there are {size}")
    with archive.open(name) as stream:
        values: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return values
