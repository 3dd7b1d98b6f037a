"""Transitions and readings of the job store on a real Redis, without workers."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import pytest

from medsynth.errors import (
    AbortedError,
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
)
from medsynth.platform.jobs.kinds import ChildJob
from medsynth.platform.jobs.record import Claim, state_name
from medsynth.platform.jobs.store import JobStore
from medsynth.settings import Settings
from medsynth.v1 import jobs_pb2
from medsynth.v1.jobs_pb2 import JobState
from tests.platform.jobs.conftest import claim, history, state
from tests.platform.jobs.echo import KINDS, specification
from tests.support import eventually

SPEC = specification(say="hello")


@pytest.fixture
def store(silent: JobStore) -> JobStore:
    return silent


def test_a_job_runs_from_its_creation_to_its_result(store: JobStore, announced: list[str]) -> None:
    created = store.create("echo", SPEC, request_id="r-1")
    assert announced == [f"light {created.name}"]
    assert (created.attempt, created.request_id, created.specification) == (0, "r-1", SPEC)
    claimed = claim(store, created.name)
    store.progress(claimed, jobs_pb2.Progress(done=3, total=9, unit="steps"))
    store.message(claimed, "half way")
    store.succeed(claimed, {"made": "thing"})
    record = store.get(created.name)
    assert record.ended
    assert record.result == {"made": "thing"}
    assert record.progress.done == 3
    assert record.start_time is not None
    assert record.end_time is not None
    assert record.create_time <= record.start_time <= record.end_time
    assert history(store, created.name) == ["QUEUED", "RUNNING", "SUCCEEDED"]


def test_an_error_is_read_back_as_it_was(store: JobStore) -> None:
    name = store.create("echo", SPEC).name
    error = InvalidArgumentError.field("specification.say", "hello", "goodbye")
    store.fail(claim(store, name), error)
    read = store.get(name).error
    assert isinstance(read, InvalidArgumentError)
    assert read.to_dict() == error.to_dict()
    status = store.get(name).status()
    assert status.error.message == error.message
    assert status.queue == "light"


def test_one_of_many_threads_claims(store: JobStore) -> None:
    name = store.create("echo", SPEC).name
    barrier, claims = threading.Barrier(8), []

    def race(number: int) -> None:
        barrier.wait()
        claims.append(store.claim(name, f"worker {number}"))

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in claims) == 1
    assert store.get(name).attempt == 1


def test_a_claim_whose_answer_was_lost_may_be_repeated(store: JobStore) -> None:
    name = store.create("echo", SPEC).name
    first, second = store.claim(name, "w", "token"), store.claim(name, "w", "token")
    assert first is not None
    assert second is not None
    assert first.attempt == second.attempt == 1
    assert store.claim(name, "w", "another token") is None


def test_nothing_to_claim(store: JobStore) -> None:
    assert store.claim("echoJobs/none", "w") is None
    name = store.create("echo", SPEC).name
    store.cancel(name)
    assert store.claim(name, "w") is None


WRITES: list[tuple[str, Callable[[JobStore, Claim], object]]] = [
    ("renew", lambda store, held: store.renew(held)),
    ("check", lambda store, held: store.check(held)),
    ("progress", lambda store, held: store.progress(held, jobs_pb2.Progress())),
    ("message", lambda store, held: store.message(held, "still here")),
    ("wait", lambda store, held: store.wait(held, [ChildJob("echo", SPEC)])),
    ("succeed", lambda store, held: store.succeed(held, {})),
    ("fail", lambda store, held: store.fail(held, NotFoundError("none"))),
    ("yield", lambda store, held: store.yield_(held, "")),
    ("lost", lambda store, held: store.lost(held, "")),
]


@pytest.mark.parametrize(("_", "write"), WRITES, ids=[name for name, _ in WRITES])
@pytest.mark.parametrize("ended", [False, True], ids=["claimed anew", "ended"])
def test_an_attempt_that_is_over_writes_nothing(
    store: JobStore, _: str, write: Callable[[JobStore, Claim], object], ended: bool
) -> None:
    name = store.create("echo", SPEC).name
    stale = claim(store, name)
    store.lost(stale, "for a test")
    again = claim(store, name)
    if ended:
        store.succeed(again, {"by": "the second"})
    before = store.redis.hgetall(f"medsynth:job:{name}")
    events = store.redis.xlen(f"medsynth:job:{name}:events")
    with pytest.raises(AbortedError):
        write(store, stale)
    assert store.redis.hgetall(f"medsynth:job:{name}") == before
    assert store.redis.xlen(f"medsynth:job:{name}:events") == events


def test_an_outcome_may_be_said_twice(store: JobStore) -> None:
    name = store.create("echo", SPEC).name
    held = claim(store, name)
    store.succeed(held, {"made": "once"})
    store.succeed(held, {"made": "twice"})
    assert store.get(name).result == {"made": "once"}
    with pytest.raises(AbortedError):
        store.renew(held)


def test_a_lease_that_ran_out_is_taken_back(settings: Settings) -> None:
    short = settings.model_copy(update={"lease_seconds": 0.05})
    store = JobStore(short.redis_url, short, kinds=KINDS, announce=lambda *_: None)
    name = store.create("echo", SPEC).name
    held = claim(store, name)
    eventually(lambda: store.expire_leases() == [name])
    assert state(store, name) == "RECOVERING"
    with pytest.raises(AbortedError):
        store.renew(held)
    assert store.expire_leases() == []
    assert claim(store, name).attempt == 2


def test_a_lease_that_is_renewed_is_not_taken_back(store: JobStore) -> None:
    name = store.create("echo", SPEC).name
    held = claim(store, name)
    before = store.redis.zscore("medsynth:leases", name)
    assert store.renew(held) == JobState.JOB_STATE_RUNNING
    after = store.redis.zscore("medsynth:leases", name)
    assert before is not None
    assert after is not None
    assert after > before
    assert store.expire_leases() == []


def test_attempts_that_break_off_are_limited_and_others_are_not(store: JobStore) -> None:
    name = store.create("echo", SPEC).name
    for _ in range(5):
        store.yield_(claim(store, name), "worker shuts down")
    assert store.get(name).failures == 0
    for attempt in range(store.settings.max_attempts):
        assert state(store, name) == ("RECOVERING" if attempt else "QUEUED")
        store.lost(claim(store, name), "killed")
    record = store.get(name)
    assert state_name(record.state) == "FAILED"
    assert record.error is not None
    assert record.error.reason == "ATTEMPTS_EXHAUSTED"
    assert "killed" in record.error.message
    assert record.attempt == 5 + store.settings.max_attempts


def _break_off(store: JobStore, name: str, done: int, phase: str = "training") -> int:
    """An attempt that gets so far. Returns the failures in a row."""
    held = claim(store, name)
    store.progress(held, jobs_pb2.Progress(done=done, unit="images", phase=phase))
    store.lost(held, "the node went away")
    return store.get(name).failures


def test_failures_are_forgotten_once_a_job_gets_further_than_ever(store: JobStore) -> None:
    name = store.create("echo", SPEC).name
    assert [_break_off(store, name, done) for done in (10, 10, 11, 5, 12, 12)] == [1, 2, 1, 2, 1, 2]
    assert [_break_off(store, name, 0, phase) for phase in ("exporting", "exporting")] == [1, 2]
    assert state(store, name) == "RECOVERING"
    assert _break_off(store, name, 3) == store.settings.max_attempts
    assert state(store, name) == "FAILED"


def test_phases_without_number_are_no_progress_for_ever(store: JobStore) -> None:
    name = store.create("echo", SPEC).name
    held = claim(store, name)
    for number in range(1001):
        store.progress(held, jobs_pb2.Progress(done=1, phase=f"phase {number}"))
    store.lost(held, "")
    assert store.redis.hlen(f"medsynth:job:{name}:reached") == 1000
    assert _break_off(store, name, 1, "another phase") == 2
    held = claim(store, name)
    store.progress(held, jobs_pb2.Progress(done=2, phase="phase 1"))
    assert store.get(name).failures == 0


def test_a_parent_gets_further_with_each_new_child(store: JobStore) -> None:
    name = store.create("echo", SPEC).name
    for number in range(4):
        for expected in (1, 2):
            store.lost(claim(store, name), "")
            assert store.get(name).failures == expected
        store.wait(claim(store, name), [ChildJob("heavy", SPEC)])
        assert store.get(name).failures == 0
        store.succeed(claim(store, store.get(name).children[number]), {})


def test_the_pause_before_another_attempt_grows(settings: Settings) -> None:
    patient = settings.model_copy(update={"retry_seconds": 10, "max_attempts": 9})
    store = JobStore(patient.redis_url, patient, kinds=KINDS, announce=lambda *_: None)
    name = store.create("echo", SPEC).name
    pauses = []
    for _ in range(7):
        store.lost(claim(store, name), "")
        seconds, microseconds = store.redis.time()
        due = store.redis.zscore("medsynth:unclaimed:light", name)
        pauses.append(round((due - seconds * 1e6 - microseconds) / 1e6))
    assert pauses == [1, 10, 40, 160, 300, 300, 300], "the first is announced at once"


def test_a_kind_that_a_worker_does_not_know_is_left_alone(
    store: JobStore, settings: Settings
) -> None:
    name = store.create("heavy", SPEC).name
    older = JobStore(settings.redis_url, settings, kinds={"echo": KINDS["echo"]})
    with pytest.raises(InvalidArgumentError):
        older.claim(name, "a worker of an older release")
    assert history(store, name) == ["QUEUED"]


def test_a_job_that_keeps_breaking_off_is_announced_later_each_time(
    store: JobStore, announced: list[str]
) -> None:
    name = store.create("echo", SPEC).name
    announced.clear()
    store.lost(claim(store, name), "")
    assert announced == [f"light {name}"], "the first time at once"
    announced.clear()
    store.lost(claim(store, name), "")
    assert announced == []
    assert store.redis.zscore("medsynth:unclaimed:light", name) is not None


@pytest.mark.parametrize("before", ["QUEUED", "RECOVERING", "WAITING"])
def test_cancelling_what_nobody_holds_is_immediate(store: JobStore, before: str) -> None:
    name = store.create("echo", SPEC).name
    if before == "RECOVERING":
        store.lost(claim(store, name), "")
    if before == "WAITING":
        store.wait(claim(store, name), [ChildJob("echo", SPEC)])
    assert state(store, name) == before
    assert state_name(store.cancel(name).state) == "CANCELLED"
    assert state_name(store.cancel(name).state) == "CANCELLED", "it is idempotent"
    assert store.redis.zscore("medsynth:unclaimed:light", name) is None


ENDS: list[tuple[str, Callable[[JobStore, Claim], object], str]] = [
    ("fail", lambda store, held: store.fail(held, NotFoundError("none")), "CANCELLED"),
    ("yield", lambda store, held: store.yield_(held, ""), "CANCELLED"),
    ("lost", lambda store, held: store.lost(held, ""), "CANCELLED"),
    ("wait", lambda store, held: store.wait(held, [ChildJob("echo", SPEC)]), "CANCELLED"),
    ("succeed", lambda store, held: store.succeed(held, {}), "SUCCEEDED"),
]


@pytest.mark.parametrize(("_", "end", "expected"), ENDS, ids=[name for name, *_ in ENDS])
def test_a_running_job_is_cancelled_by_its_worker(
    store: JobStore, _: str, end: Callable[[JobStore, Claim], object], expected: str
) -> None:
    name = store.create("echo", SPEC).name
    held = claim(store, name)
    assert state_name(store.cancel(name).state) == "CANCELLING"
    assert store.renew(held) == JobState.JOB_STATE_CANCELLING
    end(store, held)
    assert state(store, name) == expected
    assert len(store.list("echo").jobs) == 1, "no child was made"
    assert state_name(store.cancel(name).state) == expected


def test_a_lease_that_runs_out_while_cancelling_ends_the_job(settings: Settings) -> None:
    short = settings.model_copy(update={"lease_seconds": 0.05})
    store = JobStore(short.redis_url, short, kinds=KINDS, announce=lambda *_: None)
    name = store.create("echo", SPEC).name
    claim(store, name)
    store.cancel(name)
    eventually(lambda: store.expire_leases() == [name])
    assert history(store, name) == ["QUEUED", "RUNNING", "CANCELLING", "CANCELLED"]


def test_request_ids(store: JobStore) -> None:
    first = store.create("echo", SPEC, request_id="mine").name
    assert store.create("echo", SPEC, request_id="mine").name == first
    assert store.create("heavy", SPEC, request_id="mine").name != first
    assert store.create("echo", SPEC).name != first
    with pytest.raises(AlreadyExistsError, match=first):
        store.create("echo", specification(say="other"), request_id="mine")
    store.cancel(first)
    assert store.create("echo", SPEC, request_id="mine").name == first, "also once it has ended"
    store.delete(first)
    assert store.create("echo", SPEC, request_id="mine").name != first


@pytest.mark.parametrize("request_id", ["a b", "ü", "x" * 65, "a/b", "a\n"])
def test_what_is_no_request_id(store: JobStore, request_id: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        store.create("echo", SPEC, request_id=request_id)
    assert caught.value.violations[0].field == "request_id"
    assert store.list("echo").jobs == ()


@pytest.mark.parametrize(
    "name", ["", "echoJobs", "echoJobs/", "otherJobs/1", "echoJobs/a b", "x/y/z"]
)
def test_what_is_no_name(store: JobStore, name: str) -> None:
    for method in (store.get, store.cancel, store.delete, store.watch):
        with pytest.raises(InvalidArgumentError):
            method(name)


def test_jobs_that_do_not_exist(store: JobStore) -> None:
    for method in (store.get, store.cancel, store.delete, store.watch):
        with pytest.raises(NotFoundError):
            method("echoJobs/none")


def test_only_jobs_that_ended_are_deleted_and_leave_nothing(store: JobStore) -> None:
    name = store.create("echo", SPEC, request_id="r", share_key="s").name
    with pytest.raises(FailedPreconditionError):
        store.delete(name)
    store.succeed(claim(store, name), {})
    store.delete(name)
    with pytest.raises(NotFoundError):
        store.get(name)
    assert store.redis.keys("medsynth:*") == [b"medsynth:sequence"]


def _sorts(events: list[jobs_pb2.JobEvent]) -> Counter[str | None]:
    return Counter(event.WhichOneof("event") for event in events)


def test_reports_push_out_no_changes_and_no_messages(settings: Settings) -> None:
    few = settings.model_copy(update={"max_events": 100})
    store = JobStore(few.redis_url, few, kinds=KINDS, announce=lambda *_: None)
    name = store.create("echo", SPEC).name
    for attempt in range(5):
        held = claim(store, name)
        for number in range(60):
            store.progress(held, jobs_pb2.Progress(done=60 * attempt + number))
            if number % 10 == 0:
                store.message(held, f"{attempt}.{number}")
        store.yield_(held, "")
    store.succeed(claim(store, name), {})
    events = list(store.watch(name))
    assert _sorts(events) == {"state_change": 13, "progress": 100, "message": 10}
    assert [e.progress.done for e in events if e.HasField("progress")] == [*range(200, 300)]
    assert next(event.message for event in events if event.message) == "3.20"
    assert history(store, name) == ["QUEUED", *["RUNNING", "QUEUED"] * 5, "RUNNING", "SUCCEEDED"]
    middle = events[60].event_id
    assert list(store.watch(name, middle)) == events[61:]
    first = events[0].event_id
    assert list(store.watch(name, first)) == events[1:], "what was dropped leaves no gap"


def test_changes_of_state_are_limited_too(settings: Settings) -> None:
    few = settings.model_copy(update={"max_events": 100})
    store = JobStore(few.redis_url, few, kinds=KINDS, announce=lambda *_: None)
    name = store.create("echo", SPEC).name
    for _ in range(80):
        store.yield_(claim(store, name), "")
    store.cancel(name)
    assert _sorts(list(store.watch(name))) == {"state_change": 100}


def test_what_waits_unclaimed_is_found_once_a_while(settings: Settings) -> None:
    soon = settings.model_copy(update={"announce_seconds": 0.2})
    store = JobStore(soon.redis_url, soon, kinds=KINDS, announce=lambda *_: None)
    name = store.create("echo", SPEC).name
    assert store.waiting_unclaimed("light", 10) == [], "it was announced just now"
    eventually(lambda: store.waiting_unclaimed("light", 10) == [name])
    assert store.waiting_unclaimed("light", 10) == []
    assert store.waiting_unclaimed("gpu", 10) == []
    claim(store, name)
    assert store.redis.zcard("medsynth:unclaimed:light") == 0


def test_counts(store: JobStore) -> None:
    store.cancel(store.create("echo", SPEC).name)
    store.create("echo", SPEC)
    counts = store.counts()
    assert counts["echo", JobState.JOB_STATE_CANCELLED] == 1
    assert counts["echo", JobState.JOB_STATE_QUEUED] == 1
    assert sum(counts.values()) == 2
