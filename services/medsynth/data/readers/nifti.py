"""NIfTI-1 and NIfTI-2 in one file, packed or not. Their headers are understood by nibabel."""

from __future__ import annotations

import gzip
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

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
from medsynth.errors import DataError

_QUIET: Final = logging.Logger(__name__)
_QUIET.addHandler(logging.NullHandler())
"""What is wrong with a header is raised; beyond that nothing needs to be told."""

_HEADER, _HEADER_2 = 348, 540
_SINGLE: Final = b"n+"
_UNITS: Final = {1: 1000.0, 3: 0.001}
"""Millimetres of the codes for metres and micrometres; all else is taken for millimetres."""


def read_nifti(file: Path) -> VolumeFile:
    """Reads a file; axes beyond the third are channels, of which one may be longer than 1.

    Raises:
        DataError: It is missing, broken, no NIfTI, or beyond the bounds of `voxels`.
    """
    with reading(file, "NIfTI"), _understood(), file.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        held = os.fstat(raw.fileno()).st_size * (DEFLATED if packed else 1)
        stream: Stream = gzip.GzipFile(fileobj=raw) if packed else raw
        header, length = _header(stream, file)
        sizes = check_sizes([int(size) for size in header.get_data_shape()], file)
        dtype = check_type(header.get_data_dtype(), file)
        offset = int(header["vox_offset"])
        skip(stream, offset - length, file)
        values = read_voxels(stream, sizes, dtype, file, held - offset)
        if packed:
            read_to_end(stream, file)
        values = _scaled(values, header)
        affine, remarks = _geometry(header)
    values = arranged(values, sizes, 3 if len(sizes) > 3 else None)
    return VolumeFile(values, affine, remarks)


@contextmanager
def _understood() -> Iterator[None]:
    """What nibabel says of a header that makes no sense, as an error that `reading` knows."""
    from nibabel.spatialimages import HeaderDataError

    try:
        yield
    except HeaderDataError as error:
        raise ValueError(str(error)) from error


def _header(stream: Stream, file: Path) -> tuple[Any, int]:
    """The header without its extensions, and its length."""
    import nibabel

    start = stream.read(_HEADER)
    lengths = [int.from_bytes(start[:4], order) for order in ("little", "big")]
    if _HEADER_2 in lengths:
        start += stream.read(_HEADER_2 - _HEADER)
    kind: Any = nibabel.Nifti2Header if _HEADER_2 in lengths else nibabel.Nifti1Header
    length = _HEADER_2 if _HEADER_2 in lengths else _HEADER
    if length not in lengths or len(start) < length:
        raise DataError(f"{file}: not a readable NIfTI file: it has no header of that format")
    header = kind(start, check=False)
    header.check_fix(_QUIET, error_level=40)
    if not bytes(header["magic"].item()).startswith(_SINGLE):
        raise DataError(f"{file}: its voxels are in another file, expected both in one")
    return header, length


def _scaled(values: NDArray[np.generic], header: Any) -> NDArray[np.generic]:
    """Intensities by the header's slope and intercept; rounded once, to single precision."""
    slope, intercept = header["scl_slope"].item(), header["scl_inter"].item()
    if slope == 0 or not np.isfinite(slope) or (slope, intercept) == (1, 0):
        return values
    if not np.isfinite(intercept):
        raise ValueError(f"intensities begin at {intercept}")
    scaled = np.empty(values.shape, np.float32)
    part = 2**20
    for start in range(0, len(values), part):
        stretch = values[start : start + part].astype(np.float64)
        scaled[start : start + part] = stretch * slope + intercept
    return scaled


def _geometry(header: Any) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    affine = np.asarray(header.get_best_affine(), np.float64)
    unit = _UNITS.get(int(header["xyzt_units"]) & 7, 1.0)
    ours = affine_of(affine[:3, :3].T * unit, affine[:3, 3] * unit, lps=False)
    if ours is not None and not (int(header["sform_code"]) or int(header["qform_code"])):
        return ours, ("its header gives the spacing, but not which way its axes lead",)
    return ours, ()
