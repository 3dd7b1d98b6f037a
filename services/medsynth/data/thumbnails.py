"""Slices reduced to be shown."""

from __future__ import annotations

from typing import Final

import numpy as np

from medsynth.data.inspection import Thumbnail
from medsynth.data.slices import Box, cut
from medsynth.data.volume import Volume

SIDE: Final = 160
"""Rows and columns of a thumbnail, at most."""

_PERCENTILES: Final = (0.5, 99.5)


def make_thumbnail(volume: Volume) -> Thumbnail:
    """The slice with most of its pixels labelled, or the middle one, reduced and made square."""
    number = len(volume.images) // 2
    if volume.masks is not None and volume.masks.any():
        number = int(np.argmax((volume.masks > 0).sum(axis=(1, 2))))
    whole = volume.images[number].astype(np.float64)
    low, high = np.percentile(whole, _PERCENTILES).tolist()
    step = max(1, -(-max(whole.shape[1:]) // SIDE))
    reduced = whole[:, ::step, ::step]
    levels = np.clip((reduced - low) / max(high - low, 1e-30), 0, 1) * 255
    rows, columns = reduced.shape[1:]
    side = max(rows, columns)
    box = Box((rows - side) // 2, (columns - side) // 2, side, side)
    mask = None
    if volume.masks is not None:
        mask = cut(volume.masks[number, ::step, ::step], box)
    return Thumbnail(f"{volume.name} slice {number}", cut(levels, box).astype(np.uint8), mask)
