from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsynth.data.readers.voxels import (
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

FILE = Path("a.raw")


@pytest.mark.parametrize(
    ("sizes", "kept"),
    [
        ((5, 4, 3), (5, 4, 3)),
        ((5, 4, 3, 1), (5, 4, 3)),
        ((5, 4, 3, 8), (5, 4, 3, 8)),
        ((5, 4, 3, 1, 2, 1), (5, 4, 3, 2)),
        ((2**28, 1, 1), (2**28, 1, 1)),
    ],
)
def test_sizes_of_volumes(sizes: tuple[int, ...], kept: tuple[int, ...]) -> None:
    assert check_sizes(sizes, FILE) == kept


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ((5, 4), "three axes, its size is 5 x 4"),
        ((), "three axes"),
        ((5, 4, 3, 2, 2), "three axes and channels"),
        ((5, 0, 3), "is empty"),
        ((5, 4, -3), "is empty"),
        ((2**28, 1, 2), "above 268435456 voxels"),
        ((2**40, 2**40, 2**40), "above 268435456 voxels"),
        ((5, 4, 3, 9), "at most 8 channels"),
    ],
)
def test_sizes_that_are_of_no_volume(sizes: tuple[int, ...], reason: str) -> None:
    with pytest.raises(DataError, match=f"a.raw: .*{reason}"):
        check_sizes(sizes, FILE)


def test_types_of_voxels() -> None:
    for name in ("u1", ">i2", "<u8", "f4", ">f8"):
        assert check_type(np.dtype(name), FILE) == np.dtype(name)
    for name in ("c8", "V3", "?", "S1", "M8[s]"):
        with pytest.raises(DataError, match=r"a\.raw: voxels of type"):
            check_type(np.dtype(name), FILE)


@given(st.lists(st.integers(-(2**15), 2**15 - 1), max_size=30), st.integers(0, 9))
def test_voxels_are_read_in_order_and_no_further(values: list[int], beyond: int) -> None:
    stored = np.array(values, "<i2").tobytes()
    stream = io.BytesIO(stored + bytes(beyond))
    found = read_voxels(stream, (len(values),), np.dtype("<i2"), FILE, len(stored))
    assert found.tolist() == values
    assert stream.tell() == len(stored)


def test_fewer_voxels_than_claimed() -> None:
    for available, reason in ((23, "holds 23 at most"), (-5, "holds 0 at most"), (24, "cut off")):
        with pytest.raises(DataError, match=reason):
            read_voxels(io.BytesIO(bytes(23)), (3, 4), np.dtype("i2"), FILE, available)


def test_what_lies_around_voxels_is_bounded() -> None:
    stream = io.BytesIO(bytes(30))
    skip(stream, 20, FILE)
    assert stream.tell() == 20
    for count in (11, -1, 2**26 + 1):
        with pytest.raises(DataError, match=r"a\.raw: (ends before|its voxels begin)"):
            skip(stream, count, FILE)
    read_to_end(io.BytesIO(bytes(2**26)), FILE)
    with pytest.raises(DataError, match="goes on for more than 67108864 bytes"):
        read_to_end(io.BytesIO(bytes(2**26 + 1)), FILE)


@pytest.mark.parametrize(
    ("sizes", "channels", "stored"),
    [
        ((5, 4, 3, 2), 3, (1, 2, 3, 4)),
        ((2, 5, 4, 3), 0, (2, 3, 4, 1)),
        ((5, 2, 4, 3), 1, (2, 3, 1, 4)),
    ],
)
def test_axes_are_arranged_as_slices_channels_rows_columns(
    sizes: tuple[int, ...], channels: int, stored: tuple[int, ...]
) -> None:
    values = np.arange(120)
    found = arranged(values, sizes, channels)
    assert found.shape == (3, 2, 4, 5)
    # Channel 1, slice 2, row 3, column 4: where they stand says at which axis each is stored.
    assert found[2, 1, 3, 4] == values.reshape(sizes[::-1])[stored]
    assert arranged(values[:60], (5, 4, 3), None).shape == (3, 1, 4, 5)


def test_steps_become_an_affine() -> None:
    steps = np.array([[0.5, 0, 0], [0, 0.25, 0], [0, 0, 2.0]])
    ras = affine_of(steps, np.array([1.0, 2, 3]), lps=False)
    lps = affine_of(steps, np.array([1.0, 2, 3]), lps=True)
    assert ras is not None
    assert lps is not None
    assert (ras @ [1, 2, 4, 1]).tolist() == [3, 2.5, 5, 1]
    assert (lps @ [1, 2, 4, 1]).tolist() == [-3, -2.5, 5, 1]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("length", [0, 1e-9, 1e6, 1e300, np.nan, np.inf])
def test_steps_that_no_scanner_takes_are_no_affine(place: int, length: float) -> None:
    steps = np.eye(3)
    steps[place, place] = length
    with np.errstate(all="ignore"):
        assert affine_of(steps, np.zeros(3), lps=True) is None
        flat = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 1e-5]])
        assert affine_of(flat, np.zeros(3), lps=False) is None


def test_what_is_wrong_with_bytes_names_the_file_and_its_kind() -> None:
    for error, reason in (
        (FileNotFoundError(), "the file is missing"),
        (PermissionError(13, "Permission denied"), "not a readable NRRD file: Permission denied"),
        (EOFError("it is cut off"), "not a readable NRRD file: it is cut off"),
        (ValueError("no number"), "not a readable NRRD file: no number"),
    ):
        with pytest.raises(DataError, match=f"^a.raw: {reason}$"), reading(FILE, "NRRD"):
            raise error
    with pytest.raises(KeyError), reading(FILE, "NRRD"):
        raise KeyError
