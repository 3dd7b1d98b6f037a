"""What a format is: it encodes samples of consecutive indexes into the files of a set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from medsynth.data.writers.description import SetDescription
from medsynth.data.writers.output import Output
from medsynth.levels import Labels, Pixels, brightest

__all__ = [
    "SHARD",
    "FileKind",
    "Form",
    "Format",
    "Samples",
    "SetDescription",
    "Summary",
    "class_misfit",
]

SHARD: Final = 1000
"""Indexes of a shard, which begins at a multiple of it. What is whole is counted in shards."""


@dataclass(frozen=True)
class Form:
    """What all images of a set have in common.

    Attributes:
        channels: Of an image.
        rows: In pixels.
        columns: In pixels.
        bits: Of a level, 8 or 16.
        masked: Whether each image has a mask.
    """

    channels: int = 0
    rows: int = 0
    columns: int = 0
    bits: int = 8
    masked: bool = False

    @property
    def levels(self) -> int:
        """The brightest level of a pixel."""
        return brightest(self.bits)


@dataclass(frozen=True)
class Samples:
    """Samples of consecutive indexes.

    Attributes:
        first: Index of the first one.
        images: uint8 or uint16 (N, channels, rows, columns).
        masks: Labels (N, rows, columns), or None.
    """

    first: int
    images: Pixels
    masks: Labels | None

    @property
    def highest(self) -> int:
        """The highest label; 0 without masks."""
        return 0 if self.masks is None else int(self.masks.max(initial=0))

    @property
    def nbytes(self) -> int:
        """Of the arrays."""
        return self.images.nbytes + (0 if self.masks is None else self.masks.nbytes)

    def head(self, count: int) -> Samples:
        """The first so many of them."""
        masks = None if self.masks is None else self.masks[:count]
        return Samples(self.first, self.images[:count], masks)

    def __iter__(self) -> Iterator[tuple[int, Pixels, Labels | None]]:
        """Index, image (channels, rows, columns) and mask (rows, columns) of each sample."""
        for place, image in enumerate(self.images):
            yield self.first + place, image, None if self.masks is None else self.masks[place]


@dataclass(frozen=True)
class Summary:
    """What was written, when all of it was.

    Attributes:
        first: Index of the first sample.
        count: Number of samples.
        highest: Highest label of any mask.
    """

    first: int
    count: int
    highest: int


@dataclass(frozen=True)
class FileKind:
    """Files of a set that are of one kind.

    Attributes:
        name: Of the kind, such as `images`.
        pattern: Their paths within the set, `*` for any text; each has an index of nine digits or
            more in its name.
        media_type: Of their content.
        holds: `image`, `mask`, or `sample` for both together.
    """

    name: str
    pattern: str
    media_type: str
    holds: Literal["image", "mask", "sample"]


def class_misfit(form: Form, description: SetDescription) -> str:
    """Why masks say nothing, as a clause; empty if they do, or if there are none."""
    if form.masked and len(description.classes) == 1:
        return f"its masks need a class beside the background, {description.classes[0]}"
    return ""


class Format(ABC):
    """One format. Instances encode the samples of one set; several threads may do so at a time.

    A module of a format names its class `FORMAT`.

    Args:
        form: Of the images; `misfit` was asked about it.
        description: Of the set.

    Attributes:
        CHUNK: Samples that are encoded together, from a multiple of it on; it divides `SHARD`.
            Two such chunks are in memory, and what they become.
    """

    CHUNK: ClassVar[int] = 20

    def __init__(self, form: Form, description: SetDescription) -> None:
        self.form = form
        self.description = description

    @classmethod
    @abstractmethod
    def misfit(cls, form: Form, description: SetDescription) -> str:
        """Why the format cannot hold images of a form, as a clause; empty if it can."""

    @classmethod
    @abstractmethod
    def kinds(cls, description: SetDescription) -> tuple[FileKind, ...]:
        """The kinds of files that `encode` writes."""

    @abstractmethod
    def encode(self, samples: Samples, output: Output) -> str:
        """Writes the files of a chunk, or of the part of one that the set holds.

        Args:
            samples: Of one chunk.
            output: Takes the files.

        Returns:
            Lines for `finish`, each ending in a line break; empty without any.
        """

    def gather(self, first: int, parts: Iterable[bytes], output: Output) -> None:  # noqa: B027
        """Writes the files of a shard that its chunks gave only parts of.

        Args:
            first: Index of the shard's first sample.
            parts: What the chunks had the output keep, in the order of the indexes.
            output: Takes the files.
        """

    def finish(self, summary: Summary, notes: Iterator[str], output: Output) -> None:  # noqa: B027
        """Writes the files that are about the set as a whole.

        Args:
            summary: What was written.
            notes: The lines that `encode` returned, in the order of the indexes.
            output: Takes the files.
        """
