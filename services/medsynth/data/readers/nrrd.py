"""NRRD (.nrrd, .nhdr with its voxels in a file beside it).

By the format's own definition; read here rather than by ITK, which follows a header to any file
of the machine.
"""

from __future__ import annotations

import bz2
import gzip
import io
import os
import re
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
    Stream,
    VolumeFile,
    affine_of,
    arranged,
    check_sizes,
    check_type,
    read_to_end,
    read_voxels,
    reading,
    skip,
)
from medsynth.data.volume import Affine
from medsynth.errors import DataError, show

_LONGEST_HEADER: Final = 2**20
_LONGEST_LINE: Final = 2**16
_MOST_LINES: Final = 1000
_BZIPPED: Final = 2**25
"""Bytes that one byte of bzip2 can stand for."""

_TYPES: Final = {
    name: kind
    for kind, names in {
        "i1": "signed char, int8, int8_t",
        "u1": "uchar, unsigned char, uint8, uint8_t",
        "i2": "short, short int, signed short, signed short int, int16, int16_t",
        "u2": "ushort, unsigned short, unsigned short int, uint16, uint16_t",
        "i4": "int, signed int, int32, int32_t",
        "u4": "uint, unsigned int, uint32, uint32_t",
        "i8": "longlong, long long, long long int, signed long long, signed long long int, int64, "
        "int64_t",
        "u8": "ulonglong, unsigned long long, unsigned long long int, uint64, uint64_t",
        "f4": "float",
        "f8": "double",
    }.items()
    for name in names.split(", ")
}
_GZIP, _BZIP2 = ("gzip", "gz"), ("bzip2", "bz2")
_TO_RAS: Final = {
    "right-anterior-superior": (1, 1, 1), "ras": (1, 1, 1),
    "left-anterior-superior": (-1, 1, 1), "las": (-1, 1, 1),
    "left-posterior-superior": (-1, -1, 1), "lps": (-1, -1, 1),
}  # fmt: skip
_MILLIMETRES: Final = {
    "mm": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001, "\u00b5m": 0.001, "\u03bcm": 0.001,
}  # fmt: skip
"""Of units of length; micrometres also with the sign for micro and with the Greek letter."""

_SPATIAL: Final = ("domain", "space", "none")
_VECTOR: Final = re.compile(r"\([^()]*\)|none")
_QUOTED: Final = re.compile(r'"([^"]*)"')
_UNKNOWN: Final = "its header gives the spacing, but not which way its axes lead"


def read_nrrd(file: Path, beside: Sequence[Path] = ()) -> VolumeFile:
    """Reads a file; an axis that is none of space is the channels.

    Args:
        file: The one with the header.
        beside: Those that may hold its voxels.

    Raises:
        DataError: It is missing, broken, no NRRD, beyond the bounds of `voxels`, or names another
            file for its voxels.
    """
    with reading(file, "NRRD"), ExitStack() as stack:
        stream = stack.enter_context(file.open("rb"))
        fields = _fields(stream)
        sizes, channels = _sizes(fields, file)
        dtype = _dtype(fields, file)
        if "datafile" in fields:
            named = voxels_beside(fields["datafile"], file, beside, ".raw or .raw.gz")
            stream = stack.enter_context(named.open("rb"))
        values = _read(stream, fields, sizes, dtype, file)
        affine, remarks = _geometry(fields, [n for n in range(len(sizes)) if n != channels])
    return VolumeFile(arranged(values, sizes, channels), affine, remarks)


def _fields(stream: io.BufferedReader) -> dict[str, str]:
    """The header's fields, without blanks in their names; the stream stands behind it then."""
    if not re.fullmatch(rb"NRRD000[1-9]\r?\n", stream.readline(16)):
        raise ValueError("it does not begin as one")
    fields: dict[str, str] = {}
    while line := text_of(stream.readline(_LONGEST_LINE)):
        if not line.strip():
            break
        if stream.tell() > _LONGEST_HEADER:
            raise ValueError(f"its header is longer than {_LONGEST_HEADER} bytes")
        name, is_field, value = line.partition(":")
        if line.startswith("#") or value.startswith("="):
            continue
        key = name.lower().replace(" ", "")
        if not is_field or key in fields:
            raise ValueError(f"the line {show(line.strip())} is no field, or there twice")
        fields[key] = value.strip()
    return fields


def _sizes(fields: Mapping[str, str], file: Path) -> tuple[list[int], int | None]:
    """The length of every axis, the fastest first, and which of them counts channels."""
    count = whole_numbers(field_of(fields, "dimension"), 1)[0]
    if not 1 <= count <= 4:
        raise ValueError(f"{count} axes, expected 3")
    sizes = whole_numbers(field_of(fields, "sizes"), count)
    directions = _VECTOR.findall(fields.get("spacedirections", ""))
    kinds = fields.get("kinds", "").lower().split()
    other = [axis for axis, vector in enumerate(directions) if vector == "none"]
    if not directions:
        other = [
            axis for axis, kind in enumerate(kinds) if kind not in _SPATIAL and "?" not in kind
        ]
    if len(other) > max(0, count - 3) or max(other, default=0) >= count:
        raise DataError(f"{file}: expected a volume of three axes, of its {count} some are others")
    channels = None if count < 4 else (*other, 3)[0]
    beyond = [] if channels is None else [sizes[channels]]
    check_sizes([size for n, size in enumerate(sizes) if n != channels] + beyond, file)
    return sizes, channels


def _dtype(fields: Mapping[str, str], file: Path) -> np.dtype[Any]:
    name = field_of(fields, "type").lower()
    if name not in _TYPES:
        raise DataError(f"{file}: voxels of type {show(name)} cannot be used")
    if _TYPES[name][1] == "1":
        return np.dtype(_TYPES[name])
    order = {"little": "<", "big": ">"}[_one_of(fields, "endian", ("little", "big"))]
    return check_type(np.dtype(order + _TYPES[name]), file)


def _read(
    stream: io.BufferedReader,
    fields: Mapping[str, str],
    sizes: Sequence[int],
    dtype: np.dtype[Any],
    file: Path,
) -> NDArray[np.generic]:
    encoding = _one_of(fields, "encoding", ("raw", *_GZIP, *_BZIP2))
    for _ in range(min(whole_numbers(fields.get("lineskip", "0"), 1)[0], _MOST_LINES)):
        stream.readline(_LONGEST_LINE)
    before = fields.get("byteskip", "0")
    if encoding == "raw":
        left = skip_to_voxels(stream, before, sizes, dtype, file)
        return read_voxels(stream, sizes, dtype, file, left)
    held = os.fstat(stream.fileno()).st_size - stream.tell()
    unpacked: Stream = bz2.BZ2File(stream)
    ratio = _BZIPPED
    if encoding in _GZIP:
        unpacked, ratio = gzip.GzipFile(fileobj=stream), DEFLATED
    skip(unpacked, whole_numbers(before, 1)[0], file)
    values = read_voxels(unpacked, sizes, dtype, file, held * ratio)
    read_to_end(unpacked, file)
    return values


def _geometry(
    fields: Mapping[str, str], spatial: Sequence[int]
) -> tuple[Affine | None, tuple[str, ...]]:
    if "spacedirections" not in fields:
        affine = _spacing(fields, spatial)
        return affine, () if affine is None else (_UNKNOWN,)
    unit = _millimetres(_QUOTED.findall(fields.get("spaceunits", '"mm"')))
    if unit is None:
        return None, ()
    vectors = _VECTOR.findall(fields["spacedirections"])
    if len(vectors) <= max(spatial):
        raise ValueError(f"{len(vectors)} directions of its axes")
    steps = np.array([_vector(vectors[axis]) for axis in spatial]) * unit
    origin = np.array(_vector(fields.get("spaceorigin", "(0,0,0)"))) * unit
    space = fields.get("space", "").lower().removesuffix("-time").removesuffix("t")
    senses = _TO_RAS.get(space, (-1, -1, 1))
    return affine_of(steps * senses, origin * senses, lps=False), (
        () if space in _TO_RAS else (_UNKNOWN,)
    )


def _vector(text: str) -> list[float]:
    """The first three numbers of `(1,0,0)`; a fourth would be of time."""
    words = text.strip("() ").split(",")
    return numbers(" ".join(words[:3]), 3)


def _spacing(fields: Mapping[str, str], spatial: Sequence[int]) -> Affine | None:
    """The affine of a header without directions: `spacings`, each in its own of the `units`."""
    spacings = fields.get("spacings", "").split()
    units = _QUOTED.findall(fields["units"]) if "units" in fields else ["mm"] * len(spacings)
    if min(len(spacings), len(units)) <= max(spatial):
        return None
    unit = _millimetres([units[axis] for axis in spatial])
    if unit is None:
        return None
    steps = np.diag([float(spacings[axis]) for axis in spatial])
    return affine_of(steps * unit, np.zeros(3), lps=True)


def _millimetres(units: Sequence[str]) -> float | None:
    """Of a unit of length that all axes have; None where they differ or it is not known."""
    return _MILLIMETRES.get(units[0].lower()) if len({*units}) == 1 else None


def _one_of(fields: Mapping[str, str], name: str, known: Sequence[str]) -> str:
    value = field_of(fields, name).lower()
    if value not in known:
        raise ValueError(f"its {name} is {show(value)}, expected one of {', '.join(known)}")
    return value
