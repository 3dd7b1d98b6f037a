"""Workers and children as processes of their own, on a real Redis."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from medsynth.platform.jobs.announce import messages_waiting
from medsynth.platform.jobs.reconciler import Reconciler
from medsynth.platform.jobs.record import state_name
from medsynth.platform.jobs.store import JobStore
from medsynth.settings import Settings
from medsynth.storage import Storage
from tests.platform.jobs.conftest import Worker, history, wait_for_message, wait_for_state
from tests.platform.jobs.echo import KINDS, specification
from tests.redis_server import RedisServer
from tests.support import eventually

StartWorker = Callable[..., Worker]


def gone(pid: int) -> bool:
    """Whether a process runs no more (a zombie does not run)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_worker_runs_jobs_to_every_end(
    store: JobStore, start_worker: StartWorker, reconciler: Reconciler, settings: Settings
) -> None:
    done = store.create("echo", specification(steps=500, publish="made")).name
    refused = store.create("echo", specification(error="DataError")).name
    crashed = store.create("echo", specification(crash="exit")).name
    raised = store.create("echo", specification(crash="raise", crashes=9)).name
    away = store.create("echo", specification(error="UnavailableError")).name
    start_worker()

    record = wait_for_state(store, done, "SUCCEEDED")
    assert record.result == {"attempts": "1"}
    assert record.progress.done == record.progress.total == 500
    assert record.progress.metrics["loss"] == pytest.approx(1 / 500)
    progress = [event for event in store.watch(done) if event.HasField("progress")]
    assert 1 <= len(progress) < 100, "reports are not written one by one"
    assert progress[-1].progress.done == 500, "the last one always is"
    assert Storage(settings.storage).get("reports", "made").verify() == []

    error = wait_for_state(store, refused, "FAILED").error
    assert error is not None
    assert error.reason == "UNUSABLE_DATA"
    assert history(store, refused) == ["QUEUED", "RUNNING", "FAILED"]

    assert wait_for_state(store, crashed, "SUCCEEDED").result == {"attempts": "2"}
    assert history(store, crashed) == [*("QUEUED", "RUNNING", "RECOVERING", "RUNNING", "SUCCEEDED")]
    for name, words in ((raised, "RuntimeError: out of luck"), (away, "as the specification says")):
        record = wait_for_state(store, name, "FAILED")
        assert record.attempt == settings.max_attempts
        assert record.error is not None
        assert record.error.reason == "ATTEMPTS_EXHAUSTED"
        assert words in record.error.message


def test_the_child_is_killed_and_another_attempt_resumes(
    store: JobStore, start_worker: StartWorker, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    name = store.create("echo", specification(hold=str(gate), spawn=True)).name
    start_worker()
    spawned = wait_for_message(store, name, "spawned")
    child = wait_for_message(store, name, "begun")
    os.kill(child, signal.SIGKILL)
    again = wait_for_message(store, name, "begun", attempt=2)
    assert again != child
    assert gone(spawned), "what the child started ends with it"
    gate.touch()
    assert wait_for_state(store, name, "SUCCEEDED").result == {"attempts": "2"}


def test_the_worker_is_killed_and_another_worker_resumes(
    store: JobStore, start_worker: StartWorker, reconciler: Reconciler, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    name = store.create("echo", specification(hold=str(gate), stubborn=True)).name
    worker = start_worker()
    child = wait_for_message(store, name, "begun")
    worker.kill()
    eventually(lambda: gone(child))
    assert state_name(store.get(name).state) == "RUNNING", "the lease has not run out yet"
    start_worker()
    wait_for_message(store, name, "begun", attempt=2)
    gate.touch()
    wait_for_state(store, name, "SUCCEEDED")
    changes = [event.state_change for event in store.watch(name)]
    assert "lease ran out" in [change.reason for change in changes]


def test_a_worker_that_shuts_down_gives_its_job_back(
    store: JobStore, start_worker: StartWorker, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    name = store.create("echo", specification(hold=str(gate))).name
    later = store.create("echo", specification()).name
    worker = start_worker()
    child = wait_for_message(store, name, "begun")
    assert worker.terminate() == 0
    assert gone(child)
    assert state_name(store.get(name).state) == "QUEUED"
    assert history(store, later) == ["QUEUED"], "it claimed nothing any more"
    gate.touch()
    start_worker()
    record = wait_for_state(store, name, "SUCCEEDED")
    assert record.failures == 0
    assert record.result == {"attempts": "2"}


def test_a_running_job_is_cancelled(
    store: JobStore, start_worker: StartWorker, tmp_path: Path
) -> None:
    name = store.create("echo", specification(hold=str(tmp_path / "gate"))).name
    start_worker()
    child = wait_for_message(store, name, "begun")
    store.cancel(name)
    wait_for_state(store, name, "CANCELLED")
    assert gone(child)
    assert history(store, name) == ["QUEUED", "RUNNING", "CANCELLING", "CANCELLED"]


def test_a_child_that_does_not_stop_is_killed(
    store: JobStore, start_worker: StartWorker, settings: Settings, tmp_path: Path
) -> None:
    hasty = settings.model_copy(update={"yield_seconds": 0.5})
    name = store.create("echo", specification(hold=str(tmp_path / "gate"), stubborn=True)).name
    start_worker("light", hasty)
    child = wait_for_message(store, name, "begun")
    store.cancel(name)
    wait_for_state(store, name, "CANCELLED")
    assert gone(child)


def test_parents_wait_without_a_worker(
    store: JobStore, start_worker: StartWorker, reconciler: Reconciler
) -> None:
    """Two parents, each with children on both queues and a shared one, on a worker per queue."""
    children = [{"kind": "heavy"}, {"share_key": "same"}, {"kind": "echo"}]
    names = [store.create("echo", specification(wait_for=children)).name for _ in range(2)]
    start_worker("light")
    start_worker("gpu")
    records = [wait_for_state(store, name, "SUCCEEDED") for name in names]
    shared = set(records[0].children) & set(records[1].children)
    assert len(shared) == 1
    for record in records:
        assert set(record.result["children"].split(",")) == set(record.children)
        assert history(store, record.name) == [
            *("QUEUED", "RUNNING", "WAITING", "QUEUED", "RUNNING", "SUCCEEDED")
        ]


def test_a_child_that_fails_fails_its_parent(store: JobStore, start_worker: StartWorker) -> None:
    name = store.create("echo", specification(wait_for=[{"error": "DataError"}])).name
    start_worker()
    error = wait_for_state(store, name, "FAILED").error
    assert error is not None
    assert error.reason == "UNUSABLE_DATA"


def test_lost_and_doubled_messages_do_no_harm(
    store: JobStore, start_worker: StartWorker, reconciler: Reconciler
) -> None:
    lost = store.create("echo", specification(say="lost")).name
    store.redis.delete("medsynth:celery:light")
    doubled = store.create("echo", specification(say="doubled")).name
    for _ in range(3):
        store.announce("light", doubled)
        store.announce("light", "echoJobs/gone")
    start_worker()
    for name in (lost, doubled):
        assert wait_for_state(store, name, "SUCCEEDED").result == {"attempts": "1"}
        assert history(store, name) == ["QUEUED", "RUNNING", "SUCCEEDED"]


def test_reconcilers_do_not_flood_a_queue_that_nobody_serves(
    store: JobStore, settings: Settings
) -> None:
    soon = settings.model_copy(update={"announce_seconds": 0.01})
    store = JobStore(soon.redis_url, soon, kinds=KINDS)
    for number in range(120):
        store.create("echo", specification(say=str(number)))
    store.redis.delete("medsynth:celery:light")
    reconciler = Reconciler(store)
    for _ in range(5):
        reconciler.reconcile()
    assert messages_waiting(store.redis, "light") == 100


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_redis_goes_and_comes_back(tmp_path: Path, settings: Settings, how: signal.Signals) -> None:
    (tmp_path / "append-only").mkdir()
    server = RedisServer(tmp_path / "append-only", append_only=True)
    server.start()
    settings = settings.model_copy(update={"redis_url": server.url, "lease_seconds": 20})
    store = JobStore(server.url, settings, kinds=KINDS)
    gate = tmp_path / "gate"
    name = store.create("echo", specification(hold=str(gate))).name
    worker = Worker("light", settings)
    reconciler = Reconciler(store)
    reconciler.start()
    try:
        wait_for_message(store, name, "begun")
        # The append-only file is synchronised every second.
        store.redis.bgrewriteaof()
        eventually(lambda: store.redis.info("persistence")["aof_rewrite_in_progress"] == 0)
        server.stop(how)
        server.start()
        after = store.create("echo", specification()).name
        gate.touch()
        for waited in (name, after):
            assert wait_for_state(store, waited, "SUCCEEDED").attempt == 1
            history(store, waited)
    finally:
        reconciler.stop()
        worker.kill()
        server.stop()
        print(worker.log())
