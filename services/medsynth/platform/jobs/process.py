"""The child process of a job, as its supervisor holds it."""

from __future__ import annotations

import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any, Final

from medsynth.platform.jobs.channel import LOG_LINE, Channel
from medsynth.platform.jobs.guard import start_guard
from medsynth.platform.telemetry import with_log_fields

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Said:
    """The child sent a message."""

    message: dict[str, Any]


@dataclass(frozen=True)
class Exited:
    """The child has ended, with all that it had started; everything it sent was read before.

    Attributes:
        status: Exit status; minus the number of the signal that killed it.
    """

    status: int

    def __str__(self) -> str:
        if self.status >= 0:
            return f"the child ended with exit status {self.status} and no result"
        try:
            name = signal.Signals(-self.status).name
        except ValueError:
            name = f"signal {-self.status}"
        return f"the child was killed by {name}"


ENVIRONMENT: Final = {"GOMP_SPINCOUNT": "1000"}
"""What a child's environment has unless the worker's says otherwise.

Threads that wait at OpenMP's barriers soon sleep: those that spin for long starve each other when
the cores are shared with anything."""


class ChildProcess:
    """A running child, in a session and process group of its own, and its guard.

    Args:
        module: What it runs, with `python -m`.
        name: The job.
        inbox: Gets `Said` for each of its messages, and at last `Exited`.

    What it prints goes to the log, with the fields that the thread which starts it has.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(self, module: str, name: str, inbox: queue.SimpleQueue[Any]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, name, str(theirs.fileno())],
                env={**ENVIRONMENT, **os.environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        try:
            self._guard = start_guard(self._process.pid)
        except BaseException:
            ours.close()
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            raise
        self.channel = Channel(ours)
        self._inbox = inbox
        self._reaping = threading.Lock()
        self._reaped = False
        self._threads = [
            threading.Thread(
                target=with_log_fields(target), name=f"{name} {target.__name__}", daemon=True
            )
            for target in (self._read_messages, self._read_output)
        ]
        for thread in self._threads:
            thread.start()
        threading.Thread(
            target=with_log_fields(self._reap), name=f"{name} reap", daemon=True
        ).start()

    @property
    def pid(self) -> int:
        """Id of the process, and of its group."""
        return self._process.pid

    def kill(self) -> None:
        """Kills the process and all that it started. Nothing happens if it has ended."""
        with self._reaping:
            if not self._reaped:
                os.killpg(self._process.pid, signal.SIGKILL)

    def _read_messages(self) -> None:
        for message in self.channel.messages():
            self._inbox.put(Said(message))

    def _read_output(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            text = line.decode(errors="replace").rstrip()
            if match := LOG_LINE.fullmatch(text):
                level, logger, message = match.groups()
                logging.getLogger(logger).log(logging.getLevelNamesMapping()[level], "%s", message)
            else:
                _log.info("%s", text)

    def _reap(self) -> None:
        # Until it is reaped its id belongs to nobody else, and its group can be killed safely.
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        with self._reaping:
            os.killpg(self._process.pid, signal.SIGKILL)
            status = self._process.wait()
            self._reaped = True
        self._guard.wait()
        for thread in self._threads:
            thread.join(timeout=5.0)
        self.channel.close()
        self._inbox.put(Exited(status))
