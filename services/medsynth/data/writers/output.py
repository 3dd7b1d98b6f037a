"""Where a format's files go: a folder, with size and digest of each file that was written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from medsynth.manifest import FileEntry
from medsynth.storage import naming

_BUFFER: Final = 2**17
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
_MODE: Final = 0o666


class Output:
    """Writes files into a folder and remembers them, for one thread.

    Args:
        folder: Exists.

    Attributes:
        entries: The files in the order in which they were written.
        parts: What `keep` was given.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._known: set[str] = set()
        self.entries: list[FileEntry] = []
        self.parts: list[bytes] = []

    def write(self, path: str, content: bytes) -> None:
        """Writes a file.

        Args:
            path: Within the folder, `/` between folders.
            content: Of the file.
        """
        target = self._place(path)
        with naming(target):
            handle = os.open(target, _NEW, _MODE)
            try:
                _write(handle, content)
            finally:
                os.close(handle)
        digest = hashlib.sha256(content).hexdigest()
        self.entries.append(FileEntry(path, len(content), f"sha256:{digest}"))

    def keep(self, content: bytes) -> None:
        """Keeps a part of a file that is written when the other parts are there (`gather`)."""
        self.parts.append(content)

    @contextmanager
    def open(self, path: str) -> Iterator[Stream]:
        """A file to be written piece by piece."""
        target = self._place(path)
        with naming(target):
            handle = os.open(target, _NEW, _MODE)
            try:
                stream = Stream(handle)
                yield stream
                stream.flush()
            finally:
                os.close(handle)
        self.entries.append(FileEntry(path, stream.size, f"sha256:{stream.sha.hexdigest()}"))

    def _place(self, path: str) -> str:
        """The full path of a file, whose folder is there."""
        target = f"{self._folder}/{path}"
        parent = os.path.dirname(target)
        if parent not in self._known:
            with naming(parent):
                os.makedirs(parent, exist_ok=True)
            self._known.add(parent)
        return target


class Stream:
    """A file that is being written.

    Attributes:
        size: Bytes so far.
        sha: SHA-256 of those that were flushed.
    """

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._waiting = bytearray()
        self.size = 0
        self.sha = hashlib.sha256()

    def write(self, content: bytes) -> int:
        """Appends bytes and returns their number."""
        self._waiting += content
        self.size += len(content)
        if len(self._waiting) >= _BUFFER:
            self.flush()
        return len(content)

    def flush(self) -> None:
        """Writes what waits."""
        self.sha.update(self._waiting)
        _write(self._handle, self._waiting)
        self._waiting.clear()


def _write(handle: int, content: bytes | bytearray) -> None:
    """Writes everything; one call may write less."""
    with memoryview(content) as rest:
        done = 0
        while done < len(rest):
            done += os.write(handle, rest[done:])
