"""The stack that is broken: every process of the one-machine stack, and two workers per queue."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from medsynth.local import stack
from medsynth.local.addresses import read_state
from medsynth.local.plan import Plan, Process
from medsynth.local.processes import make_plan
from medsynth.platform.jobs.connection import connect
from medsynth.platform.jobs.kinds import KINDS as OWN_KINDS
from medsynth.platform.jobs.store import JobStore
from medsynth.settings import Settings
from medsynth.storage import Storage
from tests.platform.jobs.echo import KINDS as ECHO_KINDS
from tests.redis_server import free_port

ROOT: Final = Path(__file__).parents[2]
KINDS: Final = {**OWN_KINDS, **ECHO_KINDS}
"""What the workers run: medsynth's jobs, and those of the tests."""

_SETTINGS: Final = {
    # Short, so that much happens in little time.
    "lease_seconds": 8.0,
    "announce_seconds": 2.0,
    "reconcile_seconds": 0.5,
    "retry_seconds": 0.5,
    "hang_seconds": 20.0,
    "yield_seconds": 20.0,
    # Faults come far more often than progress.
    "max_attempts": 1000,
    "weights_download": False,
    "device": "cpu",
}


class Arena:
    """A stack in a home of its own.

    Args:
        home: Its folder, empty.
        triton: Whether there is a Triton; without one nothing is drawn.
    """

    def __init__(self, home: Path, *, triton: bool) -> None:
        self.home = home
        away = {} if triton else {"triton_url": f"127.0.0.1:{free_port()}"}
        self._asked = _apart()(home=home, **_SETTINGS, **away)  # type: ignore[arg-type]
        self._stack: stack.Stack | None = None
        self.settings = self._asked
        self.storage = Storage(self._asked.storage)

    def start(self) -> None:
        """Returns once everything is ready."""
        with_ports = make_plan(self._asked)
        plan = replace(with_ports, processes=tuple(self._processes(with_ports)))
        self._stack = stack.start(plan=plan, detach=False)
        given = {key: getattr(self._asked, key) for key in self._asked.model_fields_set}
        self.settings = Settings(**{**with_ports.settings, **given})

    def stop(self) -> None:
        """Stops everything."""
        if self._stack is not None:
            self._stack.stop()
            self._stack = None

    def store(self) -> JobStore:
        """The jobs, as a client of Redis that tries for long sees them."""
        client = connect(self.settings.redis_url, retries=40)
        return JobStore(client, self.settings, kinds=KINDS)

    def pid(self, process: str) -> int | None:
        """Id of a process of the stack; None if there is none, or none now."""
        state = read_state(self.home)
        pid = state["processes"].get(process, {}).get("pid") if state else None
        # What is written down may have ended, and its number may be another's by now.
        return pid if state and pid is not None and _parent(pid) == state["pid"] else None

    def workers(self) -> list[str]:
        """Names of the workers."""
        state = read_state(self.home)
        names = state["processes"] if state else ()
        return sorted(name for name in names if name.startswith("worker-"))

    def children(self) -> list[int]:
        """Ids of the processes that run attempts."""
        return sorted(pid for pid, command in self.commands() if _is_child(command))

    def commands(self) -> Iterator[tuple[int, list[str]]]:
        """Id and command of each process of the stack, children and their processes included."""
        for folder in Path("/proc").glob("[0-9]*"):
            if self._is_own(folder):
                with suppress(FileNotFoundError, ProcessLookupError):
                    yield int(folder.name), (folder / "cmdline").read_text().split("\0")

    def signal(self, process: str, how: signal.Signals) -> bool:
        """Sends a signal to a process of the stack. Returns whether it is there."""
        pid = self.pid(process)
        return pid is not None and send(pid, how)

    def _is_own(self, folder: Path) -> bool:
        """Whether the process of a folder of /proc got the stack's environment."""
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return False
        return f"MEDSYNTH_HOME={self.home}".encode() in environment

    def _processes(self, plan: Plan) -> Iterator[Process]:
        temporary = self.home / "tmp"
        temporary.mkdir()
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
        for process in plan.processes:
            if process.name == "triton":
                own = f"--metrics-port={free_port()}"
                told = (own if "--metrics-port" in word else word for word in process.arguments)
                process = replace(process, arguments=tuple(told))
            environment = {**process.environment, "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"}
            if not process.name.startswith("worker-"):
                yield replace(process, environment=environment)
                continue
            arguments = (*process.arguments, "--kinds", "tests.chaos.arena:KINDS")
            for number in (1, 2):
                address = f"127.0.0.1:{free_port()}"
                yield replace(
                    process,
                    name=f"{process.name}-{number}",
                    arguments=arguments,
                    ready=f"tcp://{address}",
                    environment={
                        **environment,
                        "PYTHONPATH": path,
                        "MEDSYNTH_METRICS_ADDRESS": address,
                    },
                )


def _parent(pid: int) -> int | None:
    """Id of a process's parent; None if there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(stat.rpartition(")")[2].split()[1])


def _apart() -> type[Settings]:
    """Settings whose default addresses are not those of any other stack on this machine.

    What is killed leaves its port for a moment, which another stack that starts then would take.
    """

    class Apart(Settings):
        trainer_address: str = f"127.0.0.1:{free_port()}"
        sampler_address: str = f"127.0.0.1:{free_port()}"
        evaluator_address: str = f"127.0.0.1:{free_port()}"
        redis_url: str = f"redis://127.0.0.1:{free_port()}/0"
        triton_url: str = f"127.0.0.1:{free_port()}"

    return Apart


def _is_child(command: list[str]) -> bool:
    collections = {kind.collection for kind in KINDS.values()}
    return any(word.partition("/")[0] in collections and "/" in word for word in command)


def send(pid: int, how: signal.Signals) -> bool:
    """Sends a signal. Returns whether there is such a process."""
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return False
    return True
