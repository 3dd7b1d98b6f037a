"""Ends a child, and all that it had started, when its worker or itself has ended in whatever way.

A child whose worker is killed ends itself (see `child`). One that was stopped or hung before it got
so far cannot, and the kernel's kill leaves it no time to end its own processes. The guard is a
process beside them, too small to hang, that waits for both ends and kills the child's group.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys


def start_guard(child: int) -> subprocess.Popen[bytes]:
    """Starts the guard of a child of this process.

    Args:
        child: Its id, which is that of its process group. It was not waited for yet.
    """
    descriptors: list[int] = []
    try:
        descriptors.extend(map(os.pidfd_open, (child, os.getpid())))
        return subprocess.Popen(
            # It imports nothing but the standard library, so it is there at once.
            [sys.executable, "-I", "-S", __file__, str(child), *map(str, descriptors)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=descriptors,
            # What ends the worker's session does not end the guard.
            start_new_session=True,
        )
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _guard(group: int, descriptors: list[int]) -> None:
    """Waits for the end of one of the processes behind the descriptors, then kills the group."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    select.select(descriptors, [], [])
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    _guard(int(sys.argv[1]), [int(argument) for argument in sys.argv[2:]])
