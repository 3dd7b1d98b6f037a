from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from medsynth.errors import DataError, MedsynthError, ResourceExhaustedError, UnavailableError
from medsynth.platform.faults import machine_error
from medsynth.storage import Storage
from tests.support import no_file_above


def known(error: BaseException) -> MedsynthError:
    found = machine_error(error)
    assert found is not None
    return found


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_names_its_file_and_what_to_do(number: int) -> None:
    error = known(OSError(number, os.strerror(number), "/data/x"))
    assert isinstance(error, ResourceExhaustedError)
    assert error.reason == "DISK_FULL"
    assert "/data/x" in error.message
    assert "free some" in error.message


def test_a_failed_write_that_names_no_file_says_where_it_can_have_been() -> None:
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="28") as caught:
        full.write(b"x")
    error = machine_error(caught.value, "/data or /scratch")
    assert error is not None
    assert "of /data or /scratch" in error.message


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_storage_that_refuses_is_the_operators_matter(number: int) -> None:
    error = known(OSError(number, os.strerror(number), "/data/x"))
    assert isinstance(error, UnavailableError)
    assert error.reason == "STORAGE_READ_ONLY"
    assert "/data/x" in error.message


def test_storage_says_which_file_could_not_be_written(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path / "storage"))
    source = tmp_path / "source"
    source.write_bytes(bytes(5000))
    draft = storage.draft("datasets", "d", "a1")
    with no_file_above(1000):
        for write in (
            lambda: draft.write("file", bytes(5000)),
            lambda: draft.add("file", source),
            lambda: storage.write_atomically(f"{draft.path}/file", bytes(5000)),
        ):
            with pytest.raises(OSError, match=r"storage/datasets/d/a1/file") as caught:
                write()
            assert known(caught.value).reason == "DISK_FULL"


@pytest.mark.parametrize(
    "allocate", [lambda: np.empty(2**60, np.uint8), lambda: torch.empty(2**50)]
)
def test_memory_that_runs_out_is_known_whoever_asks_for_it(allocate: object) -> None:
    with pytest.raises((MemoryError, RuntimeError)) as caught:
        allocate()  # type: ignore[operator]
    error = known(caught.value)
    assert isinstance(error, ResourceExhaustedError)
    assert error.reason == "OUT_OF_MEMORY"
    assert "lower batch_size" in error.message


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), RuntimeError("x"), FileNotFoundError(errno.ENOENT, "x"), DataError("x")],
)
def test_anything_else_is_not_the_machines_doing(error: Exception) -> None:
    assert machine_error(error) is None
