"""Which process runs the stack of a home folder: the one that holds its lock.

The lock goes with its process, however that ends; a file that was left behind means nothing.
"""

from __future__ import annotations

import fcntl
import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final

_NAME: Final = "stack.lock"
_FLOCK: Final = "hhqqi"  # struct flock on 64-bit Linux


class Lock:
    """The lock of a home folder, held by this process."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, home: Path) -> Lock | None:
        """Takes the lock; None: another process holds it."""
        path = home / _NAME
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(descriptor)
                return None
            # Its last owner may have removed the file meanwhile.
            if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
                return cls(path, descriptor)
            os.close(descriptor)

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Lets one of the user's stacks start at a time, whatever their homes.

    A port that a starting stack has chosen and not yet opened looks free to another one.
    """
    path = Path(tempfile.gettempdir()) / f"medsynth-{os.getuid()}-starting.lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def holder(home: Path) -> int | None:
    """Id of the process that holds the lock of a home folder; None: none does."""
    try:
        descriptor = os.open(home / _NAME, os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        answer = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    finally:
        os.close(descriptor)
    kind, pid = answer[0], answer[4]
    return None if kind == fcntl.F_UNLCK else int(pid)
