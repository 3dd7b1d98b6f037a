"""Helpers of the tests."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.request import urlopen

T = TypeVar("T")


def eventually(condition: Callable[[], T], timeout: float = 90.0, interval: float = 0.02) -> T:
    """Waits until a condition is true, returns its value, and fails after the timeout."""
    deadline = time.monotonic() + timeout
    pause = threading.Event()
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {timeout:g} s: {condition}")
        pause.wait(interval)
    return value


def metric(address: str, name: str, part: str = "") -> float:
    """A metric that a process shows at its address, summed over the labels that hold `part`."""
    with urlopen(f"http://{address}/metrics", timeout=10) as page:
        lines = page.read().decode().splitlines()
    found = [line for line in lines if line.startswith((f"{name}{{", f"{name} ")) and part in line]
    return sum(float(line.rpartition(" ")[2]) for line in found)


def calls_under_way(address: str) -> int:
    """Calls of a service that began and have not ended, by its own count, but health checks."""
    began = metric(address, "grpc_server_started_total", "medsynth.v1")
    return int(began - metric(address, "grpc_server_handled_total", "medsynth.v1"))


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Files of this process end at so many bytes, as on a full disk; what they hold stays."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def children(pid: int, word: str = "") -> list[int]:
    """The processes that a process has started and that run, with a word in their command."""
    found = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in map(int, listed.read_text().split()):
                command = Path(f"/proc/{child}/cmdline").read_bytes().decode()
                found += [child] if word in command else []
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found
