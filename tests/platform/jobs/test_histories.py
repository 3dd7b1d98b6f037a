"""Transitions in any order, against the model."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from medsynth.errors import (
    AbortedError,
    NotFoundError,
)
from medsynth.platform.jobs.kinds import ChildJob
from medsynth.platform.jobs.record import Claim, state_name
from medsynth.platform.jobs.store import JobStore
from tests.platform.jobs.conftest import history
from tests.platform.jobs.echo import specification

SPEC = specification(say="hello")


@pytest.fixture
def store(silent: JobStore) -> JobStore:
    return silent


ACTIONS = ["create", "parent", "claim", "yield", "lost", "fail", "succeed", "wait", "cancel"]


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 5)), max_size=40))
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_happens_every_history_is_one_of_the_model(
    store: JobStore, actions: list[tuple[str, int]]
) -> None:
    store.redis.flushall()
    names = [store.create("echo", SPEC).name]
    claims: list[Claim] = []
    for action, number in actions:
        name = names[number % len(names)]
        held = claims[number % len(claims)] if claims else None
        try:
            if action == "create":
                names.append(store.create("echo", SPEC, share_key=f"k{number % 2}").name)
            elif action == "claim":
                claims += [one for one in [store.claim(name, "w")] if one is not None]
            elif action == "cancel":
                store.cancel(name)
            elif held is None:
                continue
            elif action == "wait":
                store.wait(held, [ChildJob("echo", SPEC, f"k{number % 2}")])
                names += store.get(held.name).children
            elif action == "succeed":
                store.succeed(held, {})
            elif action == "fail":
                store.fail(held, NotFoundError("none"))
            elif action == "yield":
                store.yield_(held, "")
            elif action == "lost":
                store.lost(held, "")
        except AbortedError:
            continue
    for record in store.list("echo").jobs:
        last = history(store, record.name)[-1]
        assert last == state_name(record.state)
        if last == "WAITING":
            assert any(not store.get(child).ended for child in record.children)
        claimable = store.redis.zscore("medsynth:unclaimed:light", record.name) is not None
        assert claimable == (last in ("QUEUED", "RECOVERING"))
        leased = store.redis.zscore("medsynth:leases", record.name) is not None
        assert leased == (last in ("RUNNING", "CANCELLING"))
