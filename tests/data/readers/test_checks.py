from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsynth.data.readers.checks import checked_images, checked_masks
from medsynth.errors import DataError

FILE = Path("m.nii")
NAMES = ("background", "a", "b")


def labels(values: np.ndarray, stored: tuple[int, ...] = ()) -> list[int]:
    names = (*NAMES, "c", "d")[: len(stored) or len(NAMES)]
    found = checked_masks(values.reshape(-1, 1, 1), FILE, (len(values), 1, 1), names, stored)
    assert found.dtype == np.uint8
    return found.ravel().tolist()


@pytest.mark.parametrize("dtype", ["u1", "i2", ">i2", "u8", "f4", ">f8", "?"])
def test_labels_of_any_type(dtype: str) -> None:
    values = np.array([0, 1, 1, 0] if dtype == "?" else [0, 1, 2, 1]).astype(dtype)
    assert labels(values) == values.astype(int).tolist()


def test_labels_that_are_nearly_whole() -> None:
    assert labels(np.array([0.0004, 0.99999, 2.0001, -0.0005])) == [0, 1, 2, 0]
    assert labels(np.array([0.0, 499.9995, 205]), (0, 205, 500)) == [0, 2, 1]
    with pytest.raises(
        DataError, match=r"^m\.nii: label 0\.9985, 1\.5 in the mask, expected 0 back"
    ):
        labels(np.array([0, 0.9985, 1.5]))


@given(st.permutations([0, 205, 420, 500, 65535]), st.lists(st.integers(0, 4)))
def test_stored_values_in_any_order(stored: list[int], meant: list[int]) -> None:
    values = np.array([stored[label] for label in meant], np.uint16)
    assert labels(values, tuple(stored)) == meant


@pytest.mark.parametrize("value", [3, 255, 256, -1, 0.5, np.nan, np.inf, -np.inf, 1e30])
def test_other_values_are_refused(value: float) -> None:
    for stored in ((), (0, 1, 2), (2, 0, 1)):
        with pytest.raises(
            DataError, match=r"m\.nii: label .* in the mask, expected \d background"
        ):
            labels(np.array([0, 1, value, 2]), stored)


@pytest.mark.parametrize("value", [1, 254, 256])
def test_values_beside_those_stored_are_refused(value: int) -> None:
    with pytest.raises(DataError, match=f"label {value} in the mask, expected 0 background, 255 a"):
        checked_masks(np.array([[[0, 255, value]]]), FILE, (1, 1, 3), NAMES[:2], (0, 255))


def test_a_mask_of_another_shape_or_type_is_refused() -> None:
    with pytest.raises(DataError, match=r"shape \(2, 3, 4\), its image \(2, 4, 3\)"):
        checked_masks(np.zeros((2, 3, 4)), FILE, (2, 4, 3), NAMES)
    with pytest.raises(DataError, match="labels of type complex128 cannot be used"):
        checked_masks(np.zeros((1, 1, 1), complex), FILE, (1, 1, 1), NAMES)


def test_images_are_finite_numbers() -> None:
    assert checked_images(np.array([1, 2], ">i2"), FILE).tolist() == [1, 2]
    for values, reason in (
        (np.zeros((0, 1)), "is empty"),
        (np.zeros(1, complex), "complex128"),
        (np.array([1, np.nan, np.inf]), "2 of 3 intensities"),
        (np.array([1e300]), "1 of 1 intensities"),
    ):
        with pytest.raises(DataError, match=f"m.nii: .*{reason}"):
            checked_images(values, FILE)
