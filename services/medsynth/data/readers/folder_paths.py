"""Paths of images, taken apart into what their folders say.

Folders that only say what they hold (`images`, `masks`) or which part of a split (`train`, `val`,
`test`, also `train_images`) are taken off a path. The rest of it is what an image and its mask have
in common; its last folder is the class.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from medsynth.data.readers.image_files import ending
from medsynth.data.readers.interface import TESTING, TRAINING

PART: Final = r"train|training|val|valid|validation|test|testing"
"""Names of the parts of a split, as a regular expression."""

_IMAGES: Final = r"images?|imgs?"
_MASKS: Final = r"masks?|labels?|annotations?|ground[ _-]?truths?|gts?|segmentations?|segs?"
_FOLDER: Final = re.compile(
    rf"({PART})?[ _-]*(?:({_IMAGES})|({_MASKS}))?[ _-]*({PART})?", re.IGNORECASE
)
_MOST_GROUPS: Final = 100

Key = tuple[str, tuple[str, ...], str]


@dataclass(frozen=True)
class ImagePath:
    """A path, taken apart.

    Attributes:
        path: Within the source.
        folders: Above it.
        stem: Its name without ending.
        holds: `image` or `mask` if a folder says so; else empty.
        part: The part of the split as a folder has it, in lower case; or empty.
        rest: The folders that say neither.
    """

    path: str
    folders: tuple[str, ...]
    stem: str
    holds: str
    part: str
    rest: tuple[str, ...]

    @property
    def key(self) -> Key:
        """What an image and its mask have in common."""
        return self.part, self.rest, self.stem


def take_apart(path: str) -> ImagePath:
    """Reads the folders of a path; the innermost that says something counts."""
    *folders, name = path.split("/")
    holds = part = ""
    rest: list[str] = []
    for folder in folders:
        said = _FOLDER.fullmatch(folder)
        if said is None or not any(said.groups()):
            rest.append(folder)
            continue
        holds = "image" if said[2] else "mask" if said[3] else holds
        part = (said[1] or said[4] or part).lower()
    stem = name[: -len(ending(name))]
    return ImagePath(path, tuple(folders), stem, holds, part, tuple(rest))


def not_a_role(folder: str) -> bool:
    """Whether a folder may be that of a class: neither of images, nor of a part of the split."""
    said = _FOLDER.fullmatch(folder)
    return said is None or not any(said.groups()) or bool(said[3])


def classes_of(files: Sequence[ImagePath]) -> tuple[list[str], list[str]]:
    """The class of each file, empty where there is one folder only; and remarks."""
    shared = _shared(files)
    groups = [file.rest[-1] if len(file.rest) > shared else "" for file in files]
    if len({*groups}) <= _MOST_GROUPS:
        return groups, []
    remark = f"The images lie in {len({*groups})} folders, too many to take them for classes."
    return [""] * len(groups), [remark]


def names_of(files: Sequence[ImagePath]) -> Iterator[tuple[str, str]]:
    """For each file a name of its own, and one that it shares with those of another format."""
    shared = _shared(files)
    names = ["/".join(filter(None, (f.part, *f.rest[shared:], f.stem))) for f in files]
    times = Counter(names)
    for file, name in zip(files, names, strict=True):
        yield name if times[name] == 1 else file.path, name


def _shared(files: Sequence[ImagePath]) -> int:
    """How many folders all files begin with."""
    same = (len(set(level)) == 1 for level in zip(*(file.rest for file in files), strict=False))
    return len(list(takewhile(bool, same)))


def official_part(word: str) -> str:
    """`TRAINING` or `TESTING` for a part as a folder has it; empty for none."""
    return (TESTING if word.startswith("test") else TRAINING) if word else ""
