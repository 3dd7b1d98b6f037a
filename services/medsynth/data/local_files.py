"""The files below a local folder, or one local file."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Final

from medsynth.data.files import (
    HIDDEN,
    MOST_FILES,
    FileFacts,
    Files,
    TooManyFilesError,
    reading,
)
from medsynth.data.listing import Listing
from medsynth.errors import DataError, show

_DEEPEST: Final = 24


class LocalFiles(Files):
    """A folder with all below it, or one file.

    Args:
        uri: Its path.
        roots: As for `open_files`.
        shown: What messages call it; the path unless given.
        most: As for `open_files`.
    """

    def __init__(
        self,
        uri: str,
        roots: Sequence[str] | None = None,
        shown: str = "",
        most: int = MOST_FILES,
    ) -> None:
        self.uri = shown or uri
        self._most = most
        self._shown = shown
        self._roots = None if roots is None else real_roots(roots)
        self._top = Path(uri)
        self._folder = self._top if os.path.isdir(uri) else self._top.parent

    def name(self, path: str) -> str:
        """A file's full name: its absolute path, unless the source is shown as something else."""
        return posixpath.join(self._shown or str(self._folder), path)

    @cached_property
    def facts(self) -> Mapping[str, FileFacts]:
        """Links to files and folders are followed; anything else than these is passed over."""
        if self._folder != self._top:
            return Listing(self._fact(self._top.name) if os.path.exists(self._top) else ())
        return Listing(self._bounded())

    def _bounded(self) -> Iterator[tuple[str, FileFacts]]:
        """Every file, unless there are too many."""
        for count, (path, facts) in enumerate(self._walk("", ())):
            if count >= self._most:
                raise TooManyFilesError(
                    f"{self.uri}: holds more than {self._most} files and folders"
                )
            if facts is not None:
                yield path, facts

    @contextmanager
    def local(self, paths: Sequence[str]) -> Iterator[Path]:
        """The folder itself."""
        for path in paths:
            name = self.name(path)
            if path.startswith("/") or ".." in path.split("/"):
                raise DataError(f"{name}: leads out of {self.uri}")
            if self._leads_out(path):
                raise DataError(
                    f"{name}: is a link to a file outside the folders that the operator allows"
                )
            if not os.path.isfile(self._folder / path):
                raise DataError(f"{name}: the file is missing")
        yield self._folder

    def _walk(
        self, folder: str, above: tuple[tuple[int, int], ...]
    ) -> Iterator[tuple[str, FileFacts | None]]:
        """Files with their facts, and folders without."""
        place = self._folder / folder
        with reading(str(place)):
            here = place.stat()
            names = sorted(os.listdir(place))
        if (here.st_dev, here.st_ino) in above:
            return
        if len(above) >= _DEEPEST:
            raise DataError(f"{place}: folders are nested deeper than {_DEEPEST}")
        yield folder, None
        for name in names:
            if name.startswith(HIDDEN):
                continue
            if not is_text(name):
                raise DataError(f"{place}: the name {show(name)} is not in UTF-8; rename it")
            path = f"{folder}/{name}" if folder else name
            if not os.path.isdir(self._folder / path):
                yield from self._fact(path)
            elif os.path.islink(self._folder / path) and self._leads_out(path):
                # As a file that is refused: the reader says so if it wants it.
                yield path, FileFacts(0, "")
            else:
                yield from self._walk(path, (*above, (here.st_dev, here.st_ino)))

    def _leads_out(self, path: str) -> bool:
        """Whether a path, links followed, is outside the folders that the operator allows."""
        if self._roots is None:
            return False
        return not inside(os.path.realpath(self._folder / path), self._roots)

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


def real_roots(roots: Sequence[str]) -> list[str]:
    """The real paths of local roots, links followed; what is no absolute path allows nothing."""
    return [os.path.realpath(root) for root in roots if os.path.isabs(root)]


def inside(path: str, roots: Sequence[str]) -> bool:
    """Whether a real path is one of the roots or below one.

    Args:
        path: Links followed.
        roots: From `real_roots`.
    """
    return any(os.path.commonpath([path, root]) == root for root in roots)
