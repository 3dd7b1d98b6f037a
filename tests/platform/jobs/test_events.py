"""Watching a job."""

from __future__ import annotations

import threading

import pytest

from medsynth.errors import InvalidArgumentError, NotFoundError
from medsynth.platform.jobs.store import JobStore
from medsynth.v1 import jobs_pb2
from tests.platform.jobs.conftest import claim
from tests.platform.jobs.echo import specification


@pytest.fixture
def store(silent: JobStore) -> JobStore:
    return silent


@pytest.fixture
def events(store: JobStore) -> list[jobs_pb2.JobEvent]:
    """Those of a job that has ended, with one of each sort."""
    name = store.create("echo", specification()).name
    held = claim(store, name)
    store.progress(held, jobs_pb2.Progress(done=1, metrics={"loss": float("nan")}))
    store.message(held, "süß")
    store.lost(held, "why not")
    store.succeed(claim(store, name), {})
    return list(store.watch(name))


def test_every_event_is_read_back(events: list[jobs_pb2.JobEvent]) -> None:
    kinds = [event.WhichOneof("event") for event in events]
    change = "state_change"
    assert kinds == [change, change, "progress", "message", change, change, change]
    assert [event.attempt for event in events] == [0, 1, 1, 1, 1, 2, 2]
    assert events[2].progress.done == 1
    assert events[3].message == "süß"
    assert events[4].state_change.reason == "why not"


def test_watching_from_any_event_continues_with_the_next(
    store: JobStore, events: list[jobs_pb2.JobEvent]
) -> None:
    name = store.list("echo").jobs[0].name
    for seen, event in enumerate(events, start=1):
        assert list(store.watch(name, event.event_id)) == events[seen:]


def test_a_watch_follows_until_the_end(store: JobStore) -> None:
    name = store.create("echo", specification()).name
    seen: list[jobs_pb2.JobEvent] = []
    first = threading.Event()

    def watch() -> None:
        for event in store.watch(name):
            seen.append(event)
            first.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert first.wait(20)
    held = claim(store, name)
    store.message(held, "on the way")
    store.succeed(held, {})
    watcher.join(20)
    assert not watcher.is_alive()
    assert seen == list(store.watch(name))


def test_a_watch_ends_when_its_caller_goes(store: JobStore) -> None:
    name = store.create("echo", specification()).name
    answers = iter([True, True, False])
    assert len(list(store.watch(name, keep_going=lambda: next(answers)))) == 1


def test_a_watch_ends_when_the_job_is_deleted(store: JobStore) -> None:
    name = store.create("echo", specification()).name
    watch = store.watch(name)
    last = next(watch).event_id
    store.cancel(name)
    store.delete(name)
    with pytest.raises(NotFoundError):
        list(watch)
    with pytest.raises(NotFoundError):
        store.watch(name, last)


@pytest.mark.parametrize("event_id", ["x", "-", "1", "1-", "1-2-3", "-1-0", f"{2**64}-0", "١-٢"])
def test_what_is_no_event_id(store: JobStore, event_id: str) -> None:
    name = store.create("echo", specification()).name
    with pytest.raises(InvalidArgumentError, match="after_event_id"):
        store.watch(name, event_id)
