"""What the names in a folder of images amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medsynth.data.readers.interface import Problem


@dataclass(frozen=True, slots=True)
class Entry:
    """One image with what belongs to it.

    Attributes:
        images: Path of the image; of a pair that of A, then that of B.
        masks: Paths of its masks, which are united.
        name: Unique within the source.
        own: What files of another format but the same name share.
        domain: `A` or `B`; empty without.
        folders: Those that may say its class, the outermost first.
        part: `TRAINING` or `TESTING`; empty where no folder says so.
    """

    images: tuple[str, ...]
    masks: tuple[str, ...]
    name: str
    own: str
    domain: str
    folders: tuple[str, ...]
    part: str


@dataclass(frozen=True)
class Layout:
    """What the names of a source say.

    Attributes:
        entries: In the order of their paths.
        problems: Masks without image, images without mask, halves of pairs.
        remarks: As in `Survey`.
        left_out: Files that lie where nothing is expected; the remarks say so.
    """

    entries: Sequence[Entry]
    problems: Sequence[Problem] = ()
    remarks: Sequence[str] = ()
    left_out: Sequence[str] = ()
