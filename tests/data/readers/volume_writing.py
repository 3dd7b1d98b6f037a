"""Small volumes on the disk, written with the formats' own libraries."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray

SHAPE = (4, 20, 24)
"""Slices, rows, columns."""

AFFINE = np.array([[-1.5, 0, 0, 40], [0, -1.25, 0, 50], [0, 0, 8, -60], [0, 0, 0, 1]])
"""From columns, rows and slices to the axes of NIfTI."""


def image_of(seed: int, channels: int = 0) -> NDArray[np.int16]:
    shape = (*SHAPE, channels) if channels else SHAPE
    return np.random.Generator(np.random.Philox(seed)).integers(-900, 900, shape).astype(np.int16)


def mask_of(*labels: int) -> NDArray[np.uint8]:
    mask = np.zeros(SHAPE, np.uint8)
    for place, label in enumerate(labels):
        mask[1:3, 4 + 2 * place : 6 + 2 * place, 5:15] = label
    return mask


def write(file: Path, values: NDArray[np.generic], affine: NDArray[np.float64] = AFFINE) -> Path:
    """Writes (slices, rows, columns[, channels]); the ending says in which format."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.name.endswith((".nii", ".nii.gz")):
        axes = (2, 1, 0, 3)[: values.ndim]
        nibabel.save(nibabel.Nifti1Image(values.transpose(axes), affine), file)
        return file
    image = sitk.GetImageFromArray(values, isVector=values.ndim > 3)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    turn = np.diag([-1, -1, 1])
    image.SetDirection((turn @ affine[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin((turn @ affine[:3, 3]).tolist())
    sitk.WriteImage(image, file)
    return file
