"""Files that hold a whole volume with its geometry: NIfTI, MetaImage, NRRD, Analyze.

NIfTI is read by nibabel; the others by SimpleITK.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.volume import Affine
from medsynth.errors import DataError

NIFTI: Final = (".nii.gz", ".nii")
ITK: Final = (".mhd", ".mha", ".nrrd", ".nhdr")
ENDINGS: Final = NIFTI + ITK

LARGEST: Final = 2**28
"""Voxels of a volume; a header that claims more is not believed."""

_LPS_TO_RAS: Final = np.diag([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class VolumeFile:
    """What a file holds.

    Attributes:
        values: As stored, rescaled as the header says (slices, channels, rows, columns).
        affine: As in `Volume`, or None where the header has none.
    """

    values: NDArray[np.generic]
    affine: Affine | None


def ending(name: str) -> str:
    """The ending by which a file is known to hold a volume; empty if it is not."""
    lower = name.lower()
    return next((ending for ending in ENDINGS if lower.endswith(ending)), "")


def read_volume_file(file: Path) -> VolumeFile:
    """Reads a file of one of the `ENDINGS`.

    A fourth axis of NIfTI, or components of a MetaImage, are channels.

    Raises:
        DataError: It is missing, broken, not of that format, or above `LARGEST` voxels.
    """
    return _read_nifti(file) if ending(file.name) in NIFTI else _read_itk(file)


def _read_nifti(file: Path) -> VolumeFile:
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    try:
        _check_archive(file)
        image: Any = nibabel.load(file)
        shape = tuple(int(length) for length in image.shape)
        _check_shape(shape, file)
        values = np.asanyarray(image.dataobj)
        affine = np.asarray(image.affine, np.float64)
    except FileNotFoundError as error:
        raise DataError(f"{file}: the file is missing") from error
    except (
        OSError, EOFError, ValueError, OverflowError, zlib.error, ImageFileError, HeaderDataError,
    ) as error:  # fmt: skip
        raise DataError(f"{file}: not a readable NIfTI file: {error}") from error
    values = values.reshape(*shape[:3], -1)
    ours = np.eye(4)
    ours[:3] = affine[:3, [2, 1, 0, 3]]
    return VolumeFile(values.transpose(2, 3, 1, 0), _believable(ours))


def _read_itk(file: Path) -> VolumeFile:
    import SimpleITK as sitk  # noqa: N813

    if not file.is_file():
        raise DataError(f"{file}: the file is missing")
    try:
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(file))
        reader.ReadImageInformation()
        size = tuple(reader.GetSize())
        components = reader.GetNumberOfComponents()
        _check_shape((*size, components) if components > 1 else size, file)
        image = reader.Execute()
        values = sitk.GetArrayFromImage(image)
    except (RuntimeError, ValueError, OverflowError, MemoryError) as error:
        reason = str(error).strip().rpartition("\n")[2]
        raise DataError(f"{file}: not a readable volume: {reason}") from error
    shape = tuple(reversed(size[:3])) + (1,) * (3 - len(size[:3]))
    values = values.reshape(*shape, -1)
    direction = np.reshape(image.GetDirection(), (image.GetDimension(),) * 2)[:3, :3]
    affine = np.eye(4)
    affine[:3, :3] = _LPS_TO_RAS @ (direction * np.asarray(image.GetSpacing()[:3]))
    affine[:3, 3] = _LPS_TO_RAS @ np.asarray(image.GetOrigin()[:3])
    ours = np.eye(4)
    ours[:3] = affine[:3, [2, 1, 0, 3]]
    return VolumeFile(values.transpose(0, 3, 1, 2), _believable(ours))


def _check_shape(shape: tuple[int, ...], file: Path) -> None:
    trailing_ones = len(shape) > 4 and all(length == 1 for length in shape[4:])
    if not (3 <= len(shape) <= 4 or trailing_ones) or min(shape) < 0:
        raise DataError(f"{file}: expected a volume of three axes, its shape is {shape}")
    if int(np.prod(shape, dtype=object)) > LARGEST:
        raise DataError(f"{file}: a volume of shape {shape} is above {LARGEST} voxels")


def _check_archive(file: Path) -> None:
    """Reads a `.gz` to its checksum, which reading the volume alone would not reach."""
    if file.suffix.lower() != ".gz":
        return
    size = 0
    with gzip.open(file) as stream:
        while chunk := stream.read(2**20):
            size += len(chunk)
            if size > 16 * LARGEST:
                raise DataError(f"{file}: unpacks to more than {16 * LARGEST} bytes")


def _believable(affine: Affine) -> Affine | None:
    """The affine, unless the header's is none: not finite, or flat."""
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        return None
    return affine
