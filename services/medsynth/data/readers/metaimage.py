"""MetaImage (.mha, .mhd with its voxels in a file beside it).

Read here rather than by ITK, which follows a header to any file of the machine and does not
survive every broken one.
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.readers.text_headers import (
    field_of,
    numbers,
    skip_to_voxels,
    text_of,
    voxels_beside,
    whole_numbers,
)
from medsynth.data.readers.voxels import (
    DEFLATED,
    VolumeFile,
    affine_of,
    arranged,
    check_sizes,
    check_type,
    read_to_end,
    read_voxels,
    reading,
)
from medsynth.errors import DataError, show

_LONGEST_HEADER: Final = 2**16
_TYPES: Final = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2",
    "MET_INT": "i4", "MET_UINT": "u4", "MET_LONG": "i4", "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
_LAST: Final = "ElementDataFile"
_INTENSITY: Final = "ElementToIntensityFunction"


def read_metaimage(file: Path, beside: Sequence[Path] = ()) -> VolumeFile:
    """Reads a file; components, or a fourth axis, are channels.

    Args:
        file: The one with the header.
        beside: Those that may hold its voxels.

    Raises:
        DataError: It is missing, broken, no MetaImage, beyond the bounds of `voxels`, or names
            another file for its voxels.
    """
    with reading(file, "MetaImage"), ExitStack() as stack:
        stream = stack.enter_context(file.open("rb"))
        fields, length = _fields(stream)
        sizes, channels = _sizes(fields, file)
        dtype = _dtype(fields, file)
        name = fields[_LAST]
        if name.upper() == "LOCAL":
            stream.seek(length)
        else:
            named = voxels_beside(name, file, beside, ".raw or .zraw")
            stream = stack.enter_context(named.open("rb"))
        values = _read(stream, fields, sizes, dtype, file)
        affine, remarks = _affine(fields), _remarks(fields)
    return VolumeFile(arranged(values, sizes, channels), affine, remarks)


def _fields(stream: io.BufferedReader) -> tuple[dict[str, str], int]:
    """The header's fields, and the bytes that it takes."""
    head = stream.read(_LONGEST_HEADER)
    fields: dict[str, str] = {}
    end = 0
    for line in head.split(b"\n"):
        end += len(line) + 1
        key, is_field, value = (part.strip() for part in text_of(line).partition("="))
        if not key:
            continue
        if not is_field:
            raise ValueError(f"the line {show(key)} is no field of a header")
        if key in fields:
            raise ValueError(f"the field {show(key)} is there twice")
        fields[key] = value
        if key == _LAST:
            return fields, end
    raise ValueError(f"there is no field {_LAST}")


def _sizes(fields: Mapping[str, str], file: Path) -> tuple[tuple[int, ...], int | None]:
    """The length of every axis, the fastest first, and which of them counts channels."""
    count = whole_numbers(field_of(fields, "NDims"), 1)[0]
    if not 1 <= count <= 4:
        raise ValueError(f"{count} axes, expected 3")
    sizes = check_sizes(whole_numbers(field_of(fields, "DimSize"), count), file)
    components = whole_numbers(fields.get("ElementNumberOfChannels", "1"), 1)[0]
    if components == 1:
        return sizes, 3 if len(sizes) > 3 else None
    check_sizes((*sizes, components), file)
    return (components, *sizes), 0


def _dtype(fields: Mapping[str, str], file: Path) -> np.dtype[Any]:
    name = field_of(fields, "ElementType").removesuffix("_ARRAY")
    if name not in _TYPES:
        raise DataError(f"{file}: voxels of type {show(name)} cannot be used")
    large = _is(fields, "BinaryDataByteOrderMSB") or _is(fields, "ElementByteOrderMSB")
    return check_type(np.dtype(("<", ">")[large] + _TYPES[name]), file)


def _read(
    stream: io.BufferedReader,
    fields: Mapping[str, str],
    sizes: Sequence[int],
    dtype: np.dtype[Any],
    file: Path,
) -> NDArray[np.generic]:
    if not _is(fields, "BinaryData", default=True):
        raise DataError(f"{file}: its voxels are written as text, expected binary data")
    if _is(fields, "CompressedData"):
        left = os.fstat(stream.fileno()).st_size - stream.tell()
        packed = _Inflating(stream)
        values = read_voxels(packed, sizes, dtype, file, left * DEFLATED)
        read_to_end(packed, file)
        return values
    left = skip_to_voxels(stream, fields.get("HeaderSize", "0"), sizes, dtype, file)
    return read_voxels(stream, sizes, dtype, file, left)


def _affine(fields: Mapping[str, str]) -> NDArray[np.float64] | None:
    count = int(fields["NDims"])
    spacing = _first(fields, ("ElementSpacing", "ElementSize"))
    if not spacing:
        return None
    turn = _first(fields, ("TransformMatrix", "Rotation", "Orientation"))
    origin = _first(fields, ("Offset", "Position", "Origin"))
    steps = np.eye(count) if not turn else np.reshape(numbers(turn, count**2), (count, count))
    steps = steps * np.array(numbers(spacing, count))[:, None]
    start = np.array(numbers(origin, count) if origin else [0.0] * count)
    return affine_of(steps[:3, :3], start[:3], lps=True)


def _remarks(fields: Mapping[str, str]) -> tuple[str, ...]:
    slope = numbers(fields.get(f"{_INTENSITY}Slope", "1"), 1)
    offset = numbers(fields.get(f"{_INTENSITY}Offset", "0"), 1)
    if (*slope, *offset) == (1, 0):
        return ()
    return (
        f"its header's slope {slope[0]:g} and offset {offset[0]:g} of intensities are not used",
    )


class _Inflating(io.RawIOBase):
    """What a zlib or gzip stream unpacks to."""

    def __init__(self, packed: io.BufferedReader) -> None:
        self._packed = packed
        self._inflate = zlib.decompressobj(wbits=47)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._packed.read(2**16)
            found = self._inflate.decompress(packed, len(buffer))
            if found:
                buffer[: len(found)] = found
                return len(found)
            if not packed:
                raise EOFError("it is cut off")
        return 0


def _first(fields: Mapping[str, str], names: Sequence[str]) -> str:
    """The first of some names that mean the same; empty where there is none."""
    return next((fields[name] for name in names if fields.get(name)), "")


def _is(fields: Mapping[str, str], name: str, default: bool = False) -> bool:
    return fields[name].lower() in ("true", "1") if name in fields else default
