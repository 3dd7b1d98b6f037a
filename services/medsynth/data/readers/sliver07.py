"""The layout of the SLiver07 challenge (Heimann 2009): the liver in contrast-enhanced CT.

`liver-orig001.mhd` with `liver-seg001.mhd` and their `.raw`, anywhere below the folder. The scans
for testing, which have no masks, are told by a folder whose name begins with `test`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
from medsynth.data.readers.volume_files import voxels_of
from medsynth.data.readers.volume_scans import Content, make_scan, read_scan
from medsynth.data.volume import Volume
from medsynth.errors import DataError

NAME = "sliver07"
VERSION = 2
LAYOUT = "liver-origNNN.mhd with liver-segNNN.mhd and their .raw files, as in SLiver07"
OPTIONS: tuple[str, ...] = ()
CLASSES = ("background", "liver")

_FILE: Final = re.compile(r"(?:.*/)?liver-(orig|seg)(\d+)\.(?:mhd|mha)", re.IGNORECASE | re.DOTALL)
_TOLERANCE: Final = 0.5
"""Voxels: the headers of image and mask are text of few digits, written apart."""

_Key = tuple[bool, str]


def recognises(files: Files) -> bool:
    """Whether there is an image by one of the challenge's names."""
    return any(kind == "orig" for kind, _, _ in _found(files))


def relevant(files: Files) -> list[str]:
    """Headers and voxels of every image and mask."""
    known = files.facts
    return sorted(file for _, _, path in _found(files) for file in (path, *voxels_of(path, known)))


def survey(files: Files, options: ReaderOptions) -> Survey:
    """A scan for each image that has a mask; for each image, if none has one.

    Beside masks, an image for testing may lack one; any other is a problem then.

    Raises:
        DataError: There is no image.
    """
    found: Mapping[str, dict[_Key, list[str]]] = {
        "orig": defaultdict(list),
        "seg": defaultdict(list),
    }
    for kind, key, path in _found(files):
        found[kind][key].append(path)
    images, masks = found["orig"], found["seg"]
    if not images:
        raise DataError(f"{files.uri}: no images found. Expected {LAYOUT}")
    problems = [*_ambiguous(images), *_ambiguous(masks), *_orphans(images, masks)]
    pairs = {key: (*images[key][:1], *masks[key][:1]) for key in sorted(images.keys() & masks)}
    if not masks:
        pairs = {key: (*paths[:1],) for key, paths in sorted(images.items())}
    scans = [_scan(key, files, *paths) for key, paths in pairs.items()]
    alone = sorted(images.keys() - pairs.keys())
    left_out = [key for key in alone if key[0]]
    problems += [Problem(images[key][0], "its mask is missing") for key in alone if not key[0]]
    remarks = []
    if left_out:
        remarks.append(
            f"{len(left_out)} images without masks, which are for testing, are left out, such as "
            f"{images[left_out[0]][0]}."
        )
    return Survey(scans, CLASSES if masks else (), problems, remarks, modality="CT")


def read(root: Path, scan: Scan, options: ReaderOptions) -> Volume:
    """One image in Hounsfield units, with its mask."""
    return read_scan(root, scan)


def _found(files: Files) -> Iterator[tuple[str, _Key, str]]:
    """Kind, whether for testing and number, and path of every file."""
    for path in files.paths:
        match = _FILE.fullmatch(path)
        if match:
            folders = path.lower().split("/")[:-1]
            testing = any(folder.startswith("test") for folder in folders)
            yield match[1].lower(), (testing, match[2]), path


def _ambiguous(found: Mapping[_Key, Sequence[str]]) -> Iterator[Problem]:
    for first, *others in found.values():
        for path in others:
            yield Problem(path, f"{first} is the same image or mask")


def _orphans(
    images: Mapping[_Key, Sequence[str]], masks: Mapping[_Key, Sequence[str]]
) -> Iterator[Problem]:
    for key in sorted(masks.keys() - images.keys()):
        for path in masks[key]:
            yield Problem(path, "the image that it is a mask of is missing")


def _scan(key: _Key, files: Files, image: str, mask: str = "") -> Scan:
    testing, number = key
    name = f"{'testing-' if testing else ''}liver-orig{number}"
    classes = CLASSES if mask else ()
    content = Content((image,), mask, classes, channels=1, units="HU", tolerance=_TOLERANCE)
    return make_scan(name, name, content, files.facts, TESTING if testing else TRAINING)
