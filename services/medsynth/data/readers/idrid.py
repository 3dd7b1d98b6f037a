"""The layout of the segmentation part of IDRiD (Porwal 2018): fundus photographs.

`1. Original Images/a. Training Set/IDRiD_01.jpg` and `b. Testing Set`, its official split, with a
mask for each structure below `2. All Segmentation Groundtruths`, such as
`a. Training Set/1. Microaneurysms/IDRiD_01_MA.tif`; possibly all of it below `A. Segmentation`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from medsynth.data.files import Files
from medsynth.data.readers.checks import checked_images, checked_masks
from medsynth.data.readers.image_files import read_image_file
from medsynth.data.readers.interface import (
    TESTING,
    TRAINING,
    Problem,
    ReaderOptions,
    Scan,
    Survey,
)
from medsynth.data.readers.patients import UNKNOWN, find_patients
from medsynth.data.volume import Volume
from medsynth.errors import DataError, InvalidArgumentError

NAME = "idrid"
VERSION = 1
LAYOUT = (
    "1. Original Images/a. Training Set/IDRiD_NN.jpg with 2. All Segmentation Groundtruths, as in "
    "the segmentation part of IDRiD"
)
OPTIONS: tuple[str, ...] = ("patient_pattern", "structures")

STRUCTURES: Final = {
    "optic disc": "OD",
    "microaneurysms": "MA",
    "haemorrhages": "HE",
    "hard exudates": "EX",
    "soft exudates": "SE",
}
"""Structures and what ends the names of their masks."""

_ALWAYS_THERE: Final = ("optic disc",)

_SET: Final = r"(a\. Training Set|b\. Testing Set)"
_TOP: Final = r"((?:[^/]+/)*)"
_IMAGE: Final = re.compile(rf"{_TOP}1\. Original Images/{_SET}/(IDRiD_\d+)\.jpe?g", re.IGNORECASE)
_MASK: Final = re.compile(
    rf"{_TOP}2\. All Segmentation Groundtruths/{_SET}/[^/]+/(IDRiD_\d+)_(MA|HE|EX|SE|OD)\.tiff?",
    re.IGNORECASE,
)

_Key = tuple[str, str, str]


@dataclass(frozen=True)
class _Found:
    """Paths by top folder, set and image, all in lower case; masks also by the end of their name.

    Attributes:
        images: Those that have masks beside their folder.
        names: Of these images, as they are written.
        masks: Of every structure.
    """

    images: dict[_Key, str]
    names: dict[_Key, str]
    masks: dict[tuple[_Key, str], str]


def recognises(files: Files) -> bool:
    """Whether there is an image and a mask with its name."""
    found = _find(files)
    return any(key in found.images for key, _ in found.masks)


def relevant(files: Files) -> list[str]:
    """Images and masks of every structure."""
    found = _find(files)
    return sorted((*found.images.values(), *found.masks.values()))


def survey(files: Files, options: ReaderOptions) -> Survey:
    """A scan for each image; a lesion without a mask is one that the image does not have.

    Raises:
        DataError: There is none, or an image is there twice.
        InvalidArgumentError: `structures` names another than the `STRUCTURES`, or
            `patient_pattern` is found in no path.
    """
    structures = options.structures or _ALWAYS_THERE
    if not set(structures) <= set(STRUCTURES):
        raise InvalidArgumentError.field(
            "specification.data.options.structures",
            list(structures),
            f"some of {', '.join(STRUCTURES)}",
        )
    found = _find(files)
    if not found.images and not found.masks:
        raise DataError(f"{files.uri}: no images found. Expected {LAYOUT}")
    classes = ("background", *structures)
    patients, unknown = find_patients(
        [(path, found.names[key]) for key, path in found.images.items()], options
    )
    scans: list[Scan] = []
    seen: dict[str, str] = {}
    problems = [*_orphans(found), *unknown]
    for key, path in found.images.items():
        if path not in patients:
            continue
        masks = [(k, found.masks.get((key, STRUCTURES[s]), "")) for k, s in enumerate(classes) if k]
        missing = [classes[k] for k, mask in masks if not mask and classes[k] in _ALWAYS_THERE]
        if missing:
            problems.append(Problem(path, f"the mask of its {missing[0]} is missing"))
            continue
        if key[2] in seen:
            raise DataError(f"{files.name(path)}: the same image is in {files.name(seen[key[2]])}")
        seen[key[2]] = path
        labels = tuple(k for k, mask in masks if mask)
        paths = (path, *(mask for _, mask in masks if mask))
        part = TRAINING if key[1].startswith("a") else TESTING
        scans.append(Scan(patients[path], found.names[key], paths, part, (labels, classes)))
    problems.sort(key=lambda problem: problem.file)
    remarks = () if options.patient_pattern else (UNKNOWN,)
    return Survey(scans, classes, problems, remarks, modality="OP")


def read(root: Path, scan: Scan, options: ReaderOptions) -> Volume:
    """One photograph; where structures overlap, the later one counts."""
    labels, classes = scan.detail
    image, *files = (root / path for path in scan.files)
    images = checked_images(read_image_file(image)[None], image)
    masks = np.zeros((1, *images.shape[2:]), np.uint8)
    for label, file in zip(labels, files, strict=True):
        drawn = (read_image_file(file) != 0).any(axis=0)[None]
        masks[checked_masks(drawn, file, masks.shape, classes) > 0] = label
    return Volume(scan.patient, scan.name, "", images, masks, None)


def _find(files: Files) -> _Found:
    masks = {}
    for path in files.paths:
        match = _MASK.fullmatch(path)
        if match:
            masks[(_key(match.groups()[:3]), match[4].upper())] = path
    tops = {key[0] for key, _ in masks}
    images, names = {}, {}
    for path in files.paths:
        match = _IMAGE.fullmatch(path)
        if match and match[1].lower() in tops:
            key = _key(match.groups()[:3])
            images[key], names[key] = path, match[3]
    return _Found(images, names, masks)


def _key(parts: Sequence[str]) -> _Key:
    top, part, name = (text.lower() for text in parts)
    return top, part, name


def _orphans(found: _Found) -> Iterator[Problem]:
    for (key, _), path in found.masks.items():
        if key not in found.images:
            yield Problem(path, "there is no image to this mask")
