"""The layout of the Medical Segmentation Decathlon (Antonelli 2022).

`dataset.json` that lists `imagesTr/NAME.nii.gz` and `labelsTr/NAME.nii.gz`; several channels are a
fourth axis of the image. Its images for testing have no masks.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from medsynth.data.files import Files
from medsynth.data.readers.dataset_json import (
    FILE,
    channels_of,
    labels_of,
    modality_of,
    read_dataset_json,
    units_of,
)
from medsynth.data.readers.interface import Problem, ReaderOptions, Scan, Survey
from medsynth.data.readers.patients import UNKNOWN, find_patients
from medsynth.data.readers.volume_files import ending, stem, voxels_of
from medsynth.data.readers.volume_scans import Content, make_scan, read_scan
from medsynth.data.volume import Volume
from medsynth.errors import DataError, show

NAME = "decathlon"
VERSION = 2
LAYOUT = (
    "dataset.json with imagesTr/NAME.nii.gz and labelsTr/NAME.nii.gz, as in the Medical "
    "Segmentation Decathlon"
)
OPTIONS: tuple[str, ...] = ("patient_pattern",)

_FOLDERS = ("imagesTr/", "labelsTr/")


def recognises(files: Files) -> bool:
    """Whether there is `dataset.json`, and an image and a mask of one name."""
    known = files.facts
    if FILE not in known:
        return False
    images, masks = _FOLDERS
    return any(
        path.startswith(images) and ending(path) and masks + path.removeprefix(images) in known
        for path in files.paths
    )


def relevant(files: Files) -> list[str]:
    """`dataset.json` and every volume, wherever it lies: `dataset.json` says which are meant."""
    known = files.facts
    found = {FILE} & known.keys()
    for path in files.paths:
        if ending(path):
            found.update((path, *voxels_of(path, known)))
    return sorted(found)


def survey(files: Files, options: ReaderOptions) -> Survey:
    """A scan for each image that is listed for training. Opens `dataset.json`.

    Raises:
        DataError: It says what cannot be understood, or lists no image.
        InvalidArgumentError: `patient_pattern` is found in no path.
    """
    content, name = read_dataset_json(files), files.name(FILE)
    labels, channels = labels_of(content, name), channels_of(content, name)
    listed = content.get("training")
    if not isinstance(listed, list) or not listed:
        raise DataError(f"{name}: training is {show(listed)}, expected a list of images and masks")
    pairs: dict[str, str] = {}
    problems: list[Problem] = []
    for entry in listed:
        found = _pair(entry, files)
        if isinstance(found, Problem):
            problems.append(found)
        elif found[0] in pairs:
            problems.append(Problem(found[0], "dataset.json lists it twice"))
        else:
            pairs[found[0]] = found[1]
    patients, unknown = find_patients([(image, own) for image, own in _names(pairs)], options)
    scans = [
        make_scan(
            patients[image],
            own,
            Content(
                images=(image,),
                mask=pairs[image],
                classes=labels.classes,
                stored=labels.stored,
                channels=len(channels),
                units=units_of(channels),
            ),
            files.facts,
        )
        for image, own in _names(pairs)
        if image in patients
    ]
    about_patients = () if options.patient_pattern else (UNKNOWN,)
    remarks = [*labels.remarks, *about_patients, *_left_out(content, files, pairs)]
    return Survey(scans, labels.classes, [*problems, *unknown], remarks, modality_of(channels))


def read(root: Path, scan: Scan, options: ReaderOptions) -> Volume:
    """One image with its mask."""
    return read_scan(root, scan)


def _pair(entry: Any, files: Files) -> tuple[str, str] | Problem:
    """Image and mask of an entry, or what is wrong with it."""
    named = entry if isinstance(entry, dict) else {}
    paths = []
    for field in ("image", "label"):
        given = named.get(field)
        if not isinstance(given, str) or not given:
            return Problem(FILE, f"lists {show(entry)}, expected an image and a label")
        path = posixpath.normpath(given)
        if not ending(path):
            return Problem(FILE, f"lists {show(given)}, expected a volume such as NAME.nii.gz")
        if path not in files.facts:
            return Problem(FILE, f"lists {show(given)}, which is missing")
        paths.append(path)
    return paths[0], paths[1]


def _names(pairs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each image with a name of its own."""
    times = Counter(stem(image) for image in pairs)
    for image in sorted(pairs):
        yield image, stem(image) if times[stem(image)] == 1 else image


def _left_out(content: Mapping[str, Any], files: Files, pairs: Mapping[str, str]) -> Iterator[str]:
    testing = content.get("test")
    if isinstance(testing, list) and testing:
        yield f"{len(testing)} images for testing have no masks and are left out."
    images, _ = _FOLDERS
    unlisted = [p for p in files.paths if p.startswith(images) and ending(p) and p not in pairs]
    if unlisted:
        yield f"{len(unlisted)} images in imagesTr are not in dataset.json, such as {unlisted[0]}."
