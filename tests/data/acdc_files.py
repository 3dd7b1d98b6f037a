"""Small folders in ACDC's layout."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

AFFINE = np.diag([1.5, 1.25, 8, 1])


def write_nifti(file: Path, values: NDArray[np.generic]) -> Path:
    """Writes (slices, rows, columns) in NIfTI's own order of axes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(values.transpose(2, 1, 0), AFFINE)
    nibabel.save(image, file)
    return file


def acdc_folder(
    root: Path, patients: int = 4, slices: int = 3, rows: int = 40, columns: int = 48
) -> Path:
    """Patients in ACDC's layout with two frames each, rings as hearts, groups in turn."""
    generator = np.random.Generator(np.random.Philox(7))
    y, x = np.mgrid[:rows, :columns]
    for number in range(1, patients + 1):
        folder = root / f"patient{number:03d}"
        folder.mkdir(parents=True)
        group = ("NOR", "DCM")[number % 2]
        (folder / "Info.cfg").write_text(f"ED: 1\nES: 9\nGroup: {group}\nHeight: 180\n")
        for frame in (1, 9):
            radius = np.hypot(y - 15 - number % 3, x - 20)
            mask = np.where(radius < 4, 3, np.where(radius < 7, 2, 0))
            mask = np.where((mask == 0) & (radius < 11) & (x < 20), 1, mask)
            masks = np.repeat(mask[None], slices, axis=0).astype(np.uint8)
            image = masks * 60 + generator.integers(0, 40, masks.shape)
            name = f"patient{number:03d}_frame{frame:02d}"
            write_nifti(folder / f"{name}.nii.gz", image.astype(np.int16))
            write_nifti(folder / f"{name}_gt.nii.gz", masks)
    return root
