"""Readers: one module for each layout of a data set, behind one interface.

A reader's module is loaded when it is asked for, and loads its image library when it opens a
file: services list and recognise sources without either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from medsynth.data.volume import Volume
from medsynth.errors import DataError, InvalidArgumentError

NAMES = ("acdc", "phantom")
"""Readers in the order in which they are asked whether they recognise a source."""


class Reader(Protocol):
    """Understands one layout. Implemented by modules.

    Attributes:
        NAME: As in `NAMES`.
        VERSION: Raised when the same files yield other volumes.
        CLASSES: Names of the labels, background first; empty: no masks.
    """

    NAME: str
    VERSION: int
    CLASSES: tuple[str, ...]

    def recognises(self, uri: str) -> bool:
        """Whether a source has this layout, by its names alone."""
        ...

    def files(self, uri: str) -> Sequence[Path]:
        """Every file that reading the source opens, sorted."""
        ...

    def count(self, uri: str) -> int:
        """How many volumes there are, by names alone."""
        ...

    def volumes(self, uri: str) -> Iterator[Volume]:
        """The volumes, one at a time, checked (`readers.checks`).

        Raises:
            DataError: Names the file and what is wrong with it.
        """
        ...


def get_reader(name: str) -> Reader:
    """The reader of a name.

    Raises:
        InvalidArgumentError: There is none.
    """
    if name not in NAMES:
        raise InvalidArgumentError.field(
            "specification.data.reader", name, f"empty or one of {', '.join(NAMES)}"
        )
    return cast(Reader, import_module(f"{__name__}.{name}"))


def recognise(uri: str) -> Reader:
    """The first reader that recognises a source.

    Raises:
        DataError: None does.
    """
    for name in NAMES:
        reader = get_reader(name)
        if reader.recognises(uri):
            return reader
    raise DataError(
        f"{uri}: no reader recognises this folder. Expected the layout of ACDC: "
        "patientNNN/patientNNN_frameFF.nii.gz with patientNNN_frameFF_gt.nii.gz"
    )
