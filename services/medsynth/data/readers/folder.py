"""Folders of plain image files, with or without masks.

Masks in a parallel folder or beside the images, a folder for each class, two domains `A` and `B`
whose images are pairs or not, or images alone; see `folder_layouts`. Every image is a scan of one
slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medsynth.data.files import Files
from medsynth.data.readers.checks import checked_images, checked_masks
from medsynth.data.readers.folder_classes import classes_of
from medsynth.data.readers.folder_layouts import find_layout
from medsynth.data.readers.image_files import ending, read_image_file
from medsynth.data.readers.interface import ReaderOptions, Scan, Survey
from medsynth.data.readers.mask_files import (
    MaskRule,
    class_names,
    mask_rule,
    no_masks,
    read_mask_file,
)
from medsynth.data.readers.patients import UNKNOWN, find_patients
from medsynth.data.readers.volume_files import ending as volume_ending
from medsynth.data.volume import MAX_CHANNELS, Volume
from medsynth.errors import DataError

NAME = "folder"
VERSION = 2
LAYOUT = (
    "PNG, JPEG, TIFF or BMP images with masks in a parallel folder (images/, masks/) or beside "
    "them (NAME_mask), in a folder for each class, in folders A and B, or alone"
)
OPTIONS: tuple[str, ...] = ("patient_pattern", "class_names", "mask_values")

_NNUNET = {"imagesTr", "imagesTs", "labelsTr", "labelsTs"}


@dataclass(frozen=True)
class _Detail:
    """What reading an entry needs.

    Attributes:
        images: How many of the scan's files are images; the others are masks.
        group: Of the volume.
        rule: Of the masks.
        classes: Of the set.
    """

    images: int
    group: str
    rule: MaskRule
    classes: tuple[str, ...]


def recognises(files: Files) -> bool:
    """Whether there are image files and no volumes, and the folders are not those of nnU-Net."""
    images = False
    for path in files.paths:
        images = images or bool(ending(path))
        if volume_ending(path) or not _NNUNET.isdisjoint(path.split("/")[:-1]):
            return False
    return images


def relevant(files: Files) -> list[str]:
    """Every image and mask."""
    layout = find_layout(files.paths)
    found = {path for entry in layout.entries for path in (*entry.images, *entry.masks)}
    return sorted(found | {problem.file for problem in layout.problems})


def survey(files: Files, options: ReaderOptions) -> Survey:
    """A scan for each image, or for each pair of images. Opens up to 64 masks.

    Raises:
        DataError: There is no image, or the masks' values mean nothing known.
        InvalidArgumentError: An option does not fit the set.
    """
    layout = find_layout(files.paths)
    if not layout.entries and not layout.problems:
        raise DataError(f"{files.uri}: no images found. Expected {LAYOUT}")
    remarks = list(layout.remarks)
    patients, unknown = find_patients([(e.images[0], e.own) for e in layout.entries], options)
    entries = [entry for entry in layout.entries if entry.images[0] in patients]
    masks = [path for entry in entries for path in entry.masks]
    rule = MaskRule(())
    if masks:
        rule, about_masks = mask_rule(files, masks, options)
        remarks += about_masks
    elif not layout.problems:
        no_masks(options)
    if not options.patient_pattern:
        remarks.append(UNKNOWN)
    classes = class_names(rule, options) if masks else ()
    groups, about_groups = classes_of(
        [entry.folders for entry in entries], [patients[entry.images[0]] for entry in entries]
    )
    # Scans share what is alike in them: there may be a million.
    detail = cache(partial(_Detail, rule=rule, classes=classes))
    scans = [
        Scan(
            patients[entry.images[0]],
            entry.name,
            entry.images + entry.masks,
            entry.part,
            detail(len(entry.images), entry.domain or group),
        )
        for entry, group in zip(entries, groups, strict=True)
    ]
    return Survey(scans, classes, [*layout.problems, *unknown], [*remarks, *about_groups])


def read(root: Path, scan: Scan, options: ReaderOptions) -> Volume:
    """One image, or both of a pair, channel after channel."""
    detail: _Detail = scan.detail
    files = [root / path for path in scan.files]
    images = _read_images(files[: detail.images])
    masks = None
    for file in files[detail.images :]:
        labels = read_mask_file(file, detail.rule)[None]
        labels = checked_masks(labels, file, (1, *images.shape[2:]), detail.classes)
        masks = labels if masks is None else np.maximum(masks, labels)
    return Volume(scan.patient, scan.name, detail.group, images, masks, None)


def _read_images(files: Sequence[Path]) -> NDArray[np.float32]:
    images = [checked_images(read_image_file(file)[None], file) for file in files]
    for image, file in zip(images, files, strict=True):
        if image.shape[2:] != images[0].shape[2:]:
            raise DataError(
                f"{file}: the image has shape {image.shape[2:]}, the one it is paired with "
                f"{images[0].shape[2:]}; images of A and B that are no pairs need different names"
            )
    channels = sum(image.shape[1] for image in images)
    if channels > MAX_CHANNELS:
        raise DataError(f"{files[0]}: {channels} channels, expected at most {MAX_CHANNELS}")
    return np.concatenate(images, axis=1)
