"""The layout of the ACDC data set (Bernard 2018): cardiac cine-MRI, short axis.

`patientNNN/patientNNN_frameFF.nii.gz` with `patientNNN_frameFF_gt.nii.gz` and `Info.cfg`, below
the folder itself or below its `training` and `testing`, which are its official split. Other files
(`_4d`, readmes) are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from pathlib import Path

from medsynth.data.files import Files
from medsynth.data.readers.checks import checked_images, checked_masks
from medsynth.data.readers.interface import (
    TESTING,
    TRAINING,
    Problem,
    ReaderOptions,
    Scan,
    Survey,
)
from medsynth.data.readers.volume_files import check_place, read_volume_file
from medsynth.data.volume import Volume
from medsynth.errors import DataError

NAME = "acdc"
VERSION = 3
LAYOUT = "patientNNN/patientNNN_frameFF.nii.gz with patientNNN_frameFF_gt.nii.gz, as in ACDC"
OPTIONS: tuple[str, ...] = ()
CLASSES = ("background", "rv cavity", "myocardium", "lv cavity")

_FRAME = re.compile(r"((?:training/|testing/)?(patient\d+)/)(patient\d+_frame\d+)\.nii(?:\.gz)?")
_INFO = "Info.cfg"


def recognises(files: Files) -> bool:
    """Whether the folder holds a patient's folder with a frame and its mask."""
    known = files.facts
    return any(_mask(frame, known) for frame in _frames(files))


def relevant(files: Files) -> list[str]:
    """Images, masks and `Info.cfg` of every patient."""
    known = files.facts
    found: set[str] = set()
    for frame in _frames(files):
        found.add(frame[0])
        found.update(path for path in (_mask(frame, known), frame[1] + _INFO) if path in known)
    return sorted(found)


def survey(files: Files, options: ReaderOptions) -> Survey:
    """A scan for each frame.

    Raises:
        DataError: There is none; or a patient is in both `training` and `testing`.
    """
    known = files.facts
    scans: list[Scan] = []
    problems: list[Problem] = []
    folders: dict[str, str] = {}
    for frame in _frames(files):
        path, folder, patient, name = frame
        if folders.setdefault(patient, folder) != folder:
            raise DataError(
                f"{files.name(folder)}: the same patient is in {files.name(folders[patient])}"
            )
        mask = _mask(frame, known)
        if not mask:
            problems.append(Problem(path, f"its mask {name}_gt.nii.gz is missing"))
            continue
        info = (folder + _INFO,) if folder + _INFO in known else ()
        part = {"training": TRAINING, "testing": TESTING}.get(folder.partition("/")[0], "")
        scans.append(Scan(patient, name, (path, mask, *info), part))
    if not scans and not problems:
        raise DataError(f"{files.uri}: no images found. Expected {LAYOUT}")
    return Survey(scans, CLASSES, problems, modality="MR")


def read(root: Path, scan: Scan, options: ReaderOptions) -> Volume:
    """One frame."""
    image, mask, *info = (root / path for path in scan.files)
    content = read_volume_file(image)
    images = checked_images(content.values, image)
    found = read_volume_file(mask)
    masks = checked_masks(found.values[:, 0], mask, (images.shape[0], *images.shape[2:]), CLASSES)
    check_place(found, content, mask)
    group = _group(info[0]) if info else ""
    return Volume(
        scan.patient, scan.name, group, images, masks, content.affine, remarks=content.remarks
    )


def _frames(files: Files) -> Iterator[tuple[str, str, str, str]]:
    """Path, folder, patient and name of every frame."""
    for path in files.paths:
        match = _FRAME.fullmatch(path)
        if match:
            yield path, match[1], match[2], match[3]


def _mask(frame: tuple[str, str, str, str], known: Container[str]) -> str:
    _, folder, _, name = frame
    beside = (f"{folder}{name}_gt{ending}" for ending in (".nii.gz", ".nii"))
    return next((path for path in beside if path in known), "")


def _group(info: Path) -> str:
    try:
        text = info.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{info}: cannot be read: {error}") from error
    match = re.search(r"^\s*Group\s*:\s*(\S+)", text, re.MULTILINE)
    return match[1] if match else ""
