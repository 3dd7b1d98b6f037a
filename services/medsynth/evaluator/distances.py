"""Likeness: Fréchet distances between synthetic and real images, in any feature space."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.prepared import PreparedSet, Split
from medsynth.evaluator import names
from medsynth.levels import Pixels
from medsynth.metrics import FrechetStatistics

Features = Callable[[Pixels], NDArray[Any]]
"""From images, uint8 or uint16 (n, C, S, S), to their features (n, d)."""

_BATCH: Final = 256


@dataclass(frozen=True)
class Distance:
    """A Fréchet distance.

    Attributes:
        value: None: it could not be computed.
        real_count: Images on the real side; for the floor, in both halves.
        synthetic_count: Images on the synthetic side; 0 for the floor.
        missing: Why there is no value, and what to do.
    """

    value: float | None
    real_count: int
    synthetic_count: int
    missing: str = ""


def compare(
    features: Features,
    prepared: PreparedSet,
    synthetic: Pixels,
    *,
    seed: int,
    on_images: Callable[[int], None] = lambda done: None,
) -> dict[str, Distance]:
    """The distances of synthetic images to the training and the test images, and the floor.

    The features of each image are computed once.

    Args:
        features: The feature space.
        prepared: The real data.
        synthetic: uint8, or uint16 for 16 bits (N, C, S, S).
        seed: Seed of the halving of the training patients.
        on_images: Called after each batch with the images done so far, `image_count` in the end;
            may raise to stop.

    Returns:
        By comparison (`names.COMPARISONS`).
    """
    train, test = prepared.split("train"), prepared.split("test")
    done = 0

    def gather(images: Pixels, rows: NDArray[np.intp]) -> FrechetStatistics | None:
        nonlocal done
        found: FrechetStatistics | None = None
        for batch in _batches(rows):
            values = features(images[batch])
            found = found or FrechetStatistics(values.shape[1])
            found.update(values)
            done += len(batch)
            on_images(done)
        return found

    halves = [gather(train.images, rows) for rows in halve(train, seed)]
    statistics = {
        "train": FrechetStatistics.merged([half for half in halves if half is not None]),
        "test": gather(test.images, np.arange(len(test.images))),
        "synthetic": gather(synthetic, np.arange(len(synthetic))),
    }
    return {
        names.SYNTHETIC_TRAIN: _distance(statistics["train"], statistics["synthetic"]),
        names.SYNTHETIC_TEST: _distance(statistics["test"], statistics["synthetic"]),
        names.FLOOR: _floor(*halves),
    }


def image_count(prepared: PreparedSet, synthetic: Pixels) -> int:
    """Images that `compare` looks at."""
    return sum(len(prepared.split(name).images) for name in ("train", "test")) + len(synthetic)


def halve(split: Split, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of two halves of a split's patients; a patient is whole in one of them.

    Args:
        split: With one patient, the second half is empty.
        seed: The same seed always gives the same halves.
    """
    patients = sorted(set(split.patients))
    order = np.argsort(np.random.Philox(key=seed).random_raw(len(patients)), kind="stable")
    first = {patients[place] for place in order[: (len(patients) + 1) // 2]}
    inside = np.array([patient in first for patient in split.patients], bool)
    return np.flatnonzero(inside), np.flatnonzero(~inside)


def _batches(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]


def _distance(real: FrechetStatistics | None, synthetic: FrechetStatistics | None) -> Distance:
    real_count = real.count if real else 0
    synthetic_count = synthetic.count if synthetic else 0
    if real is None or synthetic is None or min(real_count, synthetic_count) < 2:
        return Distance(
            None,
            real_count,
            synthetic_count,
            "not applicable: a distance needs at least two images on each side",
        )
    return Distance(real.distance(synthetic), real_count, synthetic_count)


def _floor(one: FrechetStatistics | None, other: FrechetStatistics | None) -> Distance:
    count = (one.count if one else 0) + (other.count if other else 0)
    if one is None or other is None or min(one.count, other.count) < 2:
        return Distance(
            None,
            count,
            0,
            "not applicable: the floor needs two training patients with two slices each",
        )
    return Distance(one.distance(other), count, 0)
