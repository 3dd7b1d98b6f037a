"""What files of volumes have in common: voxels of one type, read within bounds, and where they lie.

A header is believed only as far as the file bears it out: memory is taken for what a file of its
size can hold at most.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from medsynth.data.volume import LARGEST, MAX_CHANNELS, Affine, lie_flat
from medsynth.errors import DataError

DEFLATED: Final = 1040
"""Bytes that one byte of gzip or zlib can stand for; 1,032 and a little for short files."""

_LPS_TO_RAS: Final = np.diag([-1.0, -1.0, 1.0])
_SHORTEST, _LONGEST = 1e-7, 1e5
"""Steps between voxels in mm."""

_CHUNK: Final = 2**20
_MOST_BEYOND: Final = 2**26
"""Bytes before and behind the voxels of a packed file."""


@dataclass(frozen=True)
class VolumeFile:
    """What a file holds.

    Attributes:
        values: As stored, rescaled as the header says (slices, channels, rows, columns).
        affine: As in `Volume`, or None where the header has none.
        remarks: As in `Volume`.
    """

    values: NDArray[np.generic]
    affine: Affine | None
    remarks: tuple[str, ...] = ()


class Stream(Protocol):
    """What voxels are read from: a file, or what unpacks one."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`; none at the end."""
        ...

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fills a part of the buffer, and returns how large a part; 0 at the end."""
        ...


@contextmanager
def reading(file: Path, kind: str) -> Iterator[None]:
    """What is wrong with a file's bytes, as a `DataError` that names it and its kind."""
    try:
        with np.errstate(all="ignore"):
            yield
    except FileNotFoundError as error:
        raise DataError(f"{file}: the file is missing") from error
    except (OSError, EOFError, ValueError, OverflowError, zlib.error) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise DataError(f"{file}: not a readable {kind} file: {reason}") from error


def check_sizes(sizes: Sequence[int], file: Path) -> tuple[int, ...]:
    """Columns, rows, slices, and the channels where there are any, of what a header claims.

    Args:
        sizes: Of every axis, columns first.
        file: Whose header it is.

    Raises:
        DataError: There are no three axes, no voxels, too many of them or too many channels.
    """
    shown = " x ".join(str(size) for size in sizes)
    if len(sizes) < 3:
        raise DataError(f"{file}: expected a volume of three axes, its size is {shown}")
    beyond = [size for size in sizes[3:] if size != 1]
    if len(beyond) > 1:
        raise DataError(f"{file}: expected a volume of three axes and channels, not {shown}")
    if min(sizes) < 1:
        raise DataError(f"{file}: the image is empty, its size is {shown}")
    if int(np.prod(sizes, dtype=object)) > LARGEST:
        raise DataError(f"{file}: a volume of {shown} is above {LARGEST} voxels")
    if beyond and beyond[0] > MAX_CHANNELS:
        raise DataError(
            f"{file}: {beyond[0]} volumes or components in one file, expected at most "
            f"{MAX_CHANNELS} channels; write the times of a series into a file each"
        )
    return (*sizes[:3], *beyond)


def check_type(dtype: np.dtype[Any], file: Path) -> np.dtype[Any]:
    """A type of voxel that can be an intensity or a label.

    Raises:
        DataError: It is complex, a colour, or larger than eight bytes.
    """
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise DataError(f"{file}: voxels of type {dtype} cannot be used, expected real numbers")
    return dtype


def read_voxels(
    stream: Stream, sizes: Sequence[int], dtype: np.dtype[Any], file: Path, available: int
) -> NDArray[np.generic]:
    """The next voxels of a stream, in one row.

    Args:
        stream: At the first voxel.
        sizes: Voxels along each axis.
        dtype: Their type.
        file: For messages.
        available: Bytes that can be left in the stream, at most.

    Raises:
        DataError: There are fewer.
    """
    needed = int(np.prod(sizes, dtype=object)) * dtype.itemsize
    if needed > available:
        raise DataError(
            f"{file}: its header claims {needed} bytes of voxels, it holds {max(available, 0)} at "
            "most"
        )
    values = np.empty(needed // dtype.itemsize, dtype)
    room = values.view(np.uint8).data
    done = 0
    while done < needed:
        count = stream.readinto(room[done : done + _CHUNK])
        if not count:
            raise DataError(f"{file}: is cut off: {done} of {needed} bytes of voxels are there")
        done += count
    return values


def skip(stream: Stream, count: int, file: Path) -> None:
    """Passes over what lies before the voxels.

    Raises:
        DataError: It is more than is believed of a header, or less than nothing.
    """
    if not 0 <= count <= _MOST_BEYOND:
        raise DataError(f"{file}: its voxels begin {count} bytes behind its header")
    while count > 0:
        passed = len(stream.read(min(count, _CHUNK)))
        if not passed:
            raise DataError(f"{file}: ends before its voxels begin")
        count -= passed


def read_to_end(stream: Stream, file: Path) -> None:
    """Reads what is packed to its checksum, which lies behind the voxels.

    Raises:
        DataError: Much more follows than the header claims.
    """
    beyond = 0
    while chunk := stream.read(_CHUNK):
        beyond += len(chunk)
        if beyond > _MOST_BEYOND:
            raise DataError(f"{file}: goes on for more than {_MOST_BEYOND} bytes after its voxels")


def arranged(
    values: NDArray[np.generic], sizes: Sequence[int], channels: int | None
) -> NDArray[np.generic]:
    """A row of voxels as (slices, channels, rows, columns).

    Args:
        values: In the file's order.
        sizes: Of the axes, the one that changes fastest first.
        channels: Which of the axes counts the channels; None: none does.
    """
    stored = values.reshape(tuple(reversed(sizes)))
    if channels is None:
        return stored[:, None]
    return np.moveaxis(stored, len(sizes) - 1 - channels, 1)


def affine_of(steps: NDArray[np.float64], origin: NDArray[np.float64], lps: bool) -> Affine | None:
    """The affine of a volume, unless what its header says is none.

    Args:
        steps: Rows: from one column, row and slice to the next, in mm.
        origin: Of the first voxel.
        lps: Whether the axes lead to the patient's left, back and head, as in DICOM, and not to
            the right, front and head, as in NIfTI.

    Returns:
        As in `Volume`; None where steps are not finite, far from any that a scanner takes, or in
        one plane.
    """
    turn = _LPS_TO_RAS if lps else np.eye(3)
    affine = np.eye(4)
    affine[:3, :3] = turn @ steps[::-1].T
    affine[:3, 3] = turn @ origin
    if not np.isfinite(affine).all():
        return None
    lengths = np.hypot(np.hypot(affine[0, :3], affine[1, :3]), affine[2, :3])
    if lengths.min() < _SHORTEST or lengths.max() > _LONGEST:
        return None
    return None if lie_flat(affine) else affine
