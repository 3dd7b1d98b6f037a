from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsynth.data.readers.text_headers import (
    field_of,
    numbers,
    skip_to_voxels,
    text_of,
    voxels_beside,
    whole_numbers,
)
from medsynth.errors import DataError

FILE = Path("d/a.mhd")


@given(st.text())
def test_text_is_in_utf_8(text: str) -> None:
    assert text_of(text.encode(errors="replace")) == text.encode(errors="replace").decode()


@given(st.binary())
def test_any_bytes_are_some_text(line: bytes) -> None:
    assert len(text_of(line)) <= len(line)
    assert text_of(b"\xb5m") == "\u00b5m"


def test_a_field_that_is_missing() -> None:
    assert field_of({"NDims": ""}, "NDims") == ""
    with pytest.raises(ValueError, match="there is no field NDims"):
        field_of({}, "NDims")


@pytest.mark.parametrize("text", ["", "1", "1 2 3", "1 x", "1,2"])
def test_other_numbers_than_expected(text: str) -> None:
    assert numbers(" 1e3\t-0.5 ", 2) == [1000, -0.5]
    with pytest.raises(ValueError, match=r"are not 2 numbers|could not convert"):
        numbers(text, 2)


@pytest.mark.parametrize("text", ["", "1", "1 2 3", "1 -2", "1 2.0", "1 ²", "1 ٣"])
def test_other_whole_numbers_than_expected(text: str) -> None:
    assert whole_numbers(" 007\t2 ", 2) == [7, 2]
    with pytest.raises(ValueError, match="are not 2 whole numbers"):
        whole_numbers(text, 2)


def test_voxels_are_in_a_file_that_is_known_to_be_beside() -> None:
    beside = [Path("d/a.raw"), Path("d/a.zraw")]
    assert voxels_beside("a.zraw", FILE, beside, ".raw") == beside[1]
    assert voxels_beside("./a.raw", FILE, beside, ".raw") == beside[0]
    for name in ("d/a.raw", "/d/a.raw", "../d/a.raw", "a.mhd", "", "A.RAW", "x" * 10**6):
        with pytest.raises(
            DataError, match=r"d/a\.mhd: its voxels are in .* ends on \.raw"
        ) as caught:
            voxels_beside(name, FILE, beside, ".raw")
        assert len(caught.value.message) < 400


@pytest.mark.parametrize(("given", "left"), [("0", 20), ("4", 16), ("-1", 12)])
def test_what_lies_before_voxels_is_passed_over(tmp_path: Path, given: str, left: int) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(range(24)))
    with (tmp_path / "a.raw").open("rb") as stream:
        stream.seek(4)
        assert skip_to_voxels(stream, given, (3, 2), np.dtype("i2"), FILE) == left
        assert stream.read(1) == bytes([24 - left])


@pytest.mark.parametrize("given", ["-2", "x", "", "1 2"])
def test_what_is_no_count_before_voxels(tmp_path: Path, given: str) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(24))
    with (
        (tmp_path / "a.raw").open("rb") as stream,
        pytest.raises(ValueError, match="are not 1 whole numbers"),
    ):
        skip_to_voxels(stream, given, (3, 2), np.dtype("i2"), FILE)


def test_more_than_there_is_before_voxels(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(24))
    with (tmp_path / "a.raw").open("rb") as stream, pytest.raises(DataError, match="ends before"):
        skip_to_voxels(stream, "25", (3, 2), np.dtype("i2"), FILE)
