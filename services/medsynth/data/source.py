"""Data sources: what they are called, where they may lie, and the key of what they give."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medsynth.data import slices
from medsynth.data.preparation import Preparation
from medsynth.data.readers import NAMES, Reader, get_reader, recognise
from medsynth.data.readers.phantom import SCHEME, Parameters
from medsynth.errors import (
    DataError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    show,
)
from medsynth.manifest import digest_of

LONGEST = 4096
"""Characters of a URI: a longer path cannot be opened, and to follow it takes their square."""


@dataclass(frozen=True)
class Source:
    """Where images come from and how they are brought into one form.

    Attributes:
        uri: As `resolve` returns it.
        reader: Name of a reader; empty: recognised.
        preparation: How slices are cut and scaled.
    """

    uri: str
    reader: str = ""
    preparation: Preparation = dataclasses.field(default_factory=Preparation)

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any], prefix: str = "specification.data") -> Source:
        """Builds it from the fields of a `DataSource`; `to_mapping` reverses it.

        Raises:
            InvalidArgumentError: Names the field, its value and what is accepted.
        """
        uri, reader = given.get("uri", ""), given.get("reader", "")
        if not isinstance(uri, str) or not uri:
            raise InvalidArgumentError.field(
                f"{prefix}.uri", uri, f"{SCHEME}cardiac or the absolute path of a folder"
            )
        if reader not in ("", *NAMES):
            raise InvalidArgumentError.field(
                f"{prefix}.reader", reader, f"empty or one of {', '.join(NAMES)}"
            )
        preparation = given.get("preparation") or {}
        return cls(uri, reader, Preparation.from_mapping(preparation, f"{prefix}.preparation"))

    def to_mapping(self) -> dict[str, Any]:
        """The fields of a `DataSource`."""
        return {
            "uri": self.uri,
            "reader": self.reader,
            "preparation": self.preparation.to_mapping(),
        }


def resolve(uri: str, roots: Sequence[str], field: str = "specification.data.uri") -> str:
    """The one name of what a URI means, if the operator allows it.

    Args:
        uri: `phantom://cardiac?...` or an absolute path. Links and `..` are followed.
        roots: Folders that may be read, with all below them.
        field: Path of the request's field, for errors.

    Returns:
        The phantom's URI with every parameter, or the real path.

    Raises:
        InvalidArgumentError: Neither of the two, or a parameter out of its range.
        PermissionDeniedError: Outside the roots; said before it is known whether it exists.
        NotFoundError: There is nothing of that name.
    """
    if len(uri) > LONGEST:
        raise InvalidArgumentError.field(field, uri, f"at most {LONGEST} characters")
    if uri.startswith(SCHEME):
        return Parameters.parse(uri).uri()
    if not os.path.isabs(uri) or "\0" in uri:
        raise InvalidArgumentError.field(
            field, uri, f"{SCHEME}cardiac or the absolute path of a folder"
        )
    try:
        real = os.path.realpath(uri)
    except OSError as error:
        raise NotFoundError(f"{show(uri)} cannot be reached: {error.strerror}") from error
    if not inside(real, roots):
        raise PermissionDeniedError(
            f"{show(uri)} lies outside the folders that the operator allows (MEDSYNTH_DATA_ROOTS)"
        )
    if not os.path.exists(real):
        raise NotFoundError(f"{show(uri)} does not exist")
    return real


def inside(path: str, roots: Sequence[str]) -> bool:
    """Whether a real path is one of the roots or below one."""
    real_roots = [os.path.realpath(root) for root in roots if os.path.isabs(root)]
    return any(os.path.commonpath([path, root]) == root for root in real_roots)


def reader_of(source: Source) -> Reader:
    """The source's reader, recognised if it is not named.

    Raises:
        DataError: No reader recognises the source.
        InvalidArgumentError: The named reader does not fit the URI.
    """
    if not source.reader:
        return recognise(source.uri)
    if source.uri.startswith(SCHEME) != (source.reader == "phantom"):
        raise InvalidArgumentError.field(
            "specification.data.reader",
            source.reader,
            f"a reader that fits {source.uri}, or empty",
        )
    return get_reader(source.reader)


def complete(source: Source) -> Source:
    """The source with its reader's name and every parameter of a phantom filled in."""
    reader = reader_of(source)
    uri = Parameters.parse(source.uri).uri() if reader.NAME == "phantom" else source.uri
    return replace(source, uri=uri, reader=reader.NAME)


def fingerprint(source: Source) -> str:
    """`sha256:...` that is the key of the prepared set.

    Over URI, reader and preparation, the versions of the code that reads and prepares, and
    relative path, size and change time of every file. Opens no file.

    Raises:
        DataError: No reader recognises the source, or a file of it is missing.
    """
    source = complete(source)
    reader = get_reader(source.reader)
    return digest_of(
        {
            "source": source.to_mapping(),
            "versions": [slices.VERSION, reader.VERSION],
            "files": [_file_key(file, source.uri) for file in reader.files(source.uri)],
        }
    )


def _file_key(file: Path, folder: str) -> list[Any]:
    try:
        facts = file.stat()
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}") from error
    return [os.path.relpath(file, folder), facts.st_size, facts.st_mtime_ns]


def dataset_id(source: Source) -> str:
    """Id of the prepared set: the first 16 digits of the fingerprint."""
    return fingerprint(source).removeprefix("sha256:")[:16]
