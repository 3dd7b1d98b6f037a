"""The one-machine stack: Redis, Triton, the three services and two workers under one parent."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from medsynth.errors import FailedPreconditionError
from medsynth.local.addresses import read_state
from medsynth.local.lock import holder, one_at_a_time
from medsynth.local.parent import STATE, logs
from medsynth.local.plan import Plan
from medsynth.local.processes import make_plan
from medsynth.settings import Settings, get_settings

_STOP_SECONDS: Final = 150.0
_KILL_SECONDS: Final = 10.0

_started: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class ProcessStatus:
    """One process of the stack.

    Attributes:
        pid: None while it waits to be started again.
        restarts: How often it was.
        ready: What answers once it is ready, such as `grpc://127.0.0.1:7701`.
        metrics: `host:port` at which it answers `/metrics`, or empty.
    """

    pid: int | None
    restarts: int
    ready: str
    metrics: str


@dataclass(frozen=True)
class StackStatus:
    """What runs in a home folder.

    Attributes:
        state: `stopped`, `starting` (or stopping) or `running`.
        pid: The parent process, if there is one.
        processes: Its children by name, once it is ready.
    """

    state: str
    pid: int | None
    processes: Mapping[str, ProcessStatus]


class Stack:
    """A stack that this process started."""

    def __init__(self, home: Path, parent: subprocess.Popen[bytes]) -> None:
        self.home = home
        self._parent = parent

    @property
    def pid(self) -> int:
        """The parent process."""
        return self._parent.pid

    def wait(self) -> int:
        """Waits until it ends, and returns the status of its parent."""
        return self._parent.wait()

    def stop(self) -> None:
        """Stops it."""
        stop(self.home)
        self._parent.wait()


def start(
    settings: Settings | None = None, *, detach: bool = True, plan: Plan | None = None
) -> Stack:
    """Starts the stack and returns once everything is ready.

    Args:
        settings: Those of the stack; what is not set in them gets the stack's own defaults.
        detach: Whether it goes on when the thread that started it has ended.
        plan: What to run instead of the usual processes.

    Raises:
        FailedPreconditionError: One is running already, a program is missing, or a process does
            not start; then the message shows the end of its log, and nothing is left running.
    """
    settings = settings or get_settings()
    home = Path(plan.home) if plan else settings.home.resolve()
    if (running := holder(home)) is not None:
        raise _already_running(home, running)
    with one_at_a_time():
        return _start(home, plan or make_plan(settings), detach)


def _start(home: Path, plan: Plan, detach: bool) -> Stack:
    logs(home).mkdir(parents=True, exist_ok=True)
    reading, writing = os.pipe()
    with (
        (logs(home) / "stack.log").open("ab") as log,
        os.fdopen(reading, "r") as report,
    ):
        parent = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "medsynth.local.parent", "--report", str(writing)),
                *(() if detach else ("--tied", str(os.getpid()))),
            ],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=[writing],
            start_new_session=True,
        )
        os.close(writing)
        _started.append(parent)
        try:
            assert parent.stdin is not None
            parent.stdin.write(plan.to_json().encode())
            parent.stdin.close()
            answer = report.read()
        except BaseException:
            parent.terminate()
            parent.wait()
            raise
    message = json.loads(answer) if answer else {"error": "it was stopped before it was ready"}
    if "error" in message:
        parent.wait()
        if (running := holder(home)) is not None:
            raise _already_running(home, running)
        raise FailedPreconditionError(message["error"], reason="STACK_NOT_STARTED")
    return Stack(home, parent)


def stop(home: Path | None = None) -> bool:
    """Stops the stack of a home folder: workers, services, Triton, Redis.

    A job that runs writes a checkpoint and goes on with the next start.

    Args:
        home: Its folder. None: as in the settings.

    Returns:
        Whether there was one.
    """
    home = (home or get_settings().home).resolve()
    state = read_state(home)
    pid = holder(home)
    if pid is not None:
        seconds = state["stop_seconds"] + _KILL_SECONDS if state else _STOP_SECONDS
        for how, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, _KILL_SECONDS)):
            if _end(pid, how, patience):
                break
    for name in (STATE, "stack.lock"):
        if holder(home) is None:
            (home / name).unlink(missing_ok=True)
    for parent in _started:
        parent.poll()
    return pid is not None


def status(home: Path | None = None) -> StackStatus:
    """What runs in a home folder.

    Args:
        home: The folder. None: as in the settings.
    """
    home = home or get_settings().home
    pid = holder(home)
    if pid is None:
        return StackStatus("stopped", None, {})
    state = read_state(home)
    if state is None:
        return StackStatus("starting", pid, {})
    processes = {name: ProcessStatus(**fields) for name, fields in state["processes"].items()}
    return StackStatus("running", pid, processes)


def _already_running(home: Path, pid: int) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"the stack of {home} is already running (process {pid}): `medsynth down` stops it",
        reason="ALREADY_RUNNING",
    )


def _end(pid: int, how: signal.Signals, seconds: float) -> bool:
    """Sends a signal and waits for the process's end, so long at most."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        signal.pidfd_send_signal(descriptor, how)
        ended, _, _ = select.select([descriptor], [], [], seconds)
        return bool(ended)
    except ProcessLookupError:
        return True
    finally:
        os.close(descriptor)
