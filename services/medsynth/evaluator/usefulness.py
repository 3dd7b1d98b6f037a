"""Usefulness: Dice on real test patients of U-Nets that learned from real and synthetic images.

Every regime gets the same network, number of steps and schedule, chooses its checkpoint on the
real validation patients, and meets the real test patients once. Synthetic images are used as they
are, none left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from medsynth.data.prepared import PreparedSet
from medsynth.evaluator import names
from medsynth.levels import Labels, Pixels
from medsynth.metrics import dice_scores
from medsynth.segmentation import UNet, predict, train_unet


@dataclass(frozen=True)
class TrainingImages:
    """What a regime's U-Net learns from.

    Attributes:
        images: uint8, or uint16 for 16 bits (N, C, S, S).
        masks: uint8 labels (N, S, S).
        real_count: How many of them are real.
        synthetic_count: How many are not.
        augment: Whether they are rotated, shifted and flipped.
    """

    images: Pixels
    masks: Labels
    real_count: int
    synthetic_count: int
    augment: bool


def training_images(
    regime: str, prepared: PreparedSet, images: Pixels, masks: Labels | None
) -> TrainingImages:
    """The images of a regime.

    Args:
        regime: One of `names.REGIMES`.
        prepared: The real data, with masks.
        images: The synthetic images.
        masks: Their labels; needed for `synthetic` and `mixed` alone.
    """
    train = prepared.split("train")
    assert train.masks is not None
    if regime in (names.REAL, names.AUGMENTED):
        # Copies, since PyTorch wants arrays that could be written to.
        pictures: Pixels = train.images.copy()
        labels: Labels = train.masks.copy()
        return TrainingImages(pictures, labels, len(pictures), 0, regime == names.AUGMENTED)
    assert masks is not None
    if regime == names.SYNTHETIC:
        return TrainingImages(images, masks, 0, len(images), False)
    return TrainingImages(
        np.concatenate([train.images, images]),
        np.concatenate([train.masks, masks]),
        len(train.images),
        len(images),
        False,
    )


def train_on(
    chosen: TrainingImages,
    prepared: PreparedSet,
    *,
    steps: int,
    seed: int,
    device: str,
    on_progress: Callable[[int, Mapping[str, float]], None],
    should_stop: Callable[[], bool],
) -> UNet:
    """Trains a regime's U-Net. `on_progress` is told the steps done, and metrics."""
    validation = prepared.split("validation")
    assert validation.masks is not None
    return train_unet(
        chosen.images,
        chosen.masks,
        len(prepared.classes),
        validation=(validation.images, validation.masks, validation.volumes),
        steps=steps,
        seed=seed,
        augment=chosen.augment,
        device=device,
        on_progress=lambda done, _, metrics: on_progress(done, metrics),
        should_stop=should_stop,
    )


def dice_on_test(unet: UNet, prepared: PreparedSet) -> dict[str, float | None]:
    """Dice on the real test patients, volume-wise.

    Returns:
        By label (`mean` and the classes without background); None: not scored, since no test
        volume has the class, in truth or prediction.
    """
    test = prepared.split("test")
    assert test.masks is not None
    scores = dice_scores(
        predict(unet, test.images), test.masks, len(prepared.classes), test.volumes
    )
    values = [scores.mean, *scores.by_class]
    return {
        label: None if math.isnan(value) else float(value)
        for label, value in zip((names.MEAN, *prepared.classes[1:]), values, strict=True)
    }
