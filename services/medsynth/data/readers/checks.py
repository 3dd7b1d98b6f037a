"""What must hold of every volume, whatever file it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medsynth.errors import DataError


def checked_images(values: NDArray[np.generic], file: Path) -> NDArray[np.float32]:
    """Intensities as float32.

    Raises:
        DataError: They are not real numbers, not finite, or there are none.
    """
    if values.size == 0:
        raise DataError(f"{file}: the image is empty, its shape is {values.shape}")
    if values.dtype.kind not in "iufb":
        raise DataError(f"{file}: intensities of type {values.dtype} cannot be used")
    with np.errstate(over="ignore"):
        images = values.astype(np.float32)
    bad = int(images.size - np.isfinite(images).sum())
    if bad:
        raise DataError(f"{file}: {bad} of {images.size} intensities are NaN or infinite")
    return images


def checked_masks(
    values: NDArray[np.generic],
    file: Path,
    shape: tuple[int, ...],
    classes: tuple[str, ...],
    stored: Sequence[int] = (),
) -> NDArray[np.uint8]:
    """Labels as uint8.

    Args:
        values: As read.
        file: Where from.
        shape: Of the image that the mask belongs to.
        classes: Names of the labels, background first.
        stored: The values that stand for the labels 0, 1, ..., rising; empty: the labels do.

    Raises:
        DataError: The shape differs, or a value does not stand for a class.
    """
    if values.shape != shape:
        raise DataError(f"{file}: the mask has shape {values.shape}, its image {shape}")
    if values.dtype.kind not in "iufb":
        raise DataError(f"{file}: labels of type {values.dtype} cannot be used")
    meant = list(stored or range(len(classes)))
    if stored:
        labels = np.searchsorted(meant[:-1], values).astype(np.uint8)
        known = (np.asarray(meant)[labels] == values).all()
    else:
        with np.errstate(invalid="ignore"):
            labels = values.astype(np.uint8)
        known = (labels == values).all() and labels.max(initial=0) < len(classes)
    if known:
        return labels
    found = np.unique(values)
    unknown = [value for value in found.tolist() if value not in meant]
    shown = ", ".join(f"{value:g}" for value in unknown[:5])
    names = ", ".join(f"{value} {name}" for value, name in zip(meant, classes, strict=True))
    raise DataError(f"{file}: label {shown} in the mask, expected {names}")
