"""A task that a small network learns in seconds: discs (1) with a bright core (2) on noise."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def discs(seed: int, count: int, side: int = 32, channels: int = 1) -> tuple[Array, Array]:
    """Images uint8 (count, channels, side, side) and masks uint8 (count, side, side)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    masks = np.zeros((count, side, side), np.uint8)
    for mask in masks:
        centre = random.uniform(side * 0.3, side * 0.7, 2)
        radius = random.uniform(side * 0.15, side * 0.25)
        distance = np.hypot(y - centre[0], x - centre[1])
        mask[distance < radius] = 1
        mask[distance < radius / 2] = 2
    grey = np.array([60, 120, 200])[masks][:, None]
    noise = random.normal(0, 15, (count, channels, side, side))
    return np.clip(grey + noise, 0, 255).astype(np.uint8), masks


def validation(
    seed: int = 100, side: int = 32, channels: int = 1
) -> tuple[Array, Array, list[str]]:
    """Twelve slices of four volumes."""
    return (*discs(seed, 12, side, channels), [f"v{index // 3}" for index in range(12)])
