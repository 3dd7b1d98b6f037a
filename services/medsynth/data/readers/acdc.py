"""The layout of the ACDC data set (Bernard 2018): cardiac cine-MRI, short axis.

`patientNNN/patientNNN_frameFF.nii.gz` with `patientNNN_frameFF_gt.nii.gz` and `Info.cfg`, at any
depth; below `training` and `testing`, these are its official split. Other files (`_4d`, readmes)
are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from medsynth.data.files import Files
from medsynth.data.readers.interface import (
    TESTING,
    TRAINING,
    Problem,
    ReaderOptions,
    Scan,
    Survey,
)
from medsynth.data.readers.volume_scans import Content, make_scan, read_scan
from medsynth.data.volume import Volume
from medsynth.errors import DataError, shorten

NAME = "acdc"
VERSION = 4
LAYOUT = "patientNNN/patientNNN_frameFF.nii.gz with patientNNN_frameFF_gt.nii.gz, as in ACDC"
OPTIONS: tuple[str, ...] = ()
CLASSES = ("background", "rv cavity", "myocardium", "lv cavity")

_FRAME: Final = re.compile(
    r"((?:(?:.*/)?([^/]+)/)?(patient\d+)/)(patient\d+_frame\d+)\.nii(?:\.gz)?", re.DOTALL
)
_PARTS: Final = {"training": TRAINING, "testing": TESTING}
_INFO: Final = "Info.cfg"
_LONGEST_INFO: Final = 2**16
_LONGEST_GROUP: Final = 100


@dataclass(frozen=True)
class _Frame:
    """An image, by its path.

    Attributes:
        path: Within the source.
        folder: Of the patient, with a `/` at its end.
        part: Of the official split, as the folder above that says; empty where it does not.
        patient: By the name of the folder.
        name: Of the image without its ending.
    """

    path: str
    folder: str
    part: str
    patient: str
    name: str

    def mask(self, known: Container[str]) -> str:
        """Path of its mask; empty where there is none."""
        beside = (f"{self.folder}{self.name}_gt{ending}" for ending in (".nii.gz", ".nii"))
        return next((path for path in beside if path in known), "")

    @property
    def info(self) -> str:
        """Path of what is said of the patient."""
        return self.folder + _INFO


def recognises(files: Files) -> bool:
    """Whether the folder holds a patient's folder with a frame and its mask."""
    known = files.facts
    return any(frame.mask(known) for frame in _frames(files))


def relevant(files: Files) -> list[str]:
    """Images, masks and `Info.cfg` of every patient."""
    known = files.facts
    found: set[str] = set()
    for frame in _frames(files):
        found.add(frame.path)
        found.update(path for path in (frame.mask(known), frame.info) if path in known)
    return sorted(found)


def survey(files: Files, options: ReaderOptions) -> Survey:
    """A scan for each frame.

    Raises:
        DataError: There is none; or a patient is in several places, such as `training` and
            `testing`.
    """
    known = files.facts
    scans: dict[str, Scan] = {}
    problems: list[Problem] = []
    folders: dict[str, str] = {}
    for frame in _frames(files):
        if folders.setdefault(frame.patient, frame.folder) != frame.folder:
            raise DataError(
                f"{files.name(frame.folder)}: the same patient is in "
                f"{files.name(folders[frame.patient])}"
            )
        mask = frame.mask(known)
        if frame.name in scans:
            first = scans[frame.name].files[0]
            problems.append(Problem(frame.path, f"{first} is the same frame"))
        elif not mask:
            problems.append(Problem(frame.path, f"its mask {frame.name}_gt.nii.gz is missing"))
        else:
            scans[frame.name] = _scan(frame, mask, known)
    if not scans and not problems:
        raise DataError(f"{files.uri}: no images found. Expected {LAYOUT}")
    return Survey(list(scans.values()), CLASSES, problems, modality="MR")


def read(root: Path, scan: Scan, options: ReaderOptions) -> Volume:
    """One frame."""
    volume = read_scan(root, scan)
    info = scan.files[-1]
    return replace(volume, group=_group(root / info)) if info.endswith(_INFO) else volume


def _frames(files: Files) -> Iterator[_Frame]:
    for path in files.paths:
        match = _FRAME.fullmatch(path)
        if match:
            part = _PARTS.get(match[2] or "", "")
            yield _Frame(path, match[1], part, match[3], match[4])


def _scan(frame: _Frame, mask: str, known: Container[str]) -> Scan:
    content = Content((frame.path,), mask, CLASSES)
    scan = make_scan(frame.patient, frame.name, content, known, frame.part)
    return replace(scan, files=(*scan.files, frame.info)) if frame.info in known else scan


def _group(info: Path) -> str:
    """What the line `Group: ...` says; empty without one."""
    try:
        with info.open("rb") as stream:
            content = stream.read(_LONGEST_INFO + 1)
        if len(content) > _LONGEST_INFO:
            raise DataError(f"{info}: is longer than {_LONGEST_INFO} bytes")
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{info}: cannot be read: {error}") from error
    fields = (line.partition(":") for line in text.splitlines())
    groups = (value.strip() for name, _, value in fields if name.strip() == "Group")
    return shorten(next(groups, ""), _LONGEST_GROUP)
