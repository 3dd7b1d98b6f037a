"""Readers: one module for each layout of a data set, behind one interface (`interface.py`).

A reader's module is loaded when it is asked for, and loads its image library when it opens a
file: services list and recognise sources without either.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from medsynth.data.files import Files
from medsynth.data.readers.interface import Reader
from medsynth.errors import DataError, InvalidArgumentError

NAMES = (
    *("phantom", "acdc", "sliver07", "idrid", "kidney_ct", "nnunet", "decathlon"),
    *("dicom", "volumes", "folder"),
)
"""Readers in the order in which they are asked whether they recognise a source: those of one data
set before those of a format, those before plain image folders."""

KEYED = frozenset({"dicom"})
"""Readers whose names of patients depend on the key of pseudonyms."""


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


def recognise(files: Files) -> Reader:
    """The first reader that recognises a source.

    Raises:
        DataError: None does.
    """
    readers = [get_reader(name) for name in NAMES]
    for reader in readers:
        if reader.recognises(files):
            return reader
    layouts = "; ".join(f"{reader.NAME}: {reader.LAYOUT}" for reader in readers)
    raise DataError(
        f"{files.uri}: no reader recognises what is there ({len(files.paths)} files). "
        f"Expected one of these layouts: {layouts}"
    )
