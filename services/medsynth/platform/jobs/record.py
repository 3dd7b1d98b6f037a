"""A job's record as Python sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from medsynth.errors import MedsynthError, from_dict
from medsynth.platform.jobs.kinds import JobKind, Queue, parse_specification
from medsynth.platform.rpc.errors import to_status
from medsynth.v1 import jobs_pb2
from medsynth.v1.jobs_pb2 import JobState

STATES: Final = tuple(cast("JobState", value) for value in JobState.values()[1:])
"""Every state that a job can be in."""

ENDED: Final = frozenset(
    (JobState.JOB_STATE_SUCCEEDED, JobState.JOB_STATE_FAILED, JobState.JOB_STATE_CANCELLED)
)
"""States that a job never leaves."""

ACTIVE: Final = frozenset(STATES) - ENDED
"""States of jobs that have not ended."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PREFIX: Final = "JOB_STATE_"


def state_name(state: JobState) -> str:
    """`RUNNING` for `JOB_STATE_RUNNING`: what the store writes."""
    return JobState.Name(state).removeprefix(_PREFIX)


def state_value(name: str) -> JobState:
    """Reverses `state_name`."""
    return cast("JobState", JobState.Value(_PREFIX + name))


@dataclass(frozen=True)
class JobRecord:
    """All that is known about a job, at one moment.

    Attributes:
        name: `trainingJobs/{id}`.
        kind: What kind of job it is.
        state: Where in its life it is.
        attempt: Number of the current or last attempt; 0 before the first.
        failures: Attempts in a row that infrastructure broke off before the job got any further.
        specification: What is to be done, with every default filled in: the kind's message.
        result: What it made, once it has succeeded.
        error: Why it failed, once it has.
        children: Names of the jobs that it waits or waited for.
        parent: The job that it was made for, or empty.
        request_id: The id that its creator chose, or empty.
        share_key: Key under which others share it, or empty.
        progress: How far it is.
        create_time: When it was made.
        ready_time: When it last became ready for a worker.
        start_time: When its first attempt began.
        end_time: When it ended.
    """

    name: str
    kind: JobKind
    state: JobState
    attempt: int
    failures: int
    specification: Any
    result: Mapping[str, str]
    error: MedsynthError | None
    children: tuple[str, ...]
    parent: str
    request_id: str
    share_key: str
    progress: jobs_pb2.Progress
    create_time: datetime
    ready_time: datetime
    start_time: datetime | None
    end_time: datetime | None

    @property
    def id(self) -> str:
        """Last part of the name."""
        return self.name.partition("/")[2]

    @property
    def queue(self) -> Queue:
        """Queue whose workers run it."""
        return self.kind.queue

    @property
    def ended(self) -> bool:
        """Whether it is in one of the states that it never leaves."""
        return self.state in ENDED

    def status(self) -> jobs_pb2.JobStatus:
        """The part of the resource that every kind of job has."""
        status = jobs_pb2.JobStatus(
            state=self.state,
            attempt=self.attempt,
            progress=self.progress,
            children=self.children,
            request_id=self.request_id,
            queue=self.queue,
        )
        status.create_time.FromDatetime(self.create_time)
        if self.start_time is not None:
            status.start_time.FromDatetime(self.start_time)
        if self.end_time is not None:
            status.end_time.FromDatetime(self.end_time)
        if self.error is not None:
            status.error.CopyFrom(to_status(self.error))
        return status


@dataclass(frozen=True)
class Claim:
    """A worker's hold on a job: what it writes is accepted while this attempt holds the lease.

    Attributes:
        record: The job as it was claimed.
        children: Records of the jobs that it waited for, as far as they still exist.
    """

    record: JobRecord
    children: tuple[JobRecord, ...] = ()

    @property
    def name(self) -> str:
        """Name of the job."""
        return self.record.name

    @property
    def attempt(self) -> int:
        """Number of the attempt."""
        return self.record.attempt


def from_hash(name: str, kind: JobKind, fields: Mapping[str, bytes]) -> JobRecord:
    """The record that the scripts wrote.

    Args:
        name: Name of the job.
        kind: Its kind.
        fields: Fields of the Redis hash.
    """

    def text(field: str) -> str:
        return fields.get(field, b"").decode()

    def time(field: str) -> datetime | None:
        return _EPOCH + timedelta(microseconds=int(fields[field])) if field in fields else None

    create_time = time("created") or _EPOCH
    return JobRecord(
        name=name,
        kind=kind,
        state=state_value(text("state")),
        attempt=int(fields["attempt"]),
        failures=int(fields["failures"]),
        specification=parse_specification(kind.specification, fields["specification"]),
        result=json.loads(text("result") or "{}"),
        error=from_dict(json.loads(text("error"))) if "error" in fields else None,
        children=tuple(json.loads(text("children") or "[]")),
        parent=text("parent"),
        request_id=text("request_id"),
        share_key=text("share_key"),
        progress=jobs_pb2.Progress.FromString(fields.get("progress", b"")),
        create_time=create_time,
        ready_time=time("ready") or create_time,
        start_time=time("started"),
        end_time=time("ended"),
    )
