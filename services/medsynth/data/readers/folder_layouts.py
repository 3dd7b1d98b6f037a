"""How folders of images are laid out: which file is an image, a mask, or one of a pair.

Told by names alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from medsynth.data.readers.folder_paths import (
    PART,
    ImagePath,
    Key,
    classes_of,
    names_of,
    not_a_role,
    official_part,
    take_apart,
)
from medsynth.data.readers.image_files import ending
from medsynth.data.readers.interface import Problem

_DOMAIN: Final = re.compile(rf"(?:({PART})[ _-]*)?([AB])", re.IGNORECASE)
_SUFFIX: Final = re.compile(
    r"(.+?)_(mask|seg|gt|label|1stHO|2ndHO)(?:_(\d+))?", re.IGNORECASE | re.DOTALL
)
_SECOND_OBSERVER: Final = "2ndho"

_PAIRED: Final = 0.9


@dataclass(frozen=True)
class Entry:
    """One image with what belongs to it.

    Attributes:
        images: Path of the image; of a pair that of A, then that of B.
        masks: Paths of its masks, which are united.
        name: Unique within the source.
        own: What files of another format but the same name share.
        group: Class or domain; empty without.
        part: `TRAINING` or `TESTING`; empty where no folder says so.
    """

    images: tuple[str, ...]
    masks: tuple[str, ...]
    name: str
    own: str
    group: str
    part: str


@dataclass(frozen=True)
class Layout:
    """What the names of a source say.

    Attributes:
        entries: In the order of their paths.
        problems: Masks without image, images without mask, halves of pairs.
        remarks: As in `Survey`.
    """

    entries: Sequence[Entry]
    problems: Sequence[Problem] = ()
    remarks: Sequence[str] = ()


@dataclass
class _Masks:
    """Masks by the image that they belong to, each with what kind it is and its number."""

    of: dict[Key, list[tuple[tuple[object, ...], str, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    orphans: list[str] = field(default_factory=list)


def find_layout(paths: Iterable[str]) -> Layout:
    """Finds out which layout the image files among these paths have.

    Args:
        paths: Within the source, sorted.
    """
    files = [take_apart(path) for path in paths if ending(path)]
    masked = _masked(files)
    if masked is not None:
        return masked
    keys = {file.key for file in files}
    files = [file for file in files if not _second_observer(file, keys)]
    return _domains(files) or _plain(files)


def _masked(files: Sequence[ImagePath]) -> Layout | None:
    """Images with masks in a parallel folder or beside them; None if that is not the layout."""
    in_masks = [file for file in files if file.holds == "mask"]
    others = [file for file in files if file.holds != "mask"]
    in_images = [file for file in others if file.holds == "image"]
    parallel = bool(in_masks and in_images)
    pool = in_images if parallel else others
    keys = {file.key for file in pool}
    masks = _Masks()
    for file in in_masks:
        _assign(file, keys, masks, exact=True)
    images = [file for file in pool if not _assign(file, keys, masks, exact=False)]
    if not parallel and not masks.of:
        return None
    beside = any(kind[1] for kinds in masks.of.values() for kind, _, _ in kinds)
    if beside and not in_masks:
        masks.orphans += [file.path for file in images if _SUFFIX.fullmatch(file.stem)]
        images = [file for file in images if not _SUFFIX.fullmatch(file.stem)]
    return _with_masks(images, masks)


def _assign(file: ImagePath, keys: Container[Key], masks: _Masks, *, exact: bool) -> bool:
    """Notes a mask with the image that it belongs to; whether the file is no image.

    Args:
        file: Any.
        keys: Of the images.
        masks: Where it is noted.
        exact: It lies in a folder of masks, so its name may be that of the image.
    """
    if exact and file.key in keys:
        masks.of[file.key].append(((file.folders, ""), "", file.path))
        return True
    match = _SUFFIX.fullmatch(file.stem)
    base = replace(file, stem=match[1]).key if match else file.key
    if match is None or base not in keys:
        if exact:
            masks.orphans.append(file.path)
        return exact
    kind, number = match[2].lower(), match[3] or ""
    if kind != _SECOND_OBSERVER:
        masks.of[base].append(((file.folders, kind), number, file.path))
    return True


def _second_observer(file: ImagePath, keys: Container[Key]) -> bool:
    match = _SUFFIX.fullmatch(file.stem)
    second = match is not None and match[2].lower() == _SECOND_OBSERVER
    return second and match is not None and replace(file, stem=match[1]).key in keys


def _with_masks(images: Sequence[ImagePath], masks: _Masks) -> Layout:
    problems = [Problem(path, "there is no image to this mask") for path in masks.orphans]
    found: list[tuple[ImagePath, tuple[str, ...]]] = []
    for image in images:
        own = masks.of.get(image.key, [])
        paths = tuple(path for _, _, path in own)
        kinds = {kind for kind, _, _ in own}
        if not own:
            problems.append(Problem(image.path, "its mask is missing"))
        elif len(kinds) > 1 or len({number for _, number, _ in own}) < len(own):
            problems.append(Problem(image.path, f"several masks may be meant: {', '.join(paths)}"))
        else:
            found.append((image, paths))
    groups, remarks = classes_of([image for image, _ in found])
    own_names = names_of([image for image, _ in found])
    return Layout(
        [
            Entry((image.path,), paths, name, own, group, official_part(image.part))
            for (image, paths), (name, own), group in zip(found, own_names, groups, strict=True)
        ],
        sorted(problems, key=lambda problem: problem.file),
        remarks,
    )


def _plain(files: Sequence[ImagePath]) -> Layout:
    """Images without masks, in folders by class or all alike."""
    # What looked like a folder of masks is one of images, say of a class.
    files = [replace(file, rest=tuple(f for f in file.folders if not_a_role(f))) for file in files]
    groups, remarks = classes_of(files)
    return Layout(
        [
            Entry((file.path,), (), name, own, group, official_part(file.part))
            for file, (name, own), group in zip(files, names_of(files), groups, strict=True)
        ],
        (),
        remarks,
    )


def _domains(files: Sequence[ImagePath]) -> Layout | None:
    """Images of two domains, paired or not; None if that is not the layout."""
    sides: dict[str, dict[Key, list[ImagePath]]] = {"A": {}, "B": {}}
    for file in files:
        side, rest, part = "", [], file.part
        for folder in file.rest:
            match = _DOMAIN.fullmatch(folder)
            if match is None:
                rest.append(folder)
                continue
            side, part = match[2].upper(), (match[1] or part).lower()
        if not side:
            return None
        file = replace(file, rest=tuple(rest), part=part)
        sides[side].setdefault(file.key, []).append(file)
    if not sides["A"] or not sides["B"]:
        return None
    shared = sides["A"].keys() & sides["B"].keys()
    if len(shared) >= _PAIRED * max(len(sides["A"]), len(sides["B"])):
        return _pairs(sides["A"], sides["B"])
    remarks = ["Images of A and B are not paired."]
    if shared:
        remarks = [f"{len(shared)} names are in A and in B, too few to take them for pairs."]
    return Layout(_unpaired(sides), (), remarks)


def _unpaired(sides: Mapping[str, Mapping[Key, Sequence[ImagePath]]]) -> list[Entry]:
    found = [
        (side, replace(file, rest=(side, *file.rest)))
        for side, keys in sides.items()
        for files in keys.values()
        for file in files
    ]
    names = names_of([file for _, file in found])
    entries = [
        Entry((file.path,), (), name, own, side, official_part(file.part))
        for (side, file), (name, own) in zip(found, names, strict=True)
    ]
    return sorted(entries, key=lambda entry: entry.images)


def _pairs(
    first: Mapping[Key, Sequence[ImagePath]], second: Mapping[Key, Sequence[ImagePath]]
) -> Layout:
    problems = []
    pairs: list[tuple[ImagePath, ImagePath]] = []
    for key in sorted(first.keys() | second.keys()):
        of_a, of_b = first.get(key, ()), second.get(key, ())
        if len(of_a) == len(of_b) == 1:
            pairs.append((of_a[0], of_b[0]))
            continue
        reason = "there is no image in {} to pair it with"
        reason = reason.format("B" if of_a else "A")
        if of_a and of_b:
            reason = "several images of A or B have this name, so that pairs cannot be told"
        problems += [Problem(file.path, reason) for file in (*of_a, *of_b)]
    names = names_of([file for file, _ in pairs])
    return Layout(
        [
            Entry((a.path, b.path), (), name, own, "", official_part(a.part))
            for (a, b), (name, own) in zip(pairs, names, strict=True)
        ],
        problems,
        ["Images of A and B with the same name are pairs: the channels of A come first."],
    )
