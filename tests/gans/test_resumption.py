"""Trainings that are killed in the middle of what they do end as if they had been left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from medsynth.gans.presets import PRESETS
from tests.gans.resumption import Trained, compare, random_kills


def check_same(whole: Trained, killed: Trained) -> None:
    assert killed.weights == whole.weights
    assert killed.curve == whole.curve
    assert killed.scalars == whole.scalars
    assert killed.checkpoints == whole.checkpoints
    assert killed.seen == whole.seen


@pytest.mark.timeout(600)
def test_a_killed_training_ends_with_the_same_bits(tmp_path: Path) -> None:
    check_same(*compare("hinge", [11, 20], "cpu", tmp_path))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("preset", PRESETS)
def test_every_gan_killed_at_random_moments_ends_with_the_same_bits(
    preset: str, tmp_path: Path
) -> None:
    check_same(*compare(preset, random_kills(seed=len(preset), count=4), "cpu", tmp_path))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("preset", PRESETS)
def test_on_a_gpu_the_same_images_are_seen_in_the_same_order(
    preset: str, tmp_path: Path, record_property: pytest.Property
) -> None:
    whole, killed = compare(preset, [11, 20], "cuda", tmp_path)
    assert killed.seen == whole.seen
    farthest = max(
        abs(one - other)
        for tag, points in whole.scalars.items()
        for (_, one), (_, other) in zip(points, killed.scalars[tag], strict=True)
    )
    record_property("largest difference of a scalar", farthest)
