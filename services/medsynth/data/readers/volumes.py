"""Folders of volumes in NIfTI, MetaImage or NRRD, with or without masks; see `volume_layouts`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.files import Files
from medsynth.data.readers.checks import nearly_whole
from medsynth.data.readers.interface import ReaderOptions, Scan, Survey
from medsynth.data.readers.mask_files import MaskRule, class_names, label_values, no_masks
from medsynth.data.readers.patients import find_patients
from medsynth.data.readers.volume_files import ending, voxels_of
from medsynth.data.readers.volume_layouts import Pair, find_pairs
from medsynth.data.readers.volume_patients import patients_by_folders
from medsynth.data.readers.volume_scans import (
    Content,
    make_scan,
    read_mask,
    read_scan,
    stored_for,
)
from medsynth.data.volume import Volume
from medsynth.errors import DataError, InvalidArgumentError

NAME = "volumes"
VERSION = 2
LAYOUT = (
    "NIfTI, MetaImage or NRRD volumes with masks beside them (NAME_seg), in a parallel folder "
    "(images/, labels/) or in a folder for each patient (NAME/image, NAME/label), or alone"
)
OPTIONS: tuple[str, ...] = ("patient_pattern", "class_names", "mask_values")

_SAMPLE: Final = 5
"""Masks that are looked at to find the labels."""

_MOST_VALUES: Final = 2**16


def recognises(files: Files) -> bool:
    """Whether there is a volume."""
    return any(ending(path) for path in files.paths)


def relevant(files: Files) -> list[str]:
    """Every volume, with the voxels that lie beside it."""
    known = files.facts
    return sorted({file for path in _volumes(files) for file in (path, *voxels_of(path, known))})


def survey(files: Files, options: ReaderOptions) -> Survey:
    """A scan for each image. Opens up to 5 masks, unless `mask_values` say what is in them.

    Raises:
        DataError: There is no image, none of the opened masks can be read, or their values mean
            nothing known.
        InvalidArgumentError: An option does not fit the set.
    """
    found, problems = find_pairs(_volumes(files))
    if not found and not problems:
        raise DataError(f"{files.uri}: no images found. Expected {LAYOUT}")
    by_folder, about_patients = patients_by_folders([pair.folders for pair in found])
    patients, unknown = find_patients(
        [
            (pair.image, patient or pair.name)
            for pair, patient in zip(found, by_folder, strict=True)
        ],
        options,
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
    if pairs and not options.patient_pattern:
        remarks.append(about_patients)
    scans = [
        make_scan(
            patients[pair.image],
            pair.name,
            Content((pair.image,), pair.mask, classes, stored),
            files.facts,
            pair.part,
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
    """Names of the labels, the values that stand for them (`Content.stored`), and remarks."""
    values = options.mask_values or _sampled_values(files, masked, len(options.class_names))
    labels = len(values) - 1
    if options.class_names and len(options.class_names) != labels:
        raise InvalidArgumentError.field(
            "specification.data.options.class_names",
            list(options.class_names),
            f"a name for each label but the background, {labels} in all",
        )
    stored, remarks = stored_for(values)
    classes = class_names(MaskRule(values), options)
    if options.mask_values:
        return classes, stored, []
    if len(masked) > _SAMPLE and not options.class_names:
        remarks += (
            f"Labels are known from {_SAMPLE} of {len(masked)} masks. Scans with other values are "
            "refused; mask_values says which there are.",
        )
    return classes, stored, list(remarks)


def _sampled_values(files: Files, masked: Sequence[Pair], names: int) -> tuple[int, ...]:
    """The values that mean the labels 0, 1, ..., by the rule for images, but without gaps."""
    sample = _sample(files, masked)
    values = label_values(files, sample, names)
    seen = {value for counts in sample.values() for value in np.flatnonzero(counts).tolist()}
    if len(values) == names + 1 or seen <= {0}:
        return values
    return tuple(value for value in values if value in seen | {0})


def _sample(files: Files, masked: Sequence[Pair]) -> dict[str, NDArray[np.intp]]:
    """How often each value occurs in masks that are spread over the set, by their paths."""
    count = min(_SAMPLE, len(masked))
    found: dict[str, NDArray[np.intp]] = {}
    failed: list[DataError] = []
    for place in range(count):
        path = masked[place * (len(masked) - 1) // max(1, count - 1)].mask
        wanted = (path, *voxels_of(path, files.facts))
        with files.local(wanted) as root:
            try:
                values = nearly_whole(np.unique(read_mask(root, path, wanted))).astype(float)
            except DataError as error:
                failed.append(DataError(files.renamed(error.message, root)))
                continue
        whole = (values >= 0) & (values < _MOST_VALUES) & (values == np.rint(values))
        found[path] = np.bincount(values[whole].astype(np.intp))
    if not found:
        raise failed[0]
    return found
