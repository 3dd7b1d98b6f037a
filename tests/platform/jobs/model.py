"""What a job's life may look like, written from the design and not from the scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from medsynth.v1 import jobs_pb2
from medsynth.v1.jobs_pb2 import JobState

_MOVES: Final = {
    "UNSPECIFIED": {"QUEUED"},
    "QUEUED": {"RUNNING", "CANCELLED"},
    "RECOVERING": {"RUNNING", "CANCELLED"},
    "WAITING": {"QUEUED", "CANCELLED"},
    "RUNNING": {"QUEUED", "WAITING", "RECOVERING", "CANCELLING", "SUCCEEDED", "FAILED"},
    "CANCELLING": {"CANCELLED", "SUCCEEDED"},
    "SUCCEEDED": set[str](),
    "FAILED": set[str](),
    "CANCELLED": set[str](),
}
_HELD: Final = {"RUNNING", "CANCELLING"}


def _name(state: JobState) -> str:
    return JobState.Name(state).removeprefix("JOB_STATE_")


def _order(event: jobs_pb2.JobEvent) -> tuple[int, int]:
    milliseconds, counter = event.event_id.split("-")
    return int(milliseconds), int(counter)


def check_history(events: Sequence[jobs_pb2.JobEvent]) -> list[str]:
    """Replays a job's events from the first on. Returns the states that it went through."""
    state, attempt, states = "UNSPECIFIED", 0, []
    for before, event in zip([None, *events], events, strict=False):
        if before is not None:
            assert _order(before) < _order(event), "events are in the order of their ids"
            assert before.time.ToNanoseconds() <= event.time.ToNanoseconds()
        if event.WhichOneof("event") != "state_change":
            assert state in _HELD, f"{event} while {state}: nobody held the job"
            assert event.attempt == attempt, f"{event} was written by another attempt"
            continue
        # `from` is a keyword of Python.
        change = event.state_change
        assert _name(getattr(change, "from")) == state, f"{event} does not follow {state}"
        assert _name(change.to) in _MOVES[state], f"{event} is no move that {state} has"
        state = _name(change.to)
        attempt += state == "RUNNING"
        assert event.attempt == attempt, f"{event}: attempts grow by one with each claim"
        states.append(state)
    assert states, "a job that exists has a first event"
    return states
