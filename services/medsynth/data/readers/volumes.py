"""Folders of volumes in NIfTI, MetaImage or NRRD, with or without masks; see `volume_layouts`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from medsynth.data.files import Files
from medsynth.data.readers.interface import MOST_CLASSES, ReaderOptions, Scan, Survey
from medsynth.data.readers.mask_files import no_masks
from medsynth.data.readers.patients import UNKNOWN, find_patients
from medsynth.data.readers.volume_files import ending, voxels_of
from medsynth.data.readers.volume_layouts import Pair, find_pairs
from medsynth.data.readers.volume_scans import Content, make_scan, read_mask, read_scan
from medsynth.data.volume import Volume
from medsynth.errors import DataError, InvalidArgumentError

NAME = "volumes"
VERSION = 1
LAYOUT = (
    "NIfTI, MetaImage or NRRD volumes with masks beside them (NAME_seg), in a parallel folder "
    "(images/, labels/) or in a folder for each patient (NAME/image, NAME/label), or alone"
)
OPTIONS: tuple[str, ...] = ("patient_pattern", "class_names")

_SAMPLE: Final = 5
"""Masks that are looked at to find the labels."""

_WHITE: Final = 255


def recognises(files: Files) -> bool:
    """Whether there is a volume."""
    return any(ending(path) for path in files.paths)


def relevant(files: Files) -> list[str]:
    """Every volume, with the voxels that lie beside it."""
    known = files.facts
    return sorted({file for path in _volumes(files) for file in (path, *voxels_of(path, known))})


def survey(files: Files, options: ReaderOptions) -> Survey:
    """A scan for each image. Opens up to 5 masks.

    Raises:
        DataError: There is no image, or none of the opened masks can be read.
        InvalidArgumentError: An option does not fit the set.
    """
    found, problems = find_pairs(_volumes(files))
    if not found and not problems:
        raise DataError(f"{files.uri}: no images found. Expected {LAYOUT}")
    patients, unknown = find_patients(
        [(pair.image, pair.patient or pair.name) for pair in found], options
    )
    pairs = [pair for pair in found if pair.image in patients]
    masked = [pair for pair in pairs if pair.mask]
    classes: tuple[str, ...] = ()
    stored: tuple[int, ...] = ()
    remarks: list[str] = []
    if masked:
        classes, stored, remarks = _classes(files, masked, options)
    elif not problems:
        no_masks(options)
    if not options.patient_pattern:
        remarks += _about_patients(pairs)
    scans = [
        make_scan(
            patients[pair.image],
            pair.name,
            Content((pair.image,), pair.mask, classes, stored),
            files.facts,
        )
        for pair in pairs
    ]
    return Survey(scans, classes, [*problems, *unknown], remarks)


def read(root: Path, scan: Scan, options: ReaderOptions) -> Volume:
    """One image, with its mask if it has one."""
    return read_scan(root, scan)


def _volumes(files: Files) -> list[str]:
    return [path for path in files.paths if ending(path)]


def _classes(
    files: Files, masked: Sequence[Pair], options: ReaderOptions
) -> tuple[tuple[str, ...], tuple[int, ...], list[str]]:
    """Names of the labels, the values that stand for them, and remarks.

    The labels are those from 0 to the highest in a sample of the masks; or white on black.
    """
    values = _sample(files, masked)
    names = options.class_names
    if values - {0} == {_WHITE} and len(names) <= 1:
        return ("background", *(names or ("label 1",))), (0, _WHITE), []
    highest = max(values, default=0)
    if names and highest > len(names):
        raise InvalidArgumentError.field(
            "specification.data.options.class_names",
            list(names),
            f"a name for each label from 1 to {highest}, {highest} in all",
        )
    if names:
        return ("background", *names), (), []
    classes = ("background", *(f"label {label}" for label in range(1, max(highest, 1) + 1)))
    remarks = []
    if len(masked) > _SAMPLE:
        remarks.append(
            f"Labels are known from {_SAMPLE} of {len(masked)} masks. Scans with higher ones are "
            "refused; class_names says how many there are."
        )
    return classes, (), remarks


def _sample(files: Files, masked: Sequence[Pair]) -> set[int]:
    """The labels in masks that are spread over the set."""
    count = min(_SAMPLE, len(masked))
    labels: set[int] = set()
    failed: list[DataError] = []
    for place in range(count):
        path = masked[place * (len(masked) - 1) // max(1, count - 1)].mask
        wanted = (path, *voxels_of(path, files.facts))
        with files.local(wanted) as root:
            try:
                values = np.unique(read_mask(root, path, wanted))
            except DataError as error:
                failed.append(DataError(error.message.replace(f"{root}/", files.name(""))))
                continue
        labels.update(value for value in values.tolist() if value in range(MOST_CLASSES))
    if len(failed) == count:
        raise failed[0]
    return {int(label) for label in labels}


def _about_patients(pairs: Sequence[Pair]) -> list[str]:
    """How patients were told apart."""
    if pairs and all(pair.patient for pair in pairs):
        return ["Patients are told apart by their folders; a patient_pattern can say otherwise."]
    return [UNKNOWN] if pairs else []
