"""Scans whose image, its channels or its mask are files of their own."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medsynth.data.readers.checks import checked_images, checked_masks
from medsynth.data.readers.image_files import read_image_file
from medsynth.data.readers.interface import Scan
from medsynth.data.readers.volume_files import (
    VolumeFile,
    check_place,
    ending,
    read_volume_file,
    voxels_of,
)
from medsynth.data.volume import LARGEST, MAX_CHANNELS, Volume
from medsynth.errors import DataError

_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Content:
    """What the files of a scan hold: the `detail` of its `Scan`.

    Attributes:
        images: Paths within the source of the image, or of its channels in their order.
        mask: Path of the mask; empty without one.
        classes: Names of the labels, background first; empty without masks.
        stored: The values in masks that stand for the labels 0, 1, ...; empty: the labels do.
        channels: How many the image must have; 0: any number.
        units: Of the intensities, as in `Volume`.
        tolerance: How far a mask's corners may lie from its image's, in voxels.
    """

    images: tuple[str, ...]
    mask: str = ""
    classes: tuple[str, ...] = ()
    stored: tuple[int, ...] = ()
    channels: int = 0
    units: str = ""
    tolerance: float = _TOLERANCE


def make_scan(
    patient: str, name: str, content: Content, known: Container[str], part: str = ""
) -> Scan:
    """A scan with every file that reading it opens, those of the voxels of headers among them.

    Args:
        patient: As in `Scan`.
        name: As in `Scan`.
        content: What its files hold.
        known: Every path of the source.
        part: As in `Scan`.
    """
    paths = [path for path in (*content.images, content.mask) if path]
    files = tuple(file for path in paths for file in (path, *voxels_of(path, known)))
    return Scan(patient, name, files, part, content)


def stored_for(values: Sequence[int]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """What `Content.stored` is for masks with these values, and a remark where it is not empty.

    Args:
        values: Those that stand for the labels 0, 1, ...
    """
    if tuple(values) == tuple(range(len(values))):
        return (), ()
    shown = ", ".join(map(str, values))
    return tuple(values), (f"The values {shown} of its masks become 0, 1, ...",)


def read_scan(root: Path, scan: Scan) -> Volume:
    """Reads a scan that `make_scan` made.

    Raises:
        DataError: A file cannot be used, or does not fit the others in shape or place; or all
            channels together are above `LARGEST` voxels.
    """
    content: Content = scan.detail
    images, first = _images(root, scan.files, content)
    return Volume(
        patient=scan.patient,
        name=scan.name,
        group="",
        images=images,
        masks=_masks(root, scan.files, content, first) if content.mask else None,
        affine=first.affine,
        units=content.units,
        remarks=first.remarks,
    )


def read_mask(root: Path, path: str, files: Sequence[str]) -> NDArray[np.generic]:
    """The values of a mask (slices, rows, columns) as stored.

    Raises:
        DataError: It cannot be read, or has several channels.
    """
    return _single(_read(root, path, files), root / path)


def _images(
    root: Path, files: Sequence[str], content: Content
) -> tuple[NDArray[np.float32], VolumeFile]:
    """All channels, and the first file; what a file stores is let go before the next is read."""
    images: list[NDArray[np.float32]] = []
    first: VolumeFile | None = None
    for path in content.images:
        file = root / path
        found = _read(root, path, files)
        if first is not None:
            _check_fits(found, first, file)
        images.append(checked_images(found.values, file))
        first = first or replace(found, values=images[0])
        if sum(image.size for image in images) > LARGEST:
            raise DataError(f"{file}: with it the scan is above {LARGEST} voxels")
    assert first is not None
    count = sum(image.shape[1] for image in images)
    if count > MAX_CHANNELS or content.channels not in (0, count):
        expected = content.channels or f"at most {MAX_CHANNELS}"
        raise DataError(f"{root / content.images[0]}: {count} channels, expected {expected}")
    return images[0] if len(images) == 1 else np.concatenate(images, axis=1), first


def _check_fits(found: VolumeFile, first: VolumeFile, file: Path) -> None:
    if _size(found) != _size(first):
        raise DataError(
            f"{file}: has {_size(found)} slices, rows and columns, the first channel {_size(first)}"
        )
    check_place(found, first, file)


def _masks(
    root: Path, files: Sequence[str], content: Content, image: VolumeFile
) -> NDArray[np.uint8]:
    file = root / content.mask
    found = _read(root, content.mask, files)
    values = _single(found, file)
    labels = checked_masks(values, file, _size(image), content.classes, content.stored)
    check_place(found, image, file, content.tolerance)
    return labels


def _single(found: VolumeFile, file: Path) -> NDArray[np.generic]:
    count = found.values.shape[1]
    if count != 1:
        raise DataError(f"{file}: the mask has {count} channels, expected one with a label map")
    return found.values[:, 0]


def _read(root: Path, path: str, files: Sequence[str]) -> VolumeFile:
    if ending(path):
        return read_volume_file(root / path, [root / beside for beside in voxels_of(path, files)])
    return VolumeFile(read_image_file(root / path)[None], None)


def _size(found: VolumeFile) -> tuple[int, ...]:
    slices, _, rows, columns = found.values.shape
    return slices, rows, columns
