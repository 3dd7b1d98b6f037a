"""What the machine refuses to a job: full disks, read-only storage, memory."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from medsynth.platform.jobs.reconciler import Reconciler
from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.jobs.store import JobStore
from tests.platform.jobs.conftest import Worker, wait_for_state
from tests.platform.jobs.echo import specification

StartWorker = Callable[..., Worker]


def failed(store: JobStore, **fields: object) -> JobRecord:
    record = wait_for_state(store, store.create("echo", specification(**fields)).name, "FAILED")
    assert record.error is not None
    return record


def test_what_the_machine_refuses_is_said_and_tried_again_where_that_helps(
    store: JobStore,
    start_worker: StartWorker,
    reconciler: Reconciler,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MEDSYNTH_FULL_DISK_SECONDS", "0.1")
    start_worker()
    lost = failed(store, errno=errno.ENOSPC, forgets=True)
    assert lost.error is not None
    assert (lost.error.code, lost.error.reason) == ("RESOURCE_EXHAUSTED", "DISK_FULL")
    assert "/storage/x" in lost.error.message
    assert (lost.attempt, lost.failures) == (1, 0)

    name = store.create("echo", specification(errno=errno.ENOSPC, errors=2)).name
    resumed = wait_for_state(store, name, "SUCCEEDED")
    assert (resumed.attempt, resumed.failures) == (3, 2)
    rests = [event.message for event in store.watch(name) if "no space is left" in event.message]
    assert len(rests) == 2
    assert all("Tried again in 0.1 s, from the last checkpoint" in text for text in rests)

    refused = failed(store, errno=errno.EROFS, forgets=True)
    assert refused.error is not None
    assert refused.error.reason == "ATTEMPTS_EXHAUSTED"
    assert "/storage/x cannot be written" in refused.error.message
    assert refused.attempt == store.settings.max_attempts

    starved = failed(store, errno=errno.ENOMEM)
    assert starved.error is not None
    assert (starved.error.code, starved.error.reason) == ("RESOURCE_EXHAUSTED", "OUT_OF_MEMORY")
    assert starved.attempt == 1


def test_a_job_that_rests_can_be_cancelled(
    store: JobStore, start_worker: StartWorker, reconciler: Reconciler
) -> None:
    start_worker()
    name = store.create("echo", specification(errno=errno.EDQUOT)).name
    for event in store.watch(name):
        if "no space is left" in event.message:
            break
    store.cancel(name)
    assert wait_for_state(store, name, "CANCELLED").attempt == 1
