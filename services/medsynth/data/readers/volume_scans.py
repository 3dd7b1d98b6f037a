"""Scans whose image, its channels or its mask are files of their own."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
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
from medsynth.data.volume import MAX_CHANNELS, Volume
from medsynth.errors import DataError

_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Content:
    """What the files of a scan hold: the `detail` of its `Scan`.

    Attributes:
        images: Paths within the source of the image, or of its channels in their order.
        mask: Path of the mask; empty without one.
        classes: Names of the labels, background first; empty without masks.
        stored: The values in masks that stand for the labels 0, 1, ..., rising; empty: the labels
            do.
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


def read_scan(root: Path, scan: Scan) -> Volume:
    """Reads a scan that `make_scan` made.

    Raises:
        DataError: A file cannot be used, or does not fit the others in shape or place.
    """
    content: Content = scan.detail
    channels = [_read(root, path, scan.files) for path in content.images]
    first = channels[0]
    images = [checked_images(first.values, root / content.images[0])]
    for channel, path in zip(channels[1:], content.images[1:], strict=True):
        if _size(channel) != _size(first):
            raise DataError(
                f"{root / path}: has {_size(channel)} slices, rows and columns, the first channel "
                f"{_size(first)}"
            )
        check_place(channel, first, root / path)
        images.append(checked_images(channel.values, root / path))
    count = sum(image.shape[1] for image in images)
    if count > MAX_CHANNELS or content.channels not in (0, count):
        expected = content.channels or f"at most {MAX_CHANNELS}"
        raise DataError(f"{root / content.images[0]}: {count} channels, expected {expected}")
    masks = _masks(root, scan.files, content, first) if content.mask else None
    return Volume(
        patient=scan.patient,
        name=scan.name,
        group="",
        images=images[0] if len(images) == 1 else np.concatenate(images, axis=1),
        masks=masks,
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
