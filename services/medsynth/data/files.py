"""The files of a source, read in one way: a folder, a single file, or a prefix of a bucket.

Listing them opens none, so that services may do it. What reads a file asks for it by its path
within the source (`/` between folders) and gets it on the local disk.
"""

from __future__ import annotations

import os
import posixpath
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from medsynth.errors import DataError, PermissionDeniedError, show

MOST_FILES: Final = 2_000_000
"""Files and folders of a source; more are taken for a mistake, such as the root of a disk."""

_DEEPEST: Final = 24
_HIDDEN: Final = (".", "__MACOSX")


def hidden(path: str) -> bool:
    """Whether a path within a source is passed over: it or a folder above has a hidden name."""
    return any(part.startswith(_HIDDEN) for part in path.split("/"))


@dataclass(frozen=True)
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
            DataError: A folder cannot be read, a name is no text, or there are more than
                `MOST_FILES`.
            UnavailableError: The store does not answer.
        """

    @abstractmethod
    def local(self, paths: Sequence[str]) -> AbstractContextManager[Path]:
        """The local folder in which these paths are files, as long as the context lasts.

        Raises:
            DataError: One is missing, cannot be read, or leads out of the source.
            PermissionDeniedError: One is a link out of the folders that the operator allows.
            UnavailableError: The store does not answer.
        """

    @property
    def paths(self) -> Sequence[str]:
        """Every path, sorted."""
        return tuple(self.facts)

    def name(self, path: str) -> str:
        """A file's full name, for messages."""
        return posixpath.join(self.uri, path)

    def read(self, path: str, limit: int = 2**24) -> bytes:
        """The content of a small file.

        Args:
            path: Within the source.
            limit: Bytes; a longer file is refused.

        Raises:
            DataError: It is missing, longer, or cannot be read.
        """
        with self.local([path]) as root:
            try:
                with (root / path).open("rb") as stream:
                    content = stream.read(limit + 1)
            except OSError as error:
                reason = error.strerror or str(error)
                raise DataError(f"{self.name(path)}: cannot be read: {reason}") from error
        if len(content) > limit:
            raise DataError(f"{self.name(path)}: is longer than {limit} bytes")
        return content


def open_files(uri: str, roots: Sequence[str] | None = None, scratch: Path | None = None) -> Files:
    """The files of a URI.

    Args:
        uri: The path of a folder or file, or a URI that fsspec knows, such as `s3://bucket/set`.
        roots: Folders inside which every local file must really lie, links followed. None: not
            checked.
        scratch: Where remote files are kept while they are read; the system's own unless given.
    """
    if uri.startswith("phantom://"):
        return NoFiles(uri)
    if "://" in uri:
        from medsynth.data.remote_files import RemoteFiles

        return RemoteFiles(uri, scratch)
    return LocalFiles(uri, roots)


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


class LocalFiles(Files):
    """A folder with all below it, or one file.

    Args:
        uri: Its path.
        roots: As for `open_files`.
        shown: What messages call it; the path unless given.
    """

    def __init__(self, uri: str, roots: Sequence[str] | None = None, shown: str = "") -> None:
        self.uri = shown or uri
        self._shown = shown
        self._roots = None if roots is None else [os.path.realpath(root) for root in roots if root]
        self._top = Path(uri)
        self._folder = self._top if os.path.isdir(uri) else self._top.parent

    def name(self, path: str) -> str:
        """A file's full name: its absolute path, unless the source is shown as something else."""
        return posixpath.join(self._shown or str(self._folder), path)

    @cached_property
    def facts(self) -> Mapping[str, FileFacts]:
        """Links to files and folders are followed; anything else than these is passed over."""
        if self._folder != self._top:
            return dict(self._fact(self._top.name)) if os.path.exists(self._top) else {}
        found: dict[str, FileFacts] = {}
        for count, (path, facts) in enumerate(self._walk("", ())):
            if count >= MOST_FILES:
                raise DataError(f"{self.uri}: holds more than {MOST_FILES} files and folders")
            if facts is not None:
                found[path] = facts
        return dict(sorted(found.items()))

    @contextmanager
    def local(self, paths: Sequence[str]) -> Iterator[Path]:
        """The folder itself."""
        for path in paths:
            file, name = self._folder / path, self.name(path)
            if path.startswith("/") or ".." in path.split("/"):
                raise DataError(f"{name}: leads out of {self.uri}")
            if self._roots is not None and not _inside(os.path.realpath(file), self._roots):
                raise PermissionDeniedError(
                    f"{name} is a link to a file outside the folders that the operator allows"
                )
            if not os.path.isfile(file):
                raise DataError(f"{name}: the file is missing")
        yield self._folder

    def _walk(
        self, folder: str, above: tuple[tuple[int, int], ...]
    ) -> Iterator[tuple[str, FileFacts | None]]:
        """Files with their facts, and folders without."""
        place = self._folder / folder
        try:
            here = place.stat()
            names = sorted(os.listdir(place))
        except OSError as error:
            raise DataError(f"{place}: cannot be read: {error.strerror}") from error
        if (here.st_dev, here.st_ino) in above:
            return
        if len(above) >= _DEEPEST:
            raise DataError(f"{place}: folders are nested deeper than {_DEEPEST}")
        yield folder, None
        for name in names:
            if name.startswith(_HIDDEN):
                continue
            if not is_text(name):
                raise DataError(f"{place}: the name {show(name)} is not in UTF-8; rename it")
            path = f"{folder}/{name}" if folder else name
            if os.path.isdir(self._folder / path):
                yield from self._walk(path, (*above, (here.st_dev, here.st_ino)))
            else:
                yield from self._fact(path)

    def _fact(self, path: str) -> Iterator[tuple[str, FileFacts]]:
        try:
            facts = (self._folder / path).stat()
        except OSError:
            # A dangling link, say: the reader says so if it wants the file.
            yield path, FileFacts(0, "")
            return
        if stat.S_ISREG(facts.st_mode):
            yield path, FileFacts(facts.st_size, str(facts.st_mtime_ns))


def is_text(name: str) -> bool:
    """Whether a name that the system gave is text in UTF-8: else no message can carry it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _inside(path: str, roots: Sequence[str]) -> bool:
    return any(os.path.commonpath([path, root]) == root for root in roots)
