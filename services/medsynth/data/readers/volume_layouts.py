"""Which volumes of a folder are images and which their masks: by names alone.

Names are taken apart into words. Words such as `image` and `seg` say what a file or folder holds,
`train` and `test` of which part of a split it is; what is left of a path without those for what it
holds, an image and its mask have in common.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from medsynth.data.readers.interface import TESTING, TRAINING, Problem
from medsynth.data.readers.volume_files import stem

_IMAGE: Final = frozenset(
    ["image", "images", "img", "imgs", "imaging", "volume", "volumes", "vol", "vols", "scan",
     "scans", "orig"]
)  # fmt: skip
_MASK: Final = frozenset(
    ["mask", "masks", "seg", "segs", "dseg", "segm", "segmentation", "segmentations", "label",
     "labels", "lbl", "gt", "gts", "groundtruth", "annotation", "annotations", "roi", "rois"]
)  # fmt: skip
_ROLES: Final = _IMAGE | _MASK
_PARTS: Final = {
    **dict.fromkeys(("train", "training", "tr", "val", "valid", "validation"), TRAINING),
    **dict.fromkeys(("test", "testing", "ts"), TESTING),
}
_OF_NOBODY: Final = _ROLES | _PARTS.keys() | {"data", "dataset", "nii", "nifti"}
"""Words of folders that are no patient's."""

_GROUND_TRUTH: Final = re.compile(r"ground[ _-]?truth", re.IGNORECASE)
_WORD: Final = re.compile(r"\d+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+")

Words = tuple[str, ...]


@dataclass(frozen=True)
class NamedVolume:
    """A volume, as its path describes it.

    Attributes:
        path: Within the source.
        folders: Those above it, without those that all volumes have in common.
        places: The words of these that do not say what they hold, folder by folder.
        own: Likewise of its name.
        is_mask: Whether it is a mask.
    """

    path: str
    folders: tuple[str, ...]
    places: tuple[Words, ...]
    own: Words
    is_mask: bool


@dataclass(frozen=True)
class Pair:
    """An image and its mask.

    Attributes:
        image: Its path within the source.
        mask: Likewise; empty without one.
        name: Of the scan.
        folders: Those above the image that may be a patient's, outermost first.
        part: As in `Scan`, where a folder above the image says so.
    """

    image: str
    mask: str
    name: str
    folders: tuple[str, ...]
    part: str


def find_pairs(paths: Sequence[str]) -> tuple[list[Pair], list[Problem]]:
    """The images among volumes, with their masks.

    Names of a mask and its image differ in nothing but words for what they hold (`case_seg`,
    `labels/case`, `case/mask`). Where that finds none, a mask belongs to the only other image of
    its folder whose name begins like its own (`p1/ct` and `p1/mask`), or to the only one of its
    name (`ct/case1` and `masks/case1`).

    Args:
        paths: Of every volume of a source.

    Returns:
        Images in the order of their paths; and, where there are masks, images without one, masks
        without an image, and those of which it is not clear what belongs together.
    """
    volumes = take_apart(paths)
    found, problems = _by_name(volumes)
    for common, fits in ((_folders, _begins_alike), (_own, _lies_alike)):
        known = {*found, *found.values(), *(problem.file for problem in problems)}
        rest = [volume for volume in volumes if volume.path not in known]
        for images, masks in _groups(rest, common):
            if len(images) == len(masks) == 1 and fits(images[0], masks[0]):
                found[images[0].path] = masks[0].path
    known = {*found, *found.values(), *(problem.file for problem in problems)}
    if any(volume.is_mask for volume in volumes):
        problems += [
            Problem(v.path, "no image has its name" if v.is_mask else "its mask is missing")
            for v in volumes
            if v.path not in known
        ]
    wrong = {problem.file for problem in problems}
    images = [v for v in volumes if not v.is_mask and v.path not in wrong]
    pairs = [
        Pair(volume.path, found.get(volume.path, ""), name, _somebodys(volume), _part(volume))
        for volume, name in zip(images, _names(images), strict=True)
    ]
    return pairs, sorted(problems, key=lambda problem: problem.file)


def take_apart(paths: Sequence[str]) -> list[NamedVolume]:
    """What each path says. A word that every name has says nothing of any of them."""
    above = [path.split("/")[:-1] for path in paths]
    shared = 0
    while above and all(len(f) > shared and f[shared] == above[0][shared] for f in above):
        shared += 1
    names = [_words(stem(path)) for path in paths]
    everywhere = set.intersection(*map(set, names)) if names else set()
    volumes = []
    for path, folders, own in zip(paths, above, names, strict=True):
        places = [_words(folder) for folder in folders[shared:]]
        roles = [word in _MASK for place in places for word in place if word in _ROLES]
        volumes.append(
            NamedVolume(
                path,
                tuple(folders[shared:]),
                tuple(filter(None, map(_without_roles, places))),
                _without_roles(own),
                bool(_MASK & {*own} - everywhere) or (bool(roles) and roles[-1]),
            )
        )
    if all(volume.is_mask for volume in volumes):
        return [replace(volume, is_mask=False) for volume in volumes]
    return volumes


def _by_name(volumes: Sequence[NamedVolume]) -> tuple[dict[str, str], list[Problem]]:
    """Masks by their images, and those of which several have one name."""
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for images, masks in _groups(volumes, lambda v: (v.places, v.own)):
        if len(images) == len(masks) == 1:
            found[images[0].path] = masks[0].path
        elif images and masks:
            reason = f"{len(images)} images and {len(masks)} masks have its name"
            problems += [Problem(volume.path, reason) for volume in (*images, *masks)]
    return found, problems


def _groups(
    volumes: Sequence[NamedVolume], common: Callable[[NamedVolume], Hashable]
) -> Iterator[tuple[list[NamedVolume], list[NamedVolume]]]:
    """Images and masks that have something in common."""
    groups: dict[Hashable, tuple[list[NamedVolume], list[NamedVolume]]] = defaultdict(
        lambda: ([], [])
    )
    for volume in volumes:
        groups[common(volume)][volume.is_mask].append(volume)
    yield from groups.values()


def _folders(volume: NamedVolume) -> Hashable:
    return volume.folders


def _own(volume: NamedVolume) -> Hashable:
    return volume.own


def _begins_alike(image: NamedVolume, mask: NamedVolume) -> bool:
    return image.own[: len(mask.own)] == mask.own


def _lies_alike(image: NamedVolume, mask: NamedVolume) -> bool:
    return bool(mask.own) and {*mask.places} <= {*image.places}


def _names(volumes: Sequence[NamedVolume]) -> Iterator[str]:
    """A name for each: its path without what all say."""
    names = []
    for volume in volumes:
        parts = [folder for folder in volume.folders if _without_roles(_words(folder))]
        names.append("/".join([*parts, stem(volume.path)] if volume.own or not parts else parts))
    times = Counter(names)
    for volume, name in zip(volumes, names, strict=True):
        yield name if times[name] == 1 else volume.path


def _somebodys(volume: NamedVolume) -> tuple[str, ...]:
    return tuple(folder for folder in volume.folders if not {*_words(folder)} <= _OF_NOBODY)


def _part(volume: NamedVolume) -> str:
    """By the innermost folder that says nothing but what it holds and of which part it is."""
    said = (_words(folder) for folder in reversed(volume.folders) if folder)
    words = (word for folder in said if {*folder} <= _OF_NOBODY for word in folder)
    return next((_PARTS[word] for word in words if word in _PARTS), "")


@lru_cache(maxsize=2**16)
def _words(name: str) -> Words:
    return tuple(map(str.lower, _WORD.findall(_GROUND_TRUTH.sub(" groundtruth ", name))))


def _without_roles(words: Words) -> Words:
    return tuple(word for word in words if word not in _ROLES)
