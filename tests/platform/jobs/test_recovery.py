"""What breaks around a job, in real processes: nothing is lost, and nothing is left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from medsynth.platform.jobs.announce import messages_waiting
from medsynth.platform.jobs.reconciler import Reconciler
from medsynth.platform.jobs.record import state_name
from medsynth.platform.jobs.store import JobStore
from medsynth.settings import Settings
from medsynth.storage import Storage
from tests.platform.jobs.conftest import (
    Worker,
    gone,
    history,
    processes_of,
    wait_for_message,
    wait_for_state,
)
from tests.platform.jobs.echo import KINDS, specification
from tests.redis_server import RedisServer, free_port
from tests.support import eventually, metric

StartWorker = Callable[..., Worker]


def published(store: JobStore, artifact_id: str) -> int:
    """The attempt that published a report, whose files are what their digests say."""
    artifact = Storage(store.settings.storage).get("reports", artifact_id)
    assert artifact.verify() == []
    return int(artifact.manifest.attempt.partition("-")[0].removeprefix("a"))


def test_the_worker_is_killed_and_another_worker_resumes(
    store: JobStore, start_worker: StartWorker, reconciler: Reconciler, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    asked = specification(hold=str(gate), stubborn=True, spawn=True, publish="made")
    name = store.create("echo", asked).name
    worker = start_worker()
    grandchild = wait_for_message(store, name, "spawned")
    child = wait_for_message(store, name, "begun")
    worker.kill()
    eventually(lambda: gone(child))
    eventually(lambda: gone(grandchild))
    eventually(lambda: processes_of(name, child) == [])
    assert state_name(store.get(name).state) == "RUNNING", "the lease has not run out yet"
    start_worker()
    wait_for_message(store, name, "begun", attempt=2)
    gate.touch()
    wait_for_state(store, name, "SUCCEEDED")
    assert processes_of(name) == []
    assert published(store, "made") == 2
    changes = [event.state_change for event in store.watch(name)]
    assert "lease ran out" in [change.reason for change in changes]


def test_a_worker_shows_what_became_of_its_attempts(
    store: JobStore, start_worker: StartWorker, settings: Settings
) -> None:
    address = f"127.0.0.1:{free_port()}"
    names = [
        store.create("echo", specification(**asked)).name
        for asked in ({"steps": 3}, {"crash": "kill", "crashes": 1})
    ]
    start_worker("light", settings.model_copy(update={"metrics_address": address}))
    for name in names:
        wait_for_state(store, name, "SUCCEEDED")
    attempts = "medsynth_job_attempts_total"
    eventually(lambda: metric(address, attempts, 'state="SUCCEEDED"') == 2)
    assert metric(address, attempts, 'state="RECOVERING"') == 1
    assert metric(address, "medsynth_job_recoveries_total") == 1
    assert metric(address, "medsynth_job_wait_seconds_count") == 3
    assert metric(address, "medsynth_jobs_running") == 0


def test_a_child_that_was_stopped_before_it_began_ends_with_its_worker(
    store: JobStore, start_worker: StartWorker
) -> None:
    worker = start_worker()
    for _ in range(3):
        name = store.create("echo", specification()).name
        eventually(lambda name=name: processes_of(name), interval=0.001)  # type: ignore[misc]
        for pid in processes_of(name):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        if processes_of(name):
            break
    assert history(store, name) == ["QUEUED", "RUNNING"]
    worker.kill()
    eventually(lambda: processes_of(name) == [])


def test_a_child_that_hangs_is_killed_and_one_that_computes_is_not(
    store: JobStore,
    start_worker: StartWorker,
    reconciler: Reconciler,
    settings: Settings,
    tmp_path: Path,
) -> None:
    gate = tmp_path / "gate"
    hanging = store.create("echo", specification(hang=True)).name
    busy = store.create("heavy", specification(hold=str(gate), busy=True)).name
    for queue in ("light", "gpu"):
        start_worker(queue, settings.model_copy(update={"hang_seconds": 6}))
    record = wait_for_state(store, hanging, "SUCCEEDED")
    assert record.result == {"attempts": "2"}
    reasons = [event.state_change.reason for event in store.watch(hanging)]
    assert "the child hung: no sign of life for 6 s" in reasons
    gate.touch()
    assert wait_for_state(store, busy, "SUCCEEDED").attempt == 1


def test_two_workers_that_hear_of_a_job_run_it_once(
    store: JobStore, start_worker: StartWorker, tmp_path: Path
) -> None:
    names = [store.create("echo", specification(say=str(number))).name for number in range(6)]
    for _ in range(3):
        for name in names:
            store.announce("light", name)
    for _ in range(2):
        start_worker()
    for name in names:
        assert wait_for_state(store, name, "SUCCEEDED").result == {"attempts": "1"}
    eventually(lambda: messages_waiting(store.redis, "light") == 0)
    for name in names:
        assert history(store, name) == ["QUEUED", "RUNNING", "SUCCEEDED"]


def test_what_waits_or_recovers_is_cancelled_with_workers_around(
    store: JobStore, start_worker: StartWorker, settings: Settings, tmp_path: Path
) -> None:
    slow = settings.model_copy(update={"retry_seconds": 60})
    child = {"kind": "heavy", "hold": str(tmp_path / "gate")}
    start_worker("light", slow)
    start_worker("gpu", slow)
    parent = store.create("echo", specification(wait_for=[child])).name
    child_name = wait_for_state(store, parent, "WAITING").children[0]
    wait_for_message(store, child_name, "begun")
    store.cancel(parent)
    assert history(store, parent)[-2:] == ["WAITING", "CANCELLED"]
    wait_for_state(store, child_name, "CANCELLED")
    breaking = store.create("echo", specification(crash="kill", crashes=2)).name
    eventually(lambda: store.get(breaking).failures == 2)
    store.cancel(breaking)
    assert history(store, breaking) == [
        *("QUEUED", "RUNNING", "RECOVERING", "RUNNING", "RECOVERING", "CANCELLED")
    ]
    for name in (parent, child_name, breaking):
        assert processes_of(name) == []


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
        last = store.create("echo", specification()).name
        server.stop(how)
        server.start()
        after = store.create("echo", specification()).name
        gate.touch()
        for waited in (name, last, after):
            assert wait_for_state(store, waited, "SUCCEEDED").attempt == 1
            history(store, waited)
    finally:
        reconciler.stop()
        worker.kill()
        server.stop()
        print(worker.log())


@pytest.mark.parametrize(
    ("commands", "undo"),
    [
        (
            ["CONFIG SET maxmemory-policy noeviction", "CONFIG SET maxmemory 1"],
            "CONFIG SET maxmemory 0",
        ),
        (["REPLICAOF 127.0.0.1 1"], "REPLICAOF NO ONE"),
        (["CONFIG SET min-replicas-to-write 1"], "CONFIG SET min-replicas-to-write 0"),
    ],
    ids=["full", "read-only", "without replicas"],
)
def test_workers_wait_for_a_redis_that_takes_nothing(
    store: JobStore,
    start_worker: StartWorker,
    reconciler: Reconciler,
    commands: list[str],
    undo: str,
) -> None:
    there = start_worker()
    eventually(lambda: "is ready" in there.log())
    there.process.send_signal(signal.SIGSTOP)
    name = store.create("echo", specification()).name
    for command in commands:
        store.redis.execute_command(command)
    try:
        there.process.send_signal(signal.SIGCONT)
        comes = start_worker()
        eventually(lambda: "tried again" in there.log())
        eventually(lambda: "is ready" in comes.log())
    finally:
        store.redis.execute_command(undo)
    wait_for_state(store, name, "SUCCEEDED")
    assert [worker.process.poll() for worker in (there, comes)] == [None, None]
    assert history(store, name) == ["QUEUED", "RUNNING", "SUCCEEDED"]


def test_a_worker_that_was_frozen_fences_itself_off(
    store: JobStore, start_worker: StartWorker, reconciler: Reconciler, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    name = store.create("echo", specification(hold=str(gate), stubborn=True, publish="made")).name
    frozen = start_worker()
    child = wait_for_message(store, name, "begun")
    frozen.process.send_signal(signal.SIGSTOP)
    wait_for_state(store, name, "RECOVERING")
    start_worker()
    successor = wait_for_message(store, name, "begun", attempt=2)
    frozen.process.send_signal(signal.SIGCONT)
    eventually(lambda: gone(child))
    assert not gone(successor)
    gate.touch()
    assert wait_for_state(store, name, "SUCCEEDED").attempt == 2
    assert published(store, "made") == 2
