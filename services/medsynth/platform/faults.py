"""What a machine refuses, as domain errors: full disks, storage that takes no writes, memory.

None of it is the request's fault alone, and none of it goes away by trying again at once: the
errors say what was refused and what an operator or the caller can do.
"""

from __future__ import annotations

import errno
from typing import Final

from medsynth.errors import MedsynthError, ResourceExhaustedError, UnavailableError, shorten

DISK_FULL: Final = "DISK_FULL"
OUT_OF_MEMORY: Final = "OUT_OF_MEMORY"
STORAGE_READ_ONLY: Final = "STORAGE_READ_ONLY"

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REFUSED: Final = (errno.EROFS, errno.EACCES, errno.EPERM)
_NO_MEMORY: Final = ("can't allocate memory", "not enough memory", "Cannot allocate memory")
"""What PyTorch's and the system's own allocators say; they raise no `MemoryError`."""


def machine_error(error: BaseException, where: str = "") -> MedsynthError | None:
    """The domain error of what the machine refused, or None for any other exception.

    Args:
        error: What was raised.
        where: Where it can only have been, for errors that name no file.
    """
    if isinstance(error, MedsynthError):
        return None
    if isinstance(error, OSError) and error.errno in _FULL:
        return ResourceExhaustedError(
            f"no space is left on the disk{_of(error, where)} ({error.strerror}): free some, or "
            "raise the quota",
            reason=DISK_FULL,
        )
    if isinstance(error, OSError) and error.errno in _REFUSED:
        return UnavailableError(
            f"the storage{_of(error, where)} cannot be written ({error.strerror}): make it "
            "writable for the services and the workers",
            reason=STORAGE_READ_ONLY,
        )
    if _is_memory(error):
        return ResourceExhaustedError(
            f"the machine's memory does not suffice ({shorten(str(error), 200) or 'no details'}): "
            "lower batch_size, the numbers of filters, size or count, or give the worker more "
            "memory",
            reason=OUT_OF_MEMORY,
        )
    return None


def _of(error: OSError, where: str) -> str:
    place = error.filename or where
    return f" of {place}" if place else ""


def _is_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or (
        isinstance(error, OSError) and error.errno == errno.ENOMEM
    ):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _NO_MEMORY)
