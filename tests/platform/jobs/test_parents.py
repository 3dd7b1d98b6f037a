"""Jobs that wait for others, and jobs that are shared, without workers."""

from __future__ import annotations

import pytest

from medsynth.errors import (
    NotFoundError,
)
from medsynth.platform.jobs.kinds import ChildJob
from medsynth.platform.jobs.store import JobStore
from tests.platform.jobs.conftest import claim, history, state
from tests.platform.jobs.echo import specification

SPEC = specification(say="hello")


@pytest.fixture
def store(silent: JobStore) -> JobStore:
    return silent


def test_a_parent_waits_for_all_children(store: JobStore, announced: list[str]) -> None:
    parent = store.create("echo", SPEC).name
    children = [ChildJob("echo", SPEC), ChildJob("heavy", SPEC)]
    store.wait(claim(store, parent), children)
    first, second = store.get(parent).children
    assert store.get(first).parent == parent
    assert f"gpu {second}" in announced
    assert store.claim(parent, "w") is None
    store.succeed(claim(store, first), {"made": "one"})
    assert state(store, parent) == "WAITING"
    announced.clear()
    store.fail(claim(store, second), NotFoundError("none"))
    assert state(store, parent) == "QUEUED"
    assert announced == [f"light {parent}"]
    again = claim(store, parent)
    assert [child.name for child in again.children] == [first, second]
    assert again.children[0].result == {"made": "one"}
    store.succeed(again, {})
    assert history(store, parent) == [
        *("QUEUED", "RUNNING", "WAITING", "QUEUED", "RUNNING", "SUCCEEDED")
    ]


def _parent_of_shared(store: JobStore) -> tuple[str, str]:
    parent = store.create("echo", SPEC).name
    store.wait(claim(store, parent), [ChildJob("heavy", SPEC, share_key="same")])
    return parent, store.get(parent).children[0]


def test_two_parents_share_a_child(store: JobStore) -> None:
    one, child = _parent_of_shared(store)
    two, other = _parent_of_shared(store)
    assert child == other
    store.cancel(one)
    assert state(store, child) == "QUEUED", "the other parent needs it"
    store.succeed(claim(store, child), {})
    assert state(store, one) == "CANCELLED"
    assert state(store, two) == "QUEUED"


def test_the_last_parent_takes_its_child_along(store: JobStore) -> None:
    one, child = _parent_of_shared(store)
    two, _ = _parent_of_shared(store)
    held = claim(store, child)
    store.cancel(one)
    assert state(store, child) == "RUNNING"
    store.cancel(two)
    assert state(store, child) == "CANCELLING"
    _, another = _parent_of_shared(store)
    assert another != child, "a job that is being cancelled is not shared"
    store.succeed(held, {})
    assert _parent_of_shared(store)[1] == another, "its end leaves the other's key alone"


def test_a_child_that_somebody_asked_for_outlives_its_parent(store: JobStore) -> None:
    asked = store.create("heavy", SPEC, share_key="same").name
    parent, child = _parent_of_shared(store)
    assert child == asked
    store.cancel(parent)
    assert state(store, child) == "QUEUED"
    late_parent, late_child = _parent_of_shared(store)
    assert store.create("heavy", SPEC, share_key="same").name == late_child
    store.cancel(late_parent)
    assert state(store, late_child) == "QUEUED"


def test_a_share_key_ends_with_its_job(store: JobStore) -> None:
    first = store.create("echo", SPEC, share_key="same").name
    assert store.create("echo", SPEC, share_key="same").name == first
    assert store.create("heavy", SPEC, share_key="same").name != first
    store.succeed(claim(store, first), {})
    assert store.create("echo", SPEC, share_key="same").name != first
