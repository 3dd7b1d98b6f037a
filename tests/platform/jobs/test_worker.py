"""Workers and children as processes of their own, on a real Redis."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from medsynth.platform.jobs.kinds import QUEUES
from medsynth.platform.jobs.reconciler import Reconciler
from medsynth.platform.jobs.store import JobStore
from medsynth.settings import Settings
from medsynth.storage import Storage
from tests.platform.jobs.conftest import (
    Worker,
    gone,
    history,
    make_settings,
    wait_for_message,
    wait_for_state,
)
from tests.platform.jobs.echo import specification
from tests.redis_server import RedisServer

# The workers are shared.


@pytest.fixture(scope="module")
def shared_settings(
    redis_process: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    return make_settings(redis_process, tmp_path_factory.mktemp("home"))


@pytest.fixture
def settings(shared_settings: Settings, redis_server: RedisServer) -> Settings:
    """Those of the workers, with a Redis that was emptied."""
    return shared_settings


@pytest.fixture(scope="module", autouse=True)
def workers(shared_settings: Settings) -> Iterator[None]:
    """One for each queue, for all tests here."""
    workers = [Worker(queue, shared_settings) for queue in QUEUES]
    yield
    for worker in workers:
        worker.kill()
        print(worker.log())


def test_a_worker_runs_jobs_to_every_end(
    store: JobStore, reconciler: Reconciler, settings: Settings
) -> None:
    done = store.create("echo", specification(steps=500, publish="made")).name
    refused = store.create("echo", specification(error="DataError")).name
    crashed = store.create("echo", specification(crash="exit")).name
    raised = store.create("echo", specification(crash="raise", crashes=9)).name
    away = store.create("echo", specification(error="UnavailableError", errors=1)).name

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

    for name in (crashed, away):
        assert wait_for_state(store, name, "SUCCEEDED").result == {"attempts": "2"}
        assert history(store, name) == [
            *("QUEUED", "RUNNING", "RECOVERING", "RUNNING", "SUCCEEDED")
        ]
    record = wait_for_state(store, raised, "FAILED")
    assert record.attempt == settings.max_attempts
    assert record.error is not None
    assert record.error.reason == "ATTEMPTS_EXHAUSTED"
    assert "RuntimeError: out of luck" in record.error.message


def test_a_running_job_is_cancelled(store: JobStore, tmp_path: Path) -> None:
    name = store.create("echo", specification(hold=str(tmp_path / "gate"))).name
    child = wait_for_message(store, name, "begun")
    store.cancel(name)
    wait_for_state(store, name, "CANCELLED")
    assert gone(child)
    assert history(store, name) == ["QUEUED", "RUNNING", "CANCELLING", "CANCELLED"]


def test_parents_wait_without_a_worker(store: JobStore, reconciler: Reconciler) -> None:
    """Two parents, each with children on both queues and a shared one, on a worker per queue."""
    children = [{"kind": "heavy"}, {"share_key": "same"}, {"kind": "echo"}]
    names = [store.create("echo", specification(wait_for=children)).name for _ in range(2)]
    records = [wait_for_state(store, name, "SUCCEEDED") for name in names]
    shared = set(records[0].children) & set(records[1].children)
    assert len(shared) == 1
    for record in records:
        assert set(record.result["children"].split(",")) == set(record.children)
        assert history(store, record.name) == [
            *("QUEUED", "RUNNING", "WAITING", "QUEUED", "RUNNING", "SUCCEEDED")
        ]


def test_a_child_that_fails_fails_its_parent(store: JobStore) -> None:
    name = store.create("echo", specification(wait_for=[{"error": "DataError"}])).name
    error = wait_for_state(store, name, "FAILED").error
    assert error is not None
    assert error.reason == "UNUSABLE_DATA"


def test_the_child_is_killed_and_another_attempt_resumes(store: JobStore, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    name = store.create("echo", specification(hold=str(gate), spawn=True)).name
    spawned = wait_for_message(store, name, "spawned")
    child = wait_for_message(store, name, "begun")
    os.kill(child, signal.SIGKILL)
    again = wait_for_message(store, name, "begun", attempt=2)
    assert again != child
    assert gone(spawned), "what the child started ends with it"
    gate.touch()
    assert wait_for_state(store, name, "SUCCEEDED").result == {"attempts": "2"}
