"""Dice against known overlaps and against MONAI."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from monai.metrics import DiceMetric

from medsynth.errors import InvalidArgumentError
from medsynth.metrics import dice_scores

Array = np.ndarray


def one_hot(labels: Array, classes: int) -> torch.Tensor:
    """(slices, H, W) of one volume as (1, classes, slices, H, W)."""
    return torch.from_numpy(np.stack([labels == label for label in range(classes)]))[None].float()


def test_known_overlap() -> None:
    truth = np.zeros((1, 4, 4), np.uint8)
    truth[0, :2, :2] = 1
    prediction = np.zeros_like(truth)
    prediction[0, :2, 1:3] = 1
    scores = dice_scores(prediction, truth, 2)
    assert scores.by_class.tolist() == [2 * 2 / (4 + 4)]
    assert scores.mean == 0.5


def test_pixels_are_pooled_over_a_volume() -> None:
    """One slice with 1 of 1 right and one with 0 of 9: the mean of slices would be 0.5."""
    truth = np.zeros((2, 3, 3), np.uint8)
    truth[0, 0, 0] = 1
    truth[1] = 1
    prediction = np.zeros_like(truth)
    prediction[0, 0, 0] = 1
    assert dice_scores(prediction, truth, 2, ["a", "a"]).mean == pytest.approx(2 / 11)
    assert dice_scores(prediction, truth, 2).mean == pytest.approx(0.5)


def test_empty_in_both_is_not_scored_and_empty_in_truth_alone_is_zero() -> None:
    truth = np.zeros((3, 2, 2), np.uint8)
    truth[0, 0, 0] = 1
    prediction = truth.copy()
    prediction[2, 1, 1] = 2
    scores = dice_scores(prediction, truth, 4, ["x", "y", "z"])
    assert scores.volumes == ("x", "y", "z")
    expected = [[1, np.nan, np.nan], [np.nan] * 3, [np.nan, 0, np.nan]]
    np.testing.assert_array_equal(scores.by_volume, expected)
    np.testing.assert_array_equal(scores.by_class, [1, 0, np.nan])
    assert scores.mean == 0.5


def test_nothing_to_score_is_nan() -> None:
    empty = np.zeros((2, 2, 2), np.uint8)
    assert math.isnan(dice_scores(empty, empty, 3).mean)


def test_equals_monai() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 4, (12, 16, 16)).astype(np.uint8)
    prediction = np.where(random.random(truth.shape) < 0.4, truth, (truth + 1) % 4).astype(np.uint8)
    truth[4:7][truth[4:7] == 3] = 0
    prediction[4:7][prediction[4:7] == 3] = 0
    volumes = ["b"] * 4 + ["a"] * 3 + ["c"] * 5
    shuffled = random.permutation(len(truth))
    scores = dice_scores(
        prediction[shuffled], truth[shuffled], 4, [volumes[index] for index in shuffled]
    )
    metric = DiceMetric(include_background=False, reduction="mean_batch")
    for name in scores.volumes:
        slices = np.array([volume == name for volume in volumes])
        metric(one_hot(prediction[slices], 4), one_hot(truth[slices], 4))
    np.testing.assert_allclose(scores.by_volume, metric.get_buffer().numpy(), rtol=1e-6)
    np.testing.assert_allclose(scores.by_class, metric.aggregate().numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    ("prediction", "truth", "classes", "volumes", "field"),
    [
        (np.zeros((2, 2, 2), int), np.zeros((2, 2, 3), int), 2, None, "prediction"),
        (np.zeros((2, 2), int), np.zeros((2, 2), int), 2, None, "truth"),
        (np.zeros((0, 2, 2), int), np.zeros((0, 2, 2), int), 2, None, "truth"),
        (np.full((2, 2, 2), 2), np.zeros((2, 2, 2), int), 2, None, "prediction"),
        (np.zeros((2, 2, 2), int), np.full((2, 2, 2), -1), 2, None, "truth"),
        (np.zeros((2, 2, 2)), np.zeros((2, 2, 2), int), 2, None, "prediction"),
        (np.zeros((2, 2, 2), int), np.zeros((2, 2, 2), int), 1, None, "classes"),
        (np.zeros((2, 2, 2), int), np.zeros((2, 2, 2), int), 2, ["a"], "volumes"),
    ],
)
def test_refuses_what_cannot_be_scored(
    prediction: Array, truth: Array, classes: int, volumes: list[str] | None, field: str
) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        dice_scores(prediction, truth, classes, volumes)
    assert raised.value.violations[0].field == field
