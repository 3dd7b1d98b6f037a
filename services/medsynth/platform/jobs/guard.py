"""Ends what a child had started when the child ends, whatever ended it.

The kernel kills a child at its worker's death (see `child`), which leaves the child no time to end
its own processes. The guard is one more process of the child's group, too small to hang: it waits
for the child's end and kills the group, itself included.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys


def start_guard() -> subprocess.Popen[bytes]:
    """Starts the guard of this process, which leads its process group."""
    descriptor = os.pidfd_open(os.getpid())
    try:
        return subprocess.Popen(
            # It imports nothing but the standard library, so it is there at once.
            [sys.executable, "-I", "-S", __file__, str(descriptor)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[descriptor],
        )
    finally:
        os.close(descriptor)


def _guard(descriptor: int) -> None:
    """Waits for the end of the process behind a descriptor, then kills its own group."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    select.select([descriptor], [], [])
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    _guard(int(sys.argv[1]))
