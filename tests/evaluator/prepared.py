"""Prepared sets in memory, small enough to reason about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medsynth.data.prepared import PreparedSet, Split

CLASSES = ("background", "disc")


def discs(count: int, seed: int, size: int = 32) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Bright discs on a dark noisy ground, with their masks."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    images = np.empty((count, 1, size, size), np.uint8)
    masks = np.empty((count, size, size), np.uint8)
    for index in range(count):
        row, column = rng.uniform(size * 0.35, size * 0.65, 2)
        radius = rng.uniform(size * 0.15, size * 0.3)
        masks[index] = (rows - row) ** 2 + (columns - column) ** 2 < radius**2
        picture = 60 + 120 * masks[index] + rng.normal(0, 12, (size, size))
        images[index, 0] = np.clip(picture, 0, 255)
    return images, masks


def split(name: str, patients: int, seed: int, *, slices: int = 4, masks: bool = True) -> Split:
    images, labels = discs(patients * slices, seed)
    keys = [f"{name}{patient}" for patient in range(patients) for _ in range(slices)]
    return Split(
        name=name,
        images=images,
        masks=labels if masks else None,
        patients=tuple(keys),
        volumes=tuple(f"{key}_ed" for key in keys),
        slices=tuple(number for _ in range(patients) for number in range(slices)),
        groups=("",) * len(keys),
        foreground=tuple((labels > 0).mean(axis=(1, 2)).tolist()),
        digest=f"sha256:{name}",
    )


def disc_set(masks: bool = True, patients: int = 6) -> PreparedSet:
    splits = {
        name: split(name, count, seed, masks=masks)
        for name, count, seed in (("train", patients, 1), ("validation", 2, 2), ("test", 3, 3))
    }
    return PreparedSet(
        digest="sha256:" + "d" * 64,
        classes=CLASSES if masks else (),
        channels=1,
        size=32,
        bits=8,
        source={},
        splits=splits,
    )
