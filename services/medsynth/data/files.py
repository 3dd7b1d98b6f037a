"""The files of a source, read in one way: a folder, a single file, or a prefix of a bucket.

Listing them opens none, so that services may do it. What reads a file asks for it by its path
within the source (`/` between folders) and gets it on the local disk.
"""

from __future__ import annotations

import os
import posixpath
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from medsynth.data.machine import is_of_machine
from medsynth.errors import DataError

MOST_FILES: Final = 2_000_000
"""Files and folders of a source; more are taken for a mistake, such as the root of a disk."""

HIDDEN: Final = (".", "__MACOSX")
"""What the names of hidden files and folders begin with."""


class TooManyFilesError(DataError):
    """A source holds more files and folders than were to be listed."""


def hidden(path: str) -> bool:
    """Whether a path within a source is passed over: it or a folder above has a hidden name."""
    return any(part.startswith(HIDDEN) for part in path.split("/"))


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known about a file that was not opened.

    Attributes:
        size: In bytes.
        stamp: Another one whenever the file was changed: its time of change, or a store's tag.
    """

    size: int
    stamp: str


class Files(ABC):
    """The files of one source.

    Attributes:
        uri: The source as `resolve` names it.
    """

    uri: str

    @property
    @abstractmethod
    def facts(self) -> Mapping[str, FileFacts]:
        """Size and stamp of every file by its path, sorted; hidden files are left out.

        Raises:
            DataError: A folder cannot be read, or a name is no text.
            TooManyFilesError: There are more than `open_files` was told.
            UnavailableError: The store does not answer.
        """

    @abstractmethod
    def local(self, paths: Sequence[str]) -> AbstractContextManager[Path]:
        """The local folder in which these paths are files, as long as the context lasts.

        Raises:
            DataError: One is missing, cannot be read, leads out of the source, or is a link out of
                the folders that the operator allows.
            UnavailableError: The store does not answer.
        """

    @property
    def paths(self) -> Sequence[str]:
        """Every path, sorted."""
        return tuple(self.facts)

    def forget(self) -> None:
        """Lets go of a kept listing, which may be large; it is made again if it is asked for."""
        self.__dict__.pop("facts", None)

    def name(self, path: str) -> str:
        """A file's full name, for messages."""
        return posixpath.join(self.uri, path)

    def renamed(self, message: str, root: Path) -> str:
        """A message about files in a local folder, with the names that they have in the source.

        Args:
            message: As what read the files worded it.
            root: From `local`.
        """
        return message.replace(f"{root}/", posixpath.join(self.name(""), ""))

    def read(self, path: str, limit: int = 2**24) -> bytes:
        """The content of a small file.

        Args:
            path: Within the source.
            limit: Bytes; a longer file is refused.

        Raises:
            DataError: It is missing, longer, or cannot be read.
        """
        content, length = b"", self.facts.get(path, FileFacts(0, "")).size
        if length <= limit:
            with (
                self.local([path]) as root,
                reading(self.name(path)),
                (root / path).open("rb") as stream,
            ):
                content = stream.read(limit + 1)
        if max(length, len(content)) > limit:
            raise DataError(f"{self.name(path)}: is longer than {limit} bytes")
        return content


def open_files(
    uri: str,
    roots: Sequence[str] | None = None,
    scratch: Path | None = None,
    most: int = MOST_FILES,
) -> Files:
    """The files of a URI.

    Args:
        uri: The path of a folder or file, or a URI that fsspec knows, such as `s3://bucket/set`.
        roots: Folders inside which every local file must really lie, links followed. None: not
            checked.
        scratch: Where remote files are kept while they are read; the system's own unless given.
        most: Files and folders that are listed; a source that holds more is refused.
    """
    if uri.startswith("phantom://"):
        return NoFiles(uri)
    if "://" in uri:
        from medsynth.data.remote_files import RemoteFiles

        return RemoteFiles(uri, scratch, most)
    from medsynth.data.local_files import LocalFiles

    return LocalFiles(uri, roots, most=most)


class NoFiles(Files):
    """A source that is drawn rather than read.

    Args:
        uri: Of the source.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri

    @property
    def facts(self) -> Mapping[str, FileFacts]:
        """None."""
        return {}

    @contextmanager
    def local(self, paths: Sequence[str]) -> Iterator[Path]:
        """A folder that does not matter."""
        yield Path(os.devnull).parent


@contextmanager
def reading(name: str) -> Iterator[None]:
    """What the system says about a file or folder, as ours; what the machine lacks stays."""
    try:
        yield
    except OSError as error:
        if is_of_machine(error):
            raise
        reason = error.strerror or str(error)
        raise DataError(f"{name}: cannot be read: {reason}") from error
