"""What is wrong with the machine, told apart from what is wrong with a user's file."""

from __future__ import annotations

import errno
from typing import Final

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_FAILING: Final = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EREMOTEIO, errno.ENODEV)
_LIMITS: Final = (errno.ENOMEM, errno.EMFILE, errno.ENFILE)


def takes_no_files(error: BaseException) -> bool:
    """Whether an exception says that the disk is full or cannot be written."""
    return isinstance(error, OSError) and error.errno in _FULL


def is_of_machine(error: BaseException) -> bool:
    """Whether an exception is about a disk, the memory or the like, so that no file is to blame."""
    if isinstance(error, OSError):
        return error.errno in (*_FULL, *_FAILING, *_LIMITS)
    return isinstance(error, MemoryError)
