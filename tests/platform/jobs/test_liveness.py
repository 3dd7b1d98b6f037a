"""Signs of life of threads that wait, move and compute, in processes where nothing else happens."""

from __future__ import annotations

import subprocess
import sys

import pytest

WATCH = """
import hashlib, sys, threading, time
from medsynth.platform.jobs.liveness import Liveness

def watch(thread):
    liveness = Liveness(thread)
    seen = []
    for _ in range(4):
        time.sleep(0.25)
        seen.append(liveness.seen())
    # The first look may still see how the thread began.
    print(*map(int, seen[1:]), flush=True)
    import os
    os._exit(0)

threading.Thread(target=watch, args=(threading.get_ident(),), daemon=True).start()
"""


@pytest.mark.parametrize(
    ("does", "seen"),
    [
        ("threading.Event().wait()", "0 0 0"),
        ("lock = threading.Lock(); lock.acquire(); lock.acquire()", "0 0 0"),
        ("while True: hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)", "1 1 1"),
        ("[0 for _ in iter(int, 1)]", "1 1 1"),
    ],
    ids=["waits", "is deadlocked", "computes in a library", "computes"],
)
def test_what_is_a_sign_of_life(does: str, seen: str) -> None:
    printed = subprocess.run(
        [sys.executable, "-c", WATCH + does], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert printed.strip() == seen
