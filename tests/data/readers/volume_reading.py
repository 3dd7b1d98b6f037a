"""Volumes of all kinds and places, and what comes of reading them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from medsynth.data.readers.volume_files import VolumeFile, read_volume_file, voxels_of
from medsynth.errors import DataError

TURN = np.linalg.qr(np.array([[5.0, 1, 0.3], [-1, 4, 0.6], [0.2, 0.5, -3]]))[0]
SPACING, ORIGIN = (0.7, 0.8, 2.5), (-120.5, 33.25, 801)
RAS = np.diag([-1.0, -1.0, 1.0])
TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")
ITK_NAMES = ("a.mha", "a.mhd", "a.nrrd", "a.nhdr")


def voxels(dtype: str = "i2", *shape: int) -> np.ndarray:
    shape = shape or (3, 4, 5)
    values = np.arange(np.prod(shape)) * 3 - (0 if dtype[0] == "u" else 60)
    return values.reshape(shape).astype(dtype)


def itk_image(values: np.ndarray, vectors: bool = False) -> sitk.Image:
    image = sitk.GetImageFromArray(values, isVector=vectors)
    image.SetSpacing(SPACING)
    image.SetOrigin(ORIGIN)
    image.SetDirection(TURN.ravel().tolist())
    return image


def affine() -> np.ndarray:
    """Of `itk_image`, from (column, row, slice) to the axes of NIfTI."""
    out = np.eye(4)
    out[:3, :3] = RAS @ TURN * SPACING
    out[:3, 3] = RAS @ ORIGIN
    return out


def read(file: Path) -> VolumeFile:
    known = {str(path) for path in file.parent.iterdir()}
    return read_volume_file(file, [Path(path) for path in voxels_of(str(file), known)])


def refused(file: Path) -> str:
    with pytest.raises(DataError) as caught:
        read(file)
    assert caught.value.message.startswith(f"{file}: ")
    return caught.value.message


def check_placed(found: VolumeFile) -> None:
    assert found.affine is not None
    assert np.allclose(found.affine[:3], affine()[:3, [2, 1, 0, 3]], atol=1e-4)
    assert found.remarks == ()


def changed(file: Path, old: bytes, new: bytes) -> Path:
    content = file.read_bytes()
    assert content.count(old) == 1
    file.write_bytes(content.replace(old, new))
    return file
