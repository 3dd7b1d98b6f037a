"""The parent of all processes of the one-machine stack.

    python -m medsynth.local.parent --report DESCRIPTOR [--tied] < plan.json

Starts them together, tells when all are ready, starts again what dies, and stops everything on
SIGTERM. It has one thread and imports little: it starts processes by fork, and a process started
here gets SIGKILL when this one ends in whatever way.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from medsynth.local.lock import Lock
from medsynth.local.plan import Plan, Process, remove

STATE: Final = "stack.json"
"""File in the home folder that says where a running stack is; there once everything is ready."""

_SIGNALS: Final = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
_DIE_WITH_PARENT: Final = 1  # PR_SET_PDEATHSIG
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 30.0
_STEADY_SECONDS: Final = 60.0
_LOG_BYTES: Final = 10 * 2**20
_TAIL_LINES: Final = 20
_PROBE: Final = (sys.executable, "-P", "-m", "medsynth.local.probe")

_libc = ctypes.CDLL(None, use_errno=True)
_log = logging.getLogger("stack")


class StartError(Exception):
    """The stack did not start; the message names the process and shows the end of its log."""


class Stopped(Exception):  # noqa: N818
    """SIGTERM or SIGINT came."""


@dataclass
class _Running:
    """A process of the plan over its restarts."""

    process: Process
    handle: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    restarts: int = 0
    pause: float = _FIRST_PAUSE
    due: float = 0.0


def logs(home: Path) -> Path:
    """Folder of the logs of a stack."""
    return home / "logs"


class Parent:
    """Runs a plan.

    Args:
        plan: What to run.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._home = Path(plan.home)
        self._running = [_Running(process) for process in plan.processes]

    def run(self, report: IO[str]) -> None:
        """Runs until SIGTERM or SIGINT.

        Args:
            report: Gets one line of JSON once everything is ready, and is closed.

        Raises:
            StartError: A process ended, or was not ready in time; everything is stopped.
        """
        try:
            for running in self._running:
                self._start(running)
            self._wait_until_ready()
            self._write_state()
            _log.info("everything is ready")
            _tell(report, {"ready": True})
            self._keep_running()
        except Stopped:
            _log.info("stops")
        finally:
            self._stop()
            (self._home / STATE).unlink(missing_ok=True)

    def _wait_until_ready(self) -> None:
        probes = {p.name: p.ready for p in self._plan.processes if p.ready}
        probe = self._spawn(
            (*_PROBE, *(f"{name}={url}" for name, url in probes.items())),
            {},
            "probe",
            subprocess.PIPE,
        )
        assert probe.stdout is not None
        os.set_blocking(probe.stdout.fileno(), False)
        said = b""
        deadline = time.monotonic() + self._plan.start_seconds
        try:
            while probe.poll() is None:
                _next_signal(deadline - time.monotonic())
                said += probe.stdout.read() or b""
                for running in self._running:
                    if (status := _reap(running)) is not None:
                        raise StartError(self._failure(running.process.name, _ended(status)))
                if time.monotonic() >= deadline:
                    waiting = set(probes) - set(said.decode().split())
                    name = next(name for name in probes if name in waiting)
                    seconds = self._plan.start_seconds
                    raise StartError(self._failure(name, f"was not ready within {seconds:g} s"))
            if probe.returncode != 0:
                raise StartError(self._failure("probe", _ended(probe.returncode)))
        finally:
            probe.kill()
            probe.wait()
            probe.stdout.close()

    def _keep_running(self) -> None:
        while True:
            due = [running.due for running in self._running if running.handle is None]
            _next_signal(min(due) - time.monotonic() if due else None)
            for running in self._running:
                status = _reap(running)
                now = time.monotonic()
                if status is not None:
                    if now - running.began > _STEADY_SECONDS:
                        running.pause = _FIRST_PAUSE
                    running.due = now + running.pause
                    _log.warning(
                        "%s %s; it starts again in %.2g s",
                        *(running.process.name, _ended(status), running.pause),
                    )
                    running.pause = min(2 * running.pause, _LONGEST_PAUSE)
                elif running.handle is None and running.due <= now:
                    running.restarts += 1
                    self._start(running)
                    self._write_state()

    def _start(self, running: _Running) -> None:
        process = running.process
        remove(process.leftovers)
        running.handle = self._spawn(process.arguments, process.environment, process.name)
        running.began = time.monotonic()
        _log.info("%s is process %d", process.name, running.handle.pid)

    def _spawn(
        self,
        arguments: tuple[str, ...],
        environment: Mapping[str, str],
        name: str,
        output: int | None = None,
    ) -> subprocess.Popen[bytes]:
        parent = os.getpid()

        def prepare() -> None:
            _libc.prctl(_DIE_WITH_PARENT, int(signal.SIGKILL))
            if os.getppid() != parent:
                os._exit(1)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

        with self._log_file(name).open("ab") as log:
            return subprocess.Popen(
                arguments,
                env={**os.environ, **environment},
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=log if output is None else output,
                stderr=log,
                start_new_session=True,
                preexec_fn=prepare,
            )

    def _log_file(self, name: str) -> Path:
        path = logs(self._home) / f"{name}.log"
        if path.is_file() and path.stat().st_size > _LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path

    def _failure(self, name: str, what: str) -> str:
        path = logs(self._home) / f"{name}.log"
        lines = path.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n".join([f"{name} {what}; its log, {path}, ends with:", *lines])

    def _stop(self) -> None:
        for stage in sorted({running.process.stage for running in self._running}):
            group = [
                running
                for running in self._running
                if running.process.stage == stage and running.handle is not None
            ]
            for running in group:
                assert running.handle is not None
                # Not `terminate`, which takes the status of one that has ended before `_reap` does.
                os.kill(running.handle.pid, signal.SIGTERM)
            for running in group:
                self._await_end(running)
            for running in group:
                remove(running.process.leftovers)

    def _await_end(self, running: _Running) -> None:
        deadline = time.monotonic() + running.process.stop_seconds
        while _reap(running) is None:
            left = deadline - time.monotonic()
            if left <= 0:
                assert running.handle is not None
                _log.warning("%s does not stop and is killed", running.process.name)
                os.killpg(running.handle.pid, signal.SIGKILL)
                running.handle.wait()
                return
            # A second request to stop changes nothing.
            signal.sigtimedwait(_SIGNALS, left)

    def _write_state(self) -> None:
        state = {
            "pid": os.getpid(),
            "settings": self._plan.settings,
            "processes": {
                running.process.name: {
                    "pid": running.handle.pid if running.handle else None,
                    "restarts": running.restarts,
                    "ready": running.process.ready,
                    "metrics": running.process.metrics,
                }
                for running in self._running
            },
            "stop_seconds": sum(
                max(p.stop_seconds for p in self._plan.processes if p.stage == stage)
                for stage in {p.stage for p in self._plan.processes}
            ),
        }
        path = self._home / STATE
        beside = path.with_suffix(".tmp")
        beside.write_text(json.dumps(state, indent=2) + "\n")
        beside.replace(path)


def _next_signal(seconds: float | None) -> None:
    """Waits for a child's end or the time; raises `Stopped` when asked to stop."""
    if seconds is None:
        number = signal.sigwaitinfo(_SIGNALS).si_signo
    else:
        found = signal.sigtimedwait(_SIGNALS, max(0.0, seconds))
        number = found.si_signo if found else signal.SIGCHLD
    if number != signal.SIGCHLD:
        raise Stopped


def _reap(running: _Running) -> int | None:
    """The status of a process that has ended; what it left running in its session is killed."""
    handle = running.handle
    if handle is None or not os.waitid(os.P_PID, handle.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        return None
    # Not yet waited for: nothing else can have its number.
    os.killpg(handle.pid, signal.SIGKILL)
    running.handle = None
    return handle.wait()


def _ended(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def _tell(report: IO[str], message: dict[str, object]) -> None:
    # Whoever asked for the stack may have gone.
    try:
        report.write(json.dumps(message) + "\n")
        report.close()
    except BrokenPipeError:
        _log.info("nobody waits for the report")


def main(arguments: Iterable[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Runs the processes of the one-machine stack.")
    parser.add_argument("--report", type=int, required=True, help="descriptor to report to")
    parser.add_argument("--tied", type=int, default=0, metavar="PID", help="end when it ends")
    options = parser.parse_args(None if arguments is None else list(arguments))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    report = os.fdopen(options.report, "w")
    plan = Plan.from_json(sys.stdin.read())
    if options.tied:
        _libc.prctl(_DIE_WITH_PARENT, int(signal.SIGTERM))
        if os.getppid() != options.tied:
            return 1
    lock = Lock.acquire(Path(plan.home))
    if lock is None:
        _tell(report, {"error": f"the stack of {plan.home} is already running"})
        return 1
    with lock:
        try:
            Parent(plan).run(report)
        except (StartError, OSError) as error:
            _log.error("%s", error)
            _tell(report, {"error": str(error)})
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
