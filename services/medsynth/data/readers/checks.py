"""What must hold of every volume, whatever file it comes from."""

from __future__ import annotations

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
    values: NDArray[np.generic], file: Path, shape: tuple[int, ...], classes: tuple[str, ...]
) -> NDArray[np.uint8]:
    """Labels as uint8.

    Args:
        values: As read.
        file: Where from.
        shape: Of the image that the mask belongs to.
        classes: Names of the labels, background first.

    Raises:
        DataError: The shape differs, or a label is not the number of a class.
    """
    if values.shape != shape:
        raise DataError(f"{file}: the mask has shape {values.shape}, its image {shape}")
    if values.dtype.kind not in "iufb":
        raise DataError(f"{file}: labels of type {values.dtype} cannot be used")
    labels = np.unique(values)
    unknown = [label for label in labels.tolist() if label not in range(len(classes))]
    if unknown:
        shown = ", ".join(f"{label:g}" for label in unknown[:5])
        names = ", ".join(f"{k} {name}" for k, name in enumerate(classes))
        raise DataError(f"{file}: label {shown} in the mask, expected {names}")
    return values.astype(np.uint8)
