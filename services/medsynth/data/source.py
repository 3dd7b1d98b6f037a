"""Data sources: what they are called, where they may lie, and the key of what they give."""

from __future__ import annotations

import dataclasses
import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from medsynth.data import local_files, slices
from medsynth.data.archive import is_archive, unpack
from medsynth.data.files import MOST_FILES, Files, hidden, open_files
from medsynth.data.local_files import LocalFiles, is_text
from medsynth.data.preparation import Preparation
from medsynth.data.pseudonyms import has_key, key_digest
from medsynth.data.readers import KEYED, NAMES, get_reader, recognise
from medsynth.data.readers.interface import Reader, ReaderOptions
from medsynth.data.readers.phantom import SCHEME, Parameters
from medsynth.errors import (
    DataError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    show,
)
from medsynth.manifest import digest_of

_ACCEPTED = (
    f"{SCHEME}cardiac, the absolute path of a folder or file, or a URI in a bucket that the "
    "operator allows"
)

LONGEST = 4096
"""Characters of a URI: a longer path cannot be opened, and to follow it takes their square."""


@dataclass(frozen=True)
class Source:
    """Where images come from and how they are brought into one form.

    Attributes:
        uri: As `resolve` returns it.
        reader: Name of a reader; empty: recognised.
        preparation: How slices are cut and scaled.
        options: What the reader is told beyond that.
    """

    uri: str
    reader: str = ""
    preparation: Preparation = dataclasses.field(default_factory=Preparation)
    options: ReaderOptions = dataclasses.field(default_factory=ReaderOptions)

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any], prefix: str = "specification.data") -> Source:
        """Builds it from the fields of a `DataSource`; `to_mapping` reverses it.

        Raises:
            InvalidArgumentError: Names the field, its value and what is accepted.
        """
        uri, reader = given.get("uri", ""), given.get("reader", "")
        if not isinstance(uri, str) or not uri:
            raise InvalidArgumentError.field(f"{prefix}.uri", uri, _ACCEPTED)
        if reader not in ("", *NAMES):
            raise InvalidArgumentError.field(
                f"{prefix}.reader", reader, f"empty or one of {', '.join(NAMES)}"
            )
        return cls(
            uri,
            reader,
            Preparation.from_mapping(given.get("preparation") or {}, f"{prefix}.preparation"),
            ReaderOptions.from_mapping(given.get("options") or {}, f"{prefix}.options"),
        )

    def to_mapping(self) -> dict[str, Any]:
        """The fields of a `DataSource`."""
        return {
            "uri": self.uri,
            "reader": self.reader,
            "preparation": self.preparation.to_mapping(),
            "options": self.options.to_mapping(),
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
        DataError: It is a link to a place whose name is not in UTF-8.
    """
    if len(uri) > LONGEST:
        raise InvalidArgumentError.field(field, uri, f"at most {LONGEST} characters")
    if uri.startswith(SCHEME):
        return Parameters.parse(uri).uri()
    if "://" in uri:
        return _resolve_remote(uri, roots, field)
    if not os.path.isabs(uri) or "\0" in uri:
        raise InvalidArgumentError.field(field, uri, _ACCEPTED)
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
    if not is_text(real):
        raise DataError(f"{show(uri)} is really {show(real)}, a name not in UTF-8; rename it")
    return real


def _resolve_remote(uri: str, roots: Sequence[str], field: str) -> str:
    """A URI inside a root of the same store; whether something is there is seen by listing it."""
    scheme, _, path = uri.partition("://")
    allowed = [root.rstrip("/") for root in roots if "://" in root]
    if not any(root.startswith(f"{scheme}://") for root in allowed):
        raise InvalidArgumentError.field(field, uri, _ACCEPTED)
    parts = path.split("/")
    if any(part in (".", "..") for part in parts) or any(c in path for c in "?*[]#\0\\"):
        raise InvalidArgumentError.field(field, uri, "a URI without `..`, wildcards or parameters")
    resolved = f"{scheme}://" + "/".join(part for part in parts if part)
    if not any(resolved == root or resolved.startswith(f"{root}/") for root in allowed):
        raise PermissionDeniedError(
            f"{show(uri)} lies outside the places that the operator allows (MEDSYNTH_DATA_ROOTS)"
        )
    return resolved


def inside(path: str, roots: Sequence[str]) -> bool:
    """Whether a real path is one of the roots or below one."""
    return local_files.inside(path, local_files.real_roots(roots))


def complete(
    source: Source,
    files: Files | None = None,
    roots: Sequence[str] | None = None,
    most: int = MOST_FILES,
) -> Source:
    """The source with its reader's name and every parameter of a phantom filled in.

    The reader of an archive stays empty unless it is named: nothing is unpacked for it here.

    Args:
        source: As it was asked for.
        files: Its files, if they were listed before.
        roots: As for `opened`.
        most: Files and folders that are looked at to recognise it.

    Raises:
        DataError: No reader recognises the source.
        TooManyFilesError: It holds more, and its reader is not named.
        InvalidArgumentError: The named reader does not fit the URI, or has no use for an option.
    """
    phantom = source.uri.startswith(SCHEME)
    if phantom:
        source = replace(source, uri=Parameters.parse(source.uri).uri())
    if source.reader and phantom != (source.reader == "phantom"):
        raise InvalidArgumentError.field(
            "specification.data.reader",
            source.reader,
            f"a reader that fits {source.uri}, or empty",
        )
    if source.reader:
        reader = get_reader(source.reader)
    elif is_archive(source.uri):
        return source
    else:
        reader = recognise(files or open_files(source.uri, roots, most=most))
    _check_options(source, reader)
    return replace(source, reader=reader.NAME)


@contextmanager
def opened(
    source: Source, roots: Sequence[str] | None = None, scratch: Path | None = None
) -> Iterator[tuple[Reader, Files]]:
    """The reader and the files of a source; an archive is unpacked as long as the context lasts.

    Args:
        source: Its URI as `resolve` returned it.
        roots: Folders inside which every file must really lie, links followed. None: not checked.
        scratch: Local folder for what is fetched or unpacked; the system's own unless given.

    Raises:
        DataError: No reader recognises the source, or the archive cannot be unpacked.
    """
    files = open_files(source.uri, roots, scratch)
    with ExitStack() as stack:
        if is_archive(source.uri):
            folder = stack.enter_context(TemporaryDirectory(prefix="unpacked-", dir=scratch))
            unpacked = Path(folder) / "set"
            archive = posixpath.basename(source.uri)
            with files.local([archive]) as root:
                try:
                    unpack(root / archive, unpacked)
                except DataError as error:
                    raise DataError(files.renamed(error.message, root)) from error
            files = LocalFiles(str(_only_folder(unpacked)), shown=source.uri)
        reader = get_reader(source.reader) if source.reader else recognise(files)
        _check_options(source, reader)
        yield reader, files


def _only_folder(folder: Path) -> Path:
    """Archives often hold one folder with everything in it."""
    entries = [entry for entry in folder.iterdir() if not hidden(entry.name)]
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else folder


def _check_options(source: Source, reader: Reader) -> None:
    for name, value in source.options.to_mapping().items():
        if value and name not in reader.OPTIONS:
            raise InvalidArgumentError.field(
                f"specification.data.options.{name}",
                value,
                f"none: the reader {reader.NAME} has no use for it",
            )


def fingerprint(source: Source, roots: Sequence[str] | None = None) -> str:
    """`sha256:...` that is the key of the prepared set.

    Over URI, reader, options and preparation, the versions of the code that reads and prepares,
    relative path, size and stamp of every file, and the key of pseudonyms where the source's
    patients are named by it: of an archive that does not name its reader they may be. Opens no
    file but that of the key.

    Args:
        source: Its URI as `resolve` returned it.
        roots: As for `opened`.

    Raises:
        DataError: No reader recognises the source, a file of it is missing, or there is no key.
    """
    files = open_files(source.uri, roots)
    source = complete(source, files)
    if source.reader and not is_archive(source.uri):
        reader = get_reader(source.reader)
        versions, paths = [reader.VERSION], reader.relevant(files)
    else:
        versions, paths = [get_reader(name).VERSION for name in NAMES], files.paths
    facts = files.facts
    keyed = source.reader in KEYED or (not source.reader and has_key())
    return digest_of(
        {
            **({"key": key_digest()} if keyed else {}),
            "source": source.to_mapping(),
            "versions": [slices.VERSION, *versions],
            "files": [[path, facts[path].size, facts[path].stamp] for path in paths],
        }
    )


def dataset_id(source: Source, roots: Sequence[str] | None = None) -> str:
    """Id of the prepared set: the first 16 digits of the fingerprint."""
    return fingerprint(source, roots).removeprefix("sha256:")[:16]
