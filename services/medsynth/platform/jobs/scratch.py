"""Local folders of attempts, removed after them, also when their worker was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_LOCK: Final = "lock"


class ScratchFolders:
    """The scratch folders of one worker.

    Each worker has a folder below the system's temporary folder and holds a lock in it for as
    long as it lives. Folders whose lock is free are left over and removed.

    Args:
        root: Folder of all workers. None: `medsynth-{user id}` in the temporary folder.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = root or Path(tempfile.gettempdir()) / f"medsynth-{os.getuid()}"
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sweep()
        # It gets the name that others sweep once it is locked.
        new = Path(tempfile.mkdtemp(prefix="new-", dir=self._root))
        self._lock = (new / _LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._folder = new.rename(new.with_name(new.name.replace("new-", "worker-", 1)))

    @contextmanager
    def attempt(self) -> Iterator[Path]:
        """An empty folder, removed afterwards.

        Raises:
            OSError: It cannot be made.
        """
        # Whoever tidies the temporary folder may have taken it while the worker was idle.
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="attempt-", dir=self._folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Removes the worker's folder."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.close()

    def _sweep(self) -> None:
        for folder in self._root.glob("worker-*"):
            try:
                with (folder / _LOCK).open("r+") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            except OSError:
                # Another worker's, or one that is just being made.
                continue
