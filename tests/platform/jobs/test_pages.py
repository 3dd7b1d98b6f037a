from __future__ import annotations

import base64

import pytest

from medsynth.errors import InvalidArgumentError
from medsynth.platform.jobs.store import JobStore
from medsynth.v1.jobs_pb2 import JobState
from tests.platform.jobs.echo import specification


@pytest.fixture
def names(store: JobStore) -> list[str]:
    """Twenty-five jobs, oldest first; every third is cancelled."""
    names = [store.create("echo", specification(say=str(number))).name for number in range(25)]
    for name in names[::3]:
        store.cancel(name)
    return names


def _walk(store: JobStore, size: int, states: tuple[JobState, ...] = ()) -> list[str]:
    seen, token, more = [], "", True
    while more:
        page = store.list("echo", size, token, states)
        assert len(page.jobs) == size or not page.next_page_token
        seen += [job.name for job in page.jobs]
        token, more = page.next_page_token, bool(page.next_page_token)
    return seen


@pytest.mark.parametrize("size", [1, 7, 25, 1000, 0])
def test_pages_give_every_job_once_newest_first(
    store: JobStore, names: list[str], size: int
) -> None:
    if size == 0:
        page = store.list("echo")
        assert [job.name for job in page.jobs] == names[::-1]
        assert not page.next_page_token
    else:
        assert _walk(store, size) == names[::-1]


def test_jobs_in_certain_states(store: JobStore, names: list[str]) -> None:
    cancelled, queued = JobState.JOB_STATE_CANCELLED, JobState.JOB_STATE_QUEUED
    assert _walk(store, 4, (cancelled,)) == names[::3][::-1]
    assert _walk(store, 4, (cancelled, queued)) == names[::-1]
    assert _walk(store, 4, (JobState.JOB_STATE_RUNNING,)) == []
    assert [job.name for job in store.active("echo")] == [
        name for name in names[::-1] if name not in names[::3]
    ]


@pytest.mark.parametrize(("length", "on_a_page"), [(2**18, 3), (2**21, 1)])
def test_a_page_is_small_enough_for_a_message(store: JobStore, length: int, on_a_page: int) -> None:
    names = [store.create("echo", specification(say="x" * length)).name for _ in range(7)]
    seen: list[str] = []
    token = ""
    while len(seen) < 7:
        page = store.list("echo", 5, token)
        assert len(page.jobs) == min(on_a_page, 7 - len(seen))
        seen, token = seen + [job.name for job in page.jobs], page.next_page_token
    assert (seen, token) == (names[::-1], "")
    assert [job.name for job in store.active("echo")] == names[::-1]


def test_jobs_that_are_made_or_change_between_pages_hide_and_repeat_none(
    store: JobStore, names: list[str]
) -> None:
    first = store.list("echo", 10)
    store.create("echo", specification())
    for name in names[10:20]:
        store.cancel(name)
    second = store.list("echo", 1000, first.next_page_token)
    assert [job.name for job in (*first.jobs, *second.jobs)] == names[::-1]


def _token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    [
        *("x", "ü", "%%%", "====", "A" * 5000, _token("heavy:3"), _token("echo:")),
        *(_token("echo:-1"), _token("echo:" + "9" * 400), _token("echo:1 0"), _token("echo:٣")),
    ],
)
def test_what_is_no_token(store: JobStore, token: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        store.list("echo", 10, token)
    assert caught.value.violations[0].field == "page_token"


@pytest.mark.parametrize("size", [-1, 1001])
def test_what_is_no_size(store: JobStore, size: int) -> None:
    with pytest.raises(InvalidArgumentError, match="page_size"):
        store.list("echo", size)


@pytest.mark.parametrize("state", [0, 9, -1])
def test_what_is_no_state(store: JobStore, state: JobState) -> None:
    with pytest.raises(InvalidArgumentError, match="states"):
        store.list("echo", states=[state])
