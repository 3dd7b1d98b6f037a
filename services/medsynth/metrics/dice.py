"""Dice per class (Dice 1945), volume-wise.

The pixels of all slices of a volume are pooled first: Dice = 2 |P ∩ T| / (|P| + |T|) of each class
in each volume, then the mean over volumes, then the mean over classes without the background. A
class that is empty in the truth and in the prediction of a volume is 0/0: that volume is not
scored for it. A class that only the prediction has scores 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medsynth.errors import InvalidArgumentError


@dataclass(frozen=True)
class DiceScores:
    """Dice of a prediction.

    Attributes:
        volumes: Names of the volumes, in order of first appearance.
        by_volume: (volumes, classes - 1) in [0, 1], background left out; NaN: not scored.
        by_class: (classes - 1,) means over the scored volumes; NaN: no volume was scored.
        mean: Mean over the scored classes; NaN: none was scored.
    """

    volumes: tuple[str, ...]
    by_volume: NDArray[np.float64]
    by_class: NDArray[np.float64]
    mean: float


def dice_scores(
    prediction: NDArray[np.integer],
    truth: NDArray[np.integer],
    classes: int,
    volumes: Sequence[str] | None = None,
) -> DiceScores:
    """Volume-wise Dice of each class.

    Args:
        prediction: Labels (N, H, W), 0 to classes - 1.
        truth: Labels (N, H, W), 0 to classes - 1.
        classes: Number of labels with the background, 2 to 256.
        volumes: For each of the N slices the volume that it belongs to. None: each slice is a
            volume of its own, which gives slice-wise Dice.

    Raises:
        InvalidArgumentError: Shapes differ, labels lie outside the classes, or there is no slice.
    """
    prediction, truth = np.asarray(prediction), np.asarray(truth)
    if not 2 <= classes <= 256:
        raise InvalidArgumentError.field("classes", classes, "an integer from 2 to 256")
    if truth.ndim != 3 or len(truth) == 0:
        raise InvalidArgumentError.field("truth", truth.shape, "labels (N, H, W) with N >= 1")
    if prediction.shape != truth.shape:
        raise InvalidArgumentError.field("prediction", prediction.shape, f"shape {truth.shape}")
    for name, labels in (("prediction", prediction), ("truth", truth)):
        if labels.dtype.kind not in "iu":
            raise InvalidArgumentError.field(name, str(labels.dtype), "integer labels")
        if labels.size and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
            raise InvalidArgumentError.field(
                name, (int(labels.min()), int(labels.max())), f"labels from 0 to {classes - 1}"
            )
    if volumes is None:
        volumes = [str(index) for index in range(len(truth))]
    if len(volumes) != len(truth):
        raise InvalidArgumentError.field("volumes", len(volumes), f"{len(truth)} names")

    places = {name: place for place, name in enumerate(dict.fromkeys(volumes))}
    place = np.array([places[name] for name in volumes])
    overlap = np.zeros((len(places), classes))
    sizes = np.zeros((len(places), classes))
    for index, (predicted, true) in enumerate(zip(prediction, truth, strict=True)):
        agreed = true[predicted == true]
        overlap[place[index]] += np.bincount(agreed.ravel(), minlength=classes)
        sizes[place[index]] += np.bincount(predicted.ravel(), minlength=classes)
        sizes[place[index]] += np.bincount(true.ravel(), minlength=classes)
    scored = sizes[:, 1:] > 0
    by_volume = np.full(scored.shape, np.nan)
    np.divide(2.0 * overlap[:, 1:], sizes[:, 1:], out=by_volume, where=scored)
    by_class = _mean_of_scored(by_volume)
    return DiceScores(tuple(places), by_volume, by_class, float(_mean_of_scored(by_class)))


def _mean_of_scored(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean along the first axis without NaN; NaN where there is nothing else."""
    scored = ~np.isnan(values)
    count = scored.sum(axis=0)
    total = np.where(scored, values, 0.0).sum(axis=0)
    mean = np.full(np.shape(count), np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean
