"""The smallest GANs and data sets that are still real ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from medsynth.gans.adversarial import AdversarialTraining
from medsynth.gans.arithmetic import Arithmetic
from medsynth.gans.dataset import ResidentDataset
from medsynth.gans.presets import specification
from medsynth.gans.specification import GanSpecification

CPU = torch.device("cpu")
CLASSES = 3


def tiny(preset: str = "hinge", **overrides: Any) -> GanSpecification:
    small = {"generator_filters": 8, "discriminator_filters": 8, "latent_dim": 8, "batch_size": 8}
    return specification(preset, small | overrides)


def discs(count: int = 20, size: int = 32, channels: int = 1) -> tuple[NDArray[np.uint8], ...]:
    """Bright discs with a rim on dark ground, and their labels."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size]
    middle = rng.uniform(0.4, 0.6, (2, count, 1, 1)) * size
    distance = np.hypot(y - middle[0], x - middle[1]) / size
    masks = (distance < 0.3).astype(np.uint8) + (distance < 0.15)
    images = masks[:, None] * 80 + rng.integers(0, 30, (count, channels, size, size))
    return images.astype(np.uint8), masks.astype(np.uint8)


def game(spec: GanSpecification, precision: str = "float32", seed: int = 0) -> AdversarialTraining:
    dataset = ResidentDataset(*discs(), CLASSES, CPU)
    return AdversarialTraining(spec, dataset, Arithmetic(CPU, precision), seed)
