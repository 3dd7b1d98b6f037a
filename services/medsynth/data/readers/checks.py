"""What must hold of every volume, whatever file it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medsynth.errors import DataError

_NEAR: Final = 1e-3
"""Labels kept as numbers with fractions may lie so far from the whole number that is meant."""


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
        values: As read; what is nearly whole is taken for whole.
        file: Where from.
        shape: Of the image that the mask belongs to.
        classes: Names of the labels, background first.
        stored: The values that stand for the labels 0, 1, ...; empty: the labels do.

    Raises:
        DataError: The shape differs, or a value does not stand for a class.
    """
    if values.shape != shape:
        raise DataError(f"{file}: the mask has shape {values.shape}, its image {shape}")
    if values.dtype.kind not in "iufb":
        raise DataError(f"{file}: labels of type {values.dtype} cannot be used")
    meant = tuple(stored or range(len(classes)))
    table = np.full(256, np.nan)
    table[: len(meant)] = meant
    labels = np.empty(shape, np.uint8)
    for place, plane in enumerate(map(nearly_whole, values)):
        labels[place] = _labels(plane, stored)
        if (table[labels[place]] != plane).any():
            raise DataError(f"{file}: {_unknown(values, meant, classes)}")
    return labels


def nearly_whole(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """What lies within 0.001 of a whole number as that number; all else as it is."""
    if values.dtype.kind != "f":
        return values
    nearest = np.rint(values)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(values - nearest) <= _NEAR, nearest, values)


def _labels(values: NDArray[np.generic], stored: Sequence[int]) -> NDArray[np.uint8]:
    """The label of each value; any where it has none."""
    if not stored:
        with np.errstate(invalid="ignore"):
            return values.astype(np.uint8)
    order = np.argsort(stored)
    rising = np.asarray(stored)[order]
    labels: NDArray[np.uint8] = order.astype(np.uint8)[np.searchsorted(rising[:-1], values)]
    return labels


def _unknown(values: NDArray[np.generic], meant: Sequence[int], classes: Sequence[str]) -> str:
    """What is wrong with a mask that has other values than those of its classes."""
    unknown = [value for value in np.unique(nearly_whole(values)).tolist() if value not in meant]
    shown = ", ".join(f"{value:.9g}" for value in unknown[:5])
    names = ", ".join(f"{value} {name}" for value, name in zip(meant, classes, strict=True))
    return f"label {shown} in the mask, expected {names}"
