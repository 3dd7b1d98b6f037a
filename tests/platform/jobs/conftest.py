"""A store, workers and histories for the tests of jobs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from medsynth.platform.jobs.reconciler import Reconciler
from medsynth.platform.jobs.record import Claim, JobRecord, state_name
from medsynth.platform.jobs.store import JobStore
from medsynth.settings import Settings
from tests.platform.jobs.echo import KINDS
from tests.platform.jobs.model import check_history
from tests.redis_server import RedisServer
from tests.support import eventually

ROOT = Path(__file__).parents[3]


def make_settings(server: RedisServer, home: Path) -> Settings:
    return Settings(
        home=home,
        redis_url=server.url,
        lease_seconds=6,
        reconcile_seconds=0.2,
        announce_seconds=1,
        max_attempts=3,
        retry_seconds=0.2,
        yield_seconds=20,
    )


@pytest.fixture
def settings(redis_server: RedisServer, tmp_path: Path) -> Settings:
    return make_settings(redis_server, tmp_path)


@pytest.fixture
def announced() -> list[str]:
    """What the silent store announced."""
    return []


@pytest.fixture
def silent(settings: Settings, announced: list[str]) -> JobStore:
    """A store with the kinds of tests that no worker hears of."""
    return JobStore(
        settings.redis_url,
        settings,
        kinds=KINDS,
        announce=lambda queue, name: announced.append(f"{queue} {name}"),
    )


@pytest.fixture
def store(settings: Settings) -> Iterator[JobStore]:
    """A store with the kinds of tests. At last, every history is checked against the model."""
    store = JobStore(settings.redis_url, settings, kinds=KINDS)
    yield store
    for kind in KINDS:
        for record in store.list(kind, 1000).jobs:
            history(store, record.name)


@pytest.fixture
def reconciler(store: JobStore) -> Iterator[Reconciler]:
    """Runs as in a service."""
    reconciler = Reconciler(store)
    reconciler.start()
    yield reconciler
    reconciler.stop()


class Worker:
    """A worker process of its own."""

    def __init__(self, queue: str, settings: Settings) -> None:
        self._log = settings.home / f"worker-{queue}-{os.urandom(4).hex()}.log"
        others = ("max_attempts", "metrics_address")
        names = [
            name
            for name in settings.model_fields_set
            if name.endswith("_seconds") or name in others
        ]
        environment = {
            **os.environ,
            "MEDSYNTH_HOME": str(settings.home),
            "MEDSYNTH_REDIS_URL": settings.redis_url,
            **{f"MEDSYNTH_{name.upper()}": str(getattr(settings, name)) for name in names},
        }
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "medsynth.platform.jobs.worker", "--queue", queue),
                    *("--kinds", "tests.platform.jobs.echo:KINDS"),
                ],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def log(self) -> str:
        return self._log.read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        """Asks it to stop and returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


@pytest.fixture
def start_worker(settings: Settings) -> Iterator[Callable[..., Worker]]:
    workers = []

    def start(queue: str = "light", other: Settings | None = None) -> Worker:
        worker = Worker(queue, other or settings)
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.kill()
        print(worker.log())


def gone(pid: int) -> bool:
    """Whether a process runs no more (a zombie does not run)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def processes_of(job: str, child: int = -1) -> list[int]:
    """Ids of the processes of a job's attempts that run: its children, and a child's group."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            pid, command = int(folder.name), (folder / "cmdline").read_bytes().split(b"\0")
            if (job.encode() in command or os.getpgid(pid) == child) and not gone(pid):
                found.append(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def history(store: JobStore, name: str) -> list[str]:
    """The states that a job went through so far, checked against the model."""
    if store.get(name).ended:
        return check_history(list(store.watch(name)))
    once = iter([True])
    return check_history(list(store.watch(name, keep_going=lambda: next(once, False))))


def wait_for_state(store: JobStore, name: str, state: str, timeout: float = 60.0) -> JobRecord:
    """The record once the job is in a state; fails at once if it ended otherwise."""

    def reached() -> JobRecord | None:
        record = store.get(name)
        if state_name(record.state) == state:
            return record
        assert not record.ended, f"{name} ended {state_name(record.state)}: {record.error}"
        return None

    record = eventually(reached, timeout)
    assert record is not None
    return record


def wait_for_message(store: JobStore, name: str, word: str, attempt: int = 1) -> int:
    """The number behind a word in a message of an attempt: a process id."""
    for event in store.watch(name):
        if event.attempt >= attempt and event.message.startswith(word):
            return int(event.message.split()[1])
    raise AssertionError(f"{name} ended without saying {word!r}")


def claim(store: JobStore, name: str) -> Claim:
    claimed = store.claim(name, "a test")
    assert claimed is not None
    return claimed


def state(store: JobStore, name: str) -> str:
    return state_name(store.get(name).state)
