"""The layout of the ACDC data set (Bernard 2018): cardiac cine-MRI, short axis.

`patientNNN/patientNNN_frameFF.nii.gz` with `patientNNN_frameFF_gt.nii.gz` and `Info.cfg`, below
the folder itself or below its `training` and `testing`. The patients of all are taken together;
the preparation splits them. Other files (`_4d`, readmes) are passed over.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medsynth.data.readers.checks import checked_images, checked_masks
from medsynth.data.volume import Volume
from medsynth.errors import DataError

NAME = "acdc"
VERSION = 1
CLASSES = ("background", "rv cavity", "myocardium", "lv cavity")

_PARTS = ("", "training", "testing")
_PATIENT = re.compile(r"patient\d+")
_FRAME = re.compile(r"(patient\d+_frame\d+)(\.nii(?:\.gz)?)")
_LARGEST = 2**28
"""Voxels of a volume; a header that claims more is not believed."""


@dataclass(frozen=True)
class _Frame:
    name: str
    image: Path
    mask: Path


def recognises(uri: str) -> bool:
    """Whether the folder holds a patient's folder with a frame."""
    return any(True for _, frames in _patients(uri) if frames)


def files(uri: str) -> list[Path]:
    """Images, masks and `Info.cfg` of every patient, sorted."""
    found = []
    for folder, frames in _patients(uri):
        for frame in frames:
            found += [frame.image, frame.mask]
        if (folder / "Info.cfg").is_file():
            found.append(folder / "Info.cfg")
    return sorted(found)


def count(uri: str) -> int:
    """Number of frames."""
    return sum(len(frames) for _, frames in _patients(uri))


def volumes(uri: str) -> Iterator[Volume]:
    """Reads one frame after the other.

    Raises:
        DataError: No frames; or a file is missing, broken or not what it should be.
    """
    empty = True
    for folder, frames in _patients(uri):
        for frame in frames:
            empty = False
            values, spacing = _read(frame.image)
            images = checked_images(values, frame.image)
            masks = checked_masks(_read(frame.mask)[0], frame.mask, images.shape, CLASSES)
            yield Volume(folder.name, frame.name, _group(folder), images[:, None], masks, spacing)
    if empty:
        raise DataError(
            f"{uri}: no images found. Expected patientNNN/patientNNN_frameFF.nii.gz, as in ACDC"
        )


def _patients(uri: str) -> Iterator[tuple[Path, list[_Frame]]]:
    seen: dict[str, Path] = {}
    for part in _PARTS:
        root = Path(uri) / part
        if not root.is_dir():
            continue
        for folder in _entries(root):
            if not _PATIENT.fullmatch(folder.name) or not folder.is_dir():
                continue
            if folder.name in seen:
                raise DataError(f"{folder}: the same patient is in {seen[folder.name]}")
            seen[folder.name] = folder
            yield folder, _frames(folder)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder}: cannot be read: {error.strerror}") from error


def _frames(folder: Path) -> list[_Frame]:
    frames = []
    for file in _entries(folder):
        match = _FRAME.fullmatch(file.name)
        if match is None:
            continue
        beside = [folder / f"{match[1]}_gt{ending}" for ending in (".nii.gz", ".nii")]
        mask = next((path for path in beside if path.exists()), None)
        if mask is None:
            raise DataError(f"{file}: its mask {beside[0].name} is missing")
        frames.append(_Frame(match[1], file, mask))
    return frames


def _group(folder: Path) -> str:
    info = folder / "Info.cfg"
    try:
        text = info.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{info}: cannot be read: {error}") from error
    match = re.search(r"^\s*Group\s*:\s*(\S+)", text, re.MULTILINE)
    return match[1] if match else ""


def _check_archive(file: Path) -> None:
    """Reads a `.gz` to its checksum, which reading the volume alone would not reach."""
    if file.suffix != ".gz":
        return
    size = 0
    with gzip.open(file) as stream:
        while chunk := stream.read(2**20):
            size += len(chunk)
            if size > 16 * _LARGEST:
                raise DataError(f"{file}: unpacks to more than {16 * _LARGEST} bytes")


def _read(file: Path) -> tuple[NDArray[np.generic], tuple[float, float, float]]:
    """Values (slices, rows, columns) and the spacing along these axes."""
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    try:
        _check_archive(file)
        image: Any = nibabel.load(file)
        shape = image.shape
        if len(shape) == 4 and shape[3] == 1:
            shape = shape[:3]
        if len(shape) != 3:
            raise DataError(f"{file}: expected a volume of three axes, its shape is {image.shape}")
        if int(np.prod(shape, dtype=object)) > _LARGEST:
            raise DataError(f"{file}: a volume of shape {shape} is above {_LARGEST} voxels")
        values = np.asanyarray(image.dataobj).reshape(shape)
        zooms = [float(zoom) for zoom in image.header.get_zooms()[:3]]
    except FileNotFoundError as error:
        raise DataError(f"{file}: the file is missing") from error
    except (OSError, EOFError, ValueError, zlib.error, ImageFileError, HeaderDataError) as error:
        raise DataError(f"{file}: not a readable NIfTI file: {error}") from error
    return values.transpose(2, 1, 0), (zooms[2], zooms[1], zooms[0])
