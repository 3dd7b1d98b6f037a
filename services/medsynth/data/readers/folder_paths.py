"""Paths of images, taken apart into what their folders say.

Folders that only say what they hold (`images`, `masks`) or which part of a split (`train`, `val`,
`test`, also `train_images`) are taken off a path. The rest of it is what an image and its mask have
in common; its last folder is the class.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
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
_MASKS_AT_LAST: Final = re.compile(
    rf"(?:.*[ _-])?(?:{_MASKS})(?:[ _-]*(?:{PART}))?", re.IGNORECASE | re.DOTALL
)
_SUFFIX: Final = re.compile(
    r"(.+?)_(mask|segmentation|seg|gt|label|1stHO|2ndHO)(?:_(\d+))?", re.IGNORECASE | re.DOTALL
)

Key = tuple[str, tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True)
class MaskName:
    """What the name of a mask says.

    Attributes:
        image: Name of the image that it belongs to, without ending.
        kind: What makes it a mask, in lower case, such as `seg`.
        number: Among several of the image; or empty.
    """

    image: str
    kind: str
    number: str


def take_apart(path: str) -> ImagePath:
    """Reads the folders of a path; the innermost that says something counts."""
    above, _, name = path.rpartition("/")
    folders, holds, part, rest = _read_folders(above)
    return ImagePath(path, folders, name[: -len(ending(name))], holds, part, rest)


@lru_cache(maxsize=1024)
def _read_folders(above: str) -> tuple[tuple[str, ...], str, str, tuple[str, ...]]:
    """What the folders of an image say; images of one folder share it."""
    folders = tuple(above.split("/")) if above else ()
    holds = part = ""
    rest: list[str] = []
    for folder in folders:
        said = _FOLDER.fullmatch(folder)
        if said is None or not any(said.groups()):
            rest.append(folder)
            continue
        holds = "image" if said[2] else "mask" if said[3] else holds
        part = (said[1] or said[4] or part).lower()
    return folders, holds, part, tuple(rest)


def says_nothing_of_masks(files: Iterable[ImagePath]) -> bool:
    """Whether neither a folder nor the name of any file may be that of masks."""
    return not any(
        file.holds == "mask" or mask_name(file.stem) or any(map(says_masks, file.folders))
        for file in files
    )


@lru_cache(maxsize=1024)
def not_a_role(folder: str) -> bool:
    """Whether a folder may be that of a class: neither of images, nor of a part of the split."""
    said = _FOLDER.fullmatch(folder)
    return said is None or not any(said.groups()) or bool(said[3])


@lru_cache(maxsize=1024)
def says_masks(folder: str) -> bool:
    """Whether a folder may be one of masks, such as `Task1_GroundTruth`."""
    said = _FOLDER.fullmatch(folder)
    return bool(said and said[3]) or _MASKS_AT_LAST.fullmatch(folder) is not None


def mask_name(stem: str) -> MaskName | None:
    """What a name says that ends as those of masks do; None for any other."""
    match = _SUFFIX.fullmatch(stem)
    return MaskName(match[1], match[2].lower(), match[3] or "") if match else None


def names_of(files: Sequence[ImagePath]) -> Iterator[tuple[str, str]]:
    """For each file a name of its own, and one that it shares with those of another format."""
    begin = shared_folders([file.rest for file in files])
    names = ["/".join(filter(None, (f.part, *f.rest[begin:], f.stem))) for f in files]
    times = Counter(names)
    paths = {file.path for file in files if file.path in times}
    for file, name in zip(files, names, strict=True):
        yield name if times[name] == 1 and name not in paths else file.path, name


def shared_folders(folders: Iterable[Sequence[str]]) -> int:
    """How many folders all begin with."""
    same = (len(set(level)) == 1 for level in zip(*folders, strict=False))
    return len(list(takewhile(bool, same)))


def official_part(word: str) -> str:
    """`TRAINING` or `TESTING` for a part as a folder has it; empty for none."""
    return (TESTING if word.startswith("test") else TRAINING) if word else ""
