from __future__ import annotations

import errno

import pytest

from medsynth.data.machine import is_of_machine, takes_no_files


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_disk_that_takes_nothing(number: int) -> None:
    assert takes_no_files(OSError(number, "x"))
    assert is_of_machine(OSError(number, "x"))


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EIO, "x"),
        OSError(errno.ESTALE, "x"),
        OSError(errno.EMFILE, "x"),
        MemoryError(),
    ],
)
def test_a_machine_that_fails(error: BaseException) -> None:
    assert is_of_machine(error)
    assert not takes_no_files(error)


@pytest.mark.parametrize(
    "error", [OSError("cannot identify image file"), FileNotFoundError(errno.ENOENT, "x"),
              OSError(errno.ENAMETOOLONG, "x"), PermissionError(errno.EACCES, "x"), ValueError()]
)  # fmt: skip
def test_a_file_that_is_to_blame(error: BaseException) -> None:
    assert not is_of_machine(error)
    assert not takes_no_files(error)
