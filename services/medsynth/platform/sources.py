"""Data sources: the contract's message and the library's value, and what an operator allows.

Every service that takes a data source validates it here, so that all of them accept and refuse
the same, and record the same form: one place, named in one way, has one prepared set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import Message

from medsynth.data.files import TooManyFilesError
from medsynth.data.pseudonyms import use_key_file
from medsynth.data.source import Source, complete, resolve
from medsynth.errors import (
    DataError,
    FieldViolation,
    InvalidArgumentError,
    MedsynthError,
    NotFoundError,
    PermissionDeniedError,
)
from medsynth.settings import Settings
from medsynth.v1 import types_pb2

MAX_SEED: Final = 2**63 - 1

LIBRARY_FIELD: Final = "specification.data"
"""Where the library takes a source to stand in a request."""


MOST_LISTED: Final = 20_000
"""Files and folders of a source that are looked at while a caller waits."""


def set_fields(message: Message) -> dict[str, Any]:
    """The fields of a message that somebody set, by name, in Python's own types.

    Args:
        message: Explicit presence (`optional`) tells 0 from unset.
    """
    return {descriptor.name: _plain(value) for descriptor, value in message.ListFields()}


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return set_fields(value)
    if isinstance(value, str | bytes):
        return value
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, Sequence) else value


def fill_source(
    message: types_pb2.DataSource, roots: Sequence[str], field: str = LIBRARY_FIELD
) -> types_pb2.DataSource:
    """A data source with every default filled in, its place resolved and its reader recognised.

    Looks at names of files and folders; opens none. The reader of an archive, and of a source with
    more than `MOST_LISTED` files, stays empty unless it is named: a worker recognises it.

    Args:
        message: As it was sent.
        roots: Folders and buckets that requests may name.
        field: Path of the message in the request.

    Raises:
        InvalidArgumentError: A field cannot be accepted; names its path.
        PermissionDeniedError: The place lies outside the roots.
        NotFoundError: There is nothing at that place.
        DataError: No reader recognises what is there.
    """
    with moved_fields(LIBRARY_FIELD, field):
        source = to_source(message)
        with _naming(f"{LIBRARY_FIELD}.uri"):
            resolved = replace(source, uri=resolve(source.uri, roots))
            return source_message(_completed(resolved, roots))


def _completed(source: Source, roots: Sequence[str]) -> Source:
    """With its reader, unless recognising it would take longer than a call may."""
    try:
        return complete(source, roots=roots, most=MOST_LISTED)
    except TooManyFilesError:
        return source


def resolve_folder(folder: str, roots: Sequence[str], field: str) -> str:
    """The real path of a folder that a request names.

    Args:
        folder: As it was sent.
        roots: Folders that requests may name.
        field: Path of the field in the request.

    Raises:
        InvalidArgumentError: It is no absolute path; names the field.
        PermissionDeniedError: It lies outside the roots.
        NotFoundError: There is nothing at that place.
    """
    if not folder.startswith("/") or "\0" in folder:
        raise InvalidArgumentError.field(field, folder, "an absolute path of a folder")
    with _naming(field):
        return resolve(folder, roots, field)


def to_source(message: types_pb2.DataSource) -> Source:
    """The library's value of a data source.

    Raises:
        InvalidArgumentError: A field cannot be accepted; names its path below
            `specification.data`.
    """
    return Source.from_mapping(set_fields(message))


def readable_source(message: types_pb2.DataSource, settings: Settings) -> Source:
    """A source that a worker may open and address the prepared set of.

    Args:
        message: As a job records it.
        settings: Of the process; it uses their key of pseudonyms from now on.

    Raises:
        PermissionDeniedError: It lies outside the operator's roots: links may have changed.
        NotFoundError: There is nothing at that place.
    """
    use_key_file(settings.pseudonym_key)
    source = to_source(message)
    resolve(source.uri, settings.data_roots)
    return source


def source_message(source: Source) -> types_pb2.DataSource:
    """The contract's message of a data source, with every field set."""
    return json_format.ParseDict(source.to_mapping(), types_pb2.DataSource())


def check_range(field: str, value: int, low: int, high: int) -> int:
    """The value, if it lies within the limits (both included).

    Raises:
        InvalidArgumentError: It does not; names the field.
    """
    if not low <= value <= high:
        raise InvalidArgumentError.field(field, value, f"a whole number from {low} to {high}")
    return value


@contextmanager
def moved_fields(old: str, new: str) -> Iterator[None]:
    """Lets errors name fields by the paths that they have in the request at hand.

    Args:
        old: Path of a message in the errors: the library has a source in `specification.data`, a
            preparation's request in `specification`.
        new: Path of that message in the request.
    """
    try:
        yield
    except MedsynthError as error:
        if not error.violations:
            raise
        message, violations = error.message, []
        for violation in error.violations:
            field = violation.field
            if field == old or field.startswith(f"{old}."):
                field = new + field.removeprefix(old)
            message = message.replace(violation.field, field)
            violations.append(FieldViolation(field, violation.description))
        raise type(error)(
            message, reason=error.reason, violations=violations, metadata=error.metadata
        ) from error


@contextmanager
def _naming(field: str) -> Iterator[None]:
    """Lets errors about what a field names say which field that is."""
    try:
        yield
    except (DataError, NotFoundError, PermissionDeniedError) as error:
        raise type(error)(
            f"{field}: {error.message}",
            reason=error.reason,
            violations=[FieldViolation(field, error.message)],
            metadata=error.metadata,
        ) from error
