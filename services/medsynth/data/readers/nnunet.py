"""The raw layout of nnU-Net, versions 1 and 2.

`dataset.json` with `imagesTr/CASE_0000.nii.gz`, a file for each channel, and
`labelsTr/CASE.nii.gz`; likewise `imagesTs` and `labelsTs`, which are its official part for testing.
Any format of volumes, and PNG, BMP and TIFF for images of two dimensions.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from medsynth.data.files import Files
from medsynth.data.readers import image_files, volume_files
from medsynth.data.readers.dataset_json import (
    FILE,
    Labels,
    channels_of,
    labels_of,
    modality_of,
    read_dataset_json,
    units_of,
)
from medsynth.data.readers.interface import (
    TESTING,
    TRAINING,
    Problem,
    ReaderOptions,
    Scan,
    Survey,
)
from medsynth.data.readers.patients import UNKNOWN, find_patients
from medsynth.data.readers.volume_files import voxels_of
from medsynth.data.readers.volume_scans import Content, make_scan, read_scan
from medsynth.data.volume import Volume
from medsynth.errors import DataError, show

NAME = "nnunet"
VERSION = 2
LAYOUT = "dataset.json with imagesTr/CASE_0000.nii.gz and labelsTr/CASE.nii.gz, as for nnU-Net"
OPTIONS: tuple[str, ...] = ("patient_pattern",)

_PARTS: Final = (("imagesTr", "labelsTr", TRAINING), ("imagesTs", "labelsTs", TESTING))
_FOLDERS: Final = {folder for images, labels, _ in _PARTS for folder in (images, labels)}
_CHANNEL: Final = re.compile(r"(.+)_(\d{4})", re.DOTALL)


@dataclass(frozen=True)
class _Case:
    """A case that can be read."""

    name: str
    images: tuple[str, ...]
    mask: str
    part: str


def recognises(files: Files) -> bool:
    """Whether there is `dataset.json`, and an image `CASE_0000` with a mask `CASE`."""
    known = files.facts
    if FILE not in known:
        return False
    for path in files.paths:
        folder, _, name = path.partition("/")
        match = _CHANNEL.fullmatch(_stem(name)) if folder == "imagesTr" else None
        if match and f"labelsTr/{match[1]}{name[len(_stem(name)) :]}" in known:
            return True
    return False


def relevant(files: Files) -> list[str]:
    """`dataset.json` and every image and mask."""
    known = files.facts
    found = {FILE} & known.keys()
    for path in files.paths:
        if path.partition("/")[0] in _FOLDERS and _stem(path) != path:
            found.update((path, *voxels_of(path, known)))
    return sorted(found)


def survey(files: Files, options: ReaderOptions) -> Survey:
    """A scan for each case that has a mask. Opens `dataset.json`.

    Raises:
        DataError: It says what cannot be understood, or there is no case.
        InvalidArgumentError: `patient_pattern` is found in no path.
    """
    content, name = read_dataset_json(files), files.name(FILE)
    if "dataset" in content:
        raise DataError(f"{name}: names its files by `dataset`, expected imagesTr and labelsTr")
    labels = labels_of(content, name)
    channels = channels_of(content, name)
    if not channels:
        raise DataError(f"{name}: has no channel_names, expected such as {{'0': 'CT'}}")
    ending = _ending(content, name)
    found: list[_Case | Problem] = []
    remarks = list(labels.remarks)
    for images, masks, part in _PARTS:
        cases, targets = _cases(files, images, ending), _targets(files, masks, ending)
        if part == TESTING and cases and not targets:
            remarks.append(f"{len(cases)} images in imagesTs have no masks and are left out.")
            continue
        expected = len(channels) if ending in volume_files.ENDINGS else 0
        found += _paired(cases, targets, expected, part)
    cases_found = [case for case in found if isinstance(case, _Case)]
    problems = [problem for problem in found if isinstance(problem, Problem)]
    if not found:
        raise DataError(f"{files.uri}: no images found that end on {ending}. Expected {LAYOUT}")
    _check_unique(files, cases_found)
    patients, unknown = find_patients([(c.images[0], c.name) for c in cases_found], options)
    if cases_found and not options.patient_pattern:
        remarks.append(UNKNOWN)
    training = sum(case.part == TRAINING for case in cases_found)
    if content.get("numTraining", training) != training:
        remarks.append(
            f"dataset.json speaks of {show(content['numTraining'])} cases for training, "
            f"{training} can be used."
        )
    scans = [
        _scan(case, patients[case.images[0]], files, labels, channels)
        for case in cases_found
        if case.images[0] in patients
    ]
    return Survey(scans, labels.classes, [*problems, *unknown], remarks, modality_of(channels))


def read(root: Path, scan: Scan, options: ReaderOptions) -> Volume:
    """One case with all of its channels."""
    return read_scan(root, scan)


def _ending(content: Mapping[str, Any], name: str) -> str:
    ending = content.get("file_ending", ".nii.gz")
    known = (*volume_files.ENDINGS, *image_files.ENDINGS)
    if ending not in known:
        raise DataError(
            f"{name}: file_ending is {show(ending)}, expected one of {', '.join(known)}"
        )
    return str(ending)


def _cases(files: Files, folder: str, ending: str) -> dict[str, dict[int, str]]:
    """Paths of the channels of each case, by their numbers."""
    cases: dict[str, dict[int, str]] = defaultdict(dict)
    for case, path in _targets(files, folder, ending).items():
        if match := _CHANNEL.fullmatch(case):
            cases[match[1]][int(match[2])] = path
    return cases


def _targets(files: Files, folder: str, ending: str) -> dict[str, str]:
    """Paths by their names without ending."""
    top = f"{folder}/"
    return {
        path[len(top) : -len(ending)]: path
        for path in files.paths
        if path.startswith(top) and path.endswith(ending) and "/" not in path[len(top) :]
    }


def _paired(
    cases: Mapping[str, Mapping[int, str]],
    masks: Mapping[str, str],
    channels: int,
    part: str,
) -> Iterator[_Case | Problem]:
    """Cases with their masks, and what lacks one of both or a channel.

    Args:
        cases: Paths of the channels by case.
        masks: Paths by case.
        channels: Files that each case must have; 0: a file may hold several channels.
        part: Of the official split.
    """
    for case, paths in sorted(cases.items()):
        first = paths[min(paths)]
        numbers = range(channels or len(paths))
        missing = next((number for number in numbers if number not in paths), None)
        if missing is not None:
            yield Problem(first, f"its channel {missing:04d} is missing")
        elif len(paths) > len(numbers):
            yield Problem(paths[max(paths)], f"dataset.json has {channels} channels alone")
        elif case not in masks:
            yield Problem(first, "its mask is missing")
        else:
            yield _Case(case, tuple(paths[number] for number in numbers), masks[case], part)
    for case in sorted(masks.keys() - cases.keys()):
        yield Problem(masks[case], "the image that it is a mask of is missing")


def _check_unique(files: Files, cases: list[_Case]) -> None:
    seen: dict[str, str] = {}
    for case in cases:
        if seen.setdefault(case.name, case.part) != case.part:
            raise DataError(f"{files.name(case.images[0])}: the same case is in imagesTr")


def _scan(
    case: _Case, patient: str, files: Files, labels: Labels, channels: tuple[str, ...]
) -> Scan:
    content = Content(
        images=case.images,
        mask=case.mask,
        classes=labels.classes,
        stored=labels.stored,
        channels=len(channels),
        units=units_of(channels),
    )
    return make_scan(patient, case.name, content, files.facts, case.part)


def _stem(path: str) -> str:
    """A path without its ending; with it, if it is none of an image."""
    ending = volume_files.ending(path) or image_files.ending(path)
    return path[: len(path) - len(ending)]
