from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from medsynth.data.duplicates import LookAlikes, Pair
from medsynth.data.phantom import phantom_volumes


def planes(count: int, seed: int = 0) -> list[NDArray[np.float32]]:
    """Middle slices of phantom patients."""
    return [
        v.images[2, 0] for v in islice(phantom_volumes(max(5, count), 4, seed), 0, 2 * count, 2)
    ]


def found(slices: list[NDArray[np.float32]], owners: list[str] | None = None) -> list[Pair]:
    look_alikes = LookAlikes()
    for number, plane in enumerate(slices):
        look_alikes.add(number, plane)
    return list(look_alikes.pairs(owners or [str(number) for number in range(len(slices))]))


def test_patients_are_no_duplicates() -> None:
    assert found(planes(40)) == []


@pytest.mark.parametrize(
    "view", [np.s_[:, :], np.s_[::-1], np.s_[:, ::-1], np.s_[::-1, ::-1]], ids=str
)
def test_copies_are_found_mirrored_and_turned_too(view: tuple[slice, ...]) -> None:
    slices = planes(12)
    slices.append(slices[5][view].copy())
    (pair,) = found(slices)
    assert (pair.first, pair.second) == (5, 12)
    assert pair.turned == (view != np.s_[:, :])
    assert pair.correlation == pytest.approx(1, abs=0.01)


@settings(max_examples=30)
@given(
    gain=st.floats(0.2, 5), offset=st.floats(-100, 100), noise=st.floats(0, 0.02),
    side=st.integers(64, 256),
)  # fmt: skip
def test_copies_of_another_scale_are_found(
    gain: float, offset: float, noise: float, side: int
) -> None:
    slices = planes(3)
    span = float(np.ptp(slices[1]))
    other = Image.fromarray(slices[1]).resize((side, side), Image.Resampling.BICUBIC)
    drawn = np.random.Generator(np.random.Philox(1)).normal(0, noise * span, (side, side))
    slices.append(((np.asarray(other) + drawn) * gain + offset).astype(np.float32))
    assert [(pair.first, pair.second) for pair in found(slices)] == [(1, 3)]


def test_slices_of_one_patient_are_not_compared() -> None:
    plane = planes(1)[0]
    assert found([plane, plane], ["a", "a"]) == []
    assert len(found([plane, plane], ["a", "b"])) == 1


def test_blank_slices_are_left_out() -> None:
    blank = np.zeros((64, 64), np.float32)
    dot = blank.copy()
    dot[0, 0] = 1
    assert found([blank, blank, dot, dot]) == []


def test_many_slices_are_all_compared() -> None:
    slices = [planes(2)[0]] + [
        np.random.Generator(np.random.Philox(k)).normal(size=(32, 32)).astype(np.float32)
        for k in range(600)
    ]
    slices.append(slices[0])
    assert [(pair.first, pair.second) for pair in found(slices)] == [(0, 601)]
