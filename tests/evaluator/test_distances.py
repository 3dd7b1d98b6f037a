"""Distances between image sets: right sides, right halves, each image once."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from medsynth.evaluator import names
from medsynth.evaluator.distances import compare, halve, image_count
from medsynth.metrics.frechet import frechet_distance
from tests.evaluator.prepared import disc_set, discs, split


def features(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Means of the quarters of an image."""
    parts = [images[:, 0, i * 16 :][:, :16, j * 16 :][:, :, :16] for i in (0, 1) for j in (0, 1)]
    return np.stack([part.mean(axis=(1, 2)) for part in parts], axis=1).astype(np.float32)


def test_each_comparison_is_the_distance_of_its_two_sides() -> None:
    prepared, (synthetic, _) = disc_set(), discs(10, seed=9)
    found = compare(features, prepared, synthetic, seed=3)
    train, test = prepared.split("train"), prepared.split("test")
    one, other = halve(train, 3)
    expected = {
        names.SYNTHETIC_TRAIN: (train.images, synthetic, 24, 10),
        names.SYNTHETIC_TEST: (test.images, synthetic, 12, 10),
        names.FLOOR: (train.images[one], train.images[other], 24, 0),
    }
    assert list(found) == list(names.COMPARISONS)
    for name, (real, fake, real_count, synthetic_count) in expected.items():
        distance = frechet_distance(features(real), features(fake))
        assert found[name].value == pytest.approx(distance, rel=1e-9)
        assert found[name].real_count == real_count
        assert found[name].synthetic_count == synthetic_count


def test_each_image_is_looked_at_once_and_progress_ends_at_the_count() -> None:
    prepared, (synthetic, _) = disc_set(), discs(300, seed=9)
    seen: Counter[bytes] = Counter()
    steps: list[int] = []

    def spy(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        seen.update(image.tobytes() for image in images)
        return features(images)

    compare(spy, prepared, synthetic, seed=0, on_images=steps.append)
    assert steps == sorted(steps)
    assert steps[-1] == image_count(prepared, synthetic) == sum(seen.values())
    assert set(seen.values()) == {1}


def test_the_floor_needs_two_patients() -> None:
    prepared = disc_set(patients=1)
    found = compare(features, prepared, discs(5, 0)[0], seed=0)
    assert found[names.FLOOR].value is None
    assert "two training patients" in found[names.FLOOR].missing
    assert found[names.SYNTHETIC_TRAIN].value is not None


@given(patients=st.integers(1, 12), seed=st.integers(0, 2**63 - 1))
def test_halves_are_whole_patients_and_nothing_is_lost(patients: int, seed: int) -> None:
    of = split("train", patients, 1, slices=2)
    one, other = halve(of, seed)
    assert sorted([*one, *other]) == list(range(2 * patients))
    assert not {of.patients[row] for row in one} & {of.patients[row] for row in other}
    assert 0 <= len(one) - len(other) <= 2
    assert [list(rows) for rows in halve(of, seed)] == [list(one), list(other)]
