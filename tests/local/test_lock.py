"""Stacks that start one at a time."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from medsynth.local.lock import one_at_a_time
from tests.support import eventually


def waiting_for_a_lock() -> bool:
    """Whether a thread of this process waits in the kernel for a lock on a file."""
    locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return any("->" in line and "FLOCK" in line and str(os.getpid()) in line for line in locks)


def test_a_stack_starts_when_the_one_before_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    order: list[str] = []

    def second() -> None:
        with one_at_a_time():
            order.append("second")

    thread = threading.Thread(target=second)
    with one_at_a_time():
        thread.start()
        eventually(waiting_for_a_lock)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
