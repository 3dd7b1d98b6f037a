"""The job store: every reading and every transition of a job.

The record in Redis is the truth. Each transition is one Lua script (`lua/`): it checks state and
attempt, writes the record, appends the event and updates the indexes, so that nothing is ever
half done and nobody acts on what has changed meanwhile. Redis' clock is the only clock.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import redis
from google.protobuf.message import Message

from medsynth.errors import (
    AbortedError,
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    MedsynthError,
    NotFoundError,
    UnavailableError,
)
from medsynth.platform.jobs.announce import Announce, Announcer
from medsynth.platform.jobs.connection import connect, domain_errors
from medsynth.platform.jobs.ended import ended_before
from medsynth.platform.jobs.events import check_event_id, follow
from medsynth.platform.jobs.kinds import KINDS, ChildJob, JobKind
from medsynth.platform.jobs.pages import Page, read_page
from medsynth.platform.jobs.record import (
    ACTIVE,
    ENDED,
    STATES,
    Claim,
    JobRecord,
    from_hash,
    state_name,
    state_value,
)
from medsynth.platform.jobs.scripts import PREFIX, Argument, Scripts, job_key
from medsynth.platform.rpc.names import format_name, parse_name
from medsynth.platform.rpc.pages import MAX_SIZE
from medsynth.settings import Settings
from medsynth.v1 import jobs_pb2
from medsynth.v1.jobs_pb2 import JobState

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{0,64}")
_EXPIRE_BATCH: Final = 100


def _serialise(specification: Message) -> bytes:
    return specification.SerializeToString(deterministic=True)


class JobStore:
    """The jobs of one Redis. May be used by many threads.

    Args:
        client: A client (see `connection.connect`), or the URL of Redis.
        settings: Lease, limits, announcements.
        kinds: The kinds of jobs that exist.
        announce: Tells workers that a job waits. None: through Celery.
    """

    def __init__(
        self,
        client: redis.Redis | str,
        settings: Settings,
        *,
        kinds: Mapping[str, JobKind] = KINDS,
        announce: Announce | None = None,
    ) -> None:
        url = client if isinstance(client, str) else settings.redis_url
        self.redis = connect(client) if isinstance(client, str) else client
        self.settings = settings
        self.kinds = kinds
        self._collections = {kind.collection: kind for kind in kinds.values()}
        self.announce = announce or Announcer(url)
        self._scripts = Scripts(self.redis, settings, self.announce)

    def _held(self, claim: Claim, script: str, *arguments: Argument) -> list[Any]:
        status, values = self._scripts(script, claim.name, claim.attempt, *arguments)
        if status != "OK":
            raise AbortedError(
                f"attempt {claim.attempt} of {claim.name} does not hold the job any more",
                reason="LEASE_LOST",
            )
        return values

    def _broken_off(self, reason: str) -> tuple[int, int, str, str]:
        """Limit, pause, reason and error as the scripts take them."""
        limit = self.settings.max_attempts
        error = UnavailableError(
            f"{limit} {'attempt' if limit == 1 else 'attempts'} broke off before the job got any "
            f"further, the last one because: {reason}",
            reason="ATTEMPTS_EXHAUSTED",
        )
        pause = int(self.settings.retry_seconds * 1e6)
        return limit, pause, reason, json.dumps(error.to_dict())

    def _lease(self) -> int:
        return int(self.settings.lease_seconds * 1e6)

    # What callers do

    def create(
        self, kind: str, specification: Message, *, request_id: str = "", share_key: str = ""
    ) -> JobRecord:
        """Makes a job, or finds the one that was made before.

        Args:
            kind: Name of its kind.
            specification: What is to be done, with every default filled in.
            request_id: The same id and specification give the same job. Empty: always a new one.
            share_key: While a job of this kind with this key has not ended, it is the answer.

        Raises:
            AlreadyExistsError: The request id was used with another specification.
            InvalidArgumentError: The request id is not one.
        """
        if not _REQUEST_ID.fullmatch(request_id):
            raise InvalidArgumentError.field(
                "request_id", request_id, "up to 64 letters, digits, `.`, `_` and `-`"
            )
        job_kind, content = self.kinds[kind], _serialise(specification)
        status, values = self._scripts(
            "create",
            self._new_name(job_kind),
            kind,
            job_kind.queue,
            content,
            hashlib.sha256(content).hexdigest(),
            request_id,
            share_key,
        )
        name = values[0].decode()
        if status == "REUSED":
            raise AlreadyExistsError(
                f"request_id: {request_id!r} was used for {name}, with another specification; "
                "choose a new one",
                metadata={"name": name},
            )
        return self.get(name)

    def get(self, name: str) -> JobRecord:
        """A job's record.

        Raises:
            InvalidArgumentError: The name is none of a job.
            NotFoundError: There is no such job.
        """
        kind = self.kind_of(name)
        with domain_errors():
            fields: Any = self.redis.hgetall(job_key(name))
        if not fields:
            raise NotFoundError(f"{name} does not exist")
        return from_hash(name, kind, {field.decode(): fields[field] for field in fields})

    def list(
        self,
        kind: str,
        page_size: int = 0,
        page_token: str = "",
        states: Iterable[JobState] = (),
    ) -> Page:
        """Jobs of a kind, newest first.

        Args:
            kind: Name of the kind.
            page_size: 1 to 1000; 0 means 100.
            page_token: `Page.next_page_token` of the page before; empty: the first page.
            states: Only jobs in these; empty: in any.

        Raises:
            InvalidArgumentError: A size, token or state that there is not.
        """
        return read_page(self._scripts, self.kinds[kind], page_size, page_token, states)

    def active(self, kind: str) -> Iterator[JobRecord]:
        """Every job of a kind that has not ended, newest first."""
        token, more = "", True
        while more:
            page = self.list(kind, MAX_SIZE, token, ACTIVE)
            yield from page.jobs
            token, more = page.next_page_token, bool(page.next_page_token)

    def counts(self) -> dict[tuple[str, JobState], int]:
        """Number of jobs by kind and state."""
        cells = [(kind, state) for kind in self.kinds for state in STATES]
        with domain_errors():
            pipeline = self.redis.pipeline(transaction=False)
            for kind, state in cells:
                pipeline.zcard(f"{PREFIX}index:{kind}:{state_name(state)}")
            return dict(zip(cells, pipeline.execute(), strict=True))

    def cancel(self, name: str) -> JobRecord:
        """Asks a job to stop: at once if no worker holds it, else it becomes CANCELLING.

        The children of a waiting job stop with it, unless somebody else needs them. A job that
        has ended stays as it ended.

        Raises:
            NotFoundError: There is no such job.
        """
        self.kind_of(name)
        status, _ = self._scripts("cancel", name)
        if status == "MISSING":
            raise NotFoundError(f"{name} does not exist")
        return self.get(name)

    def delete(self, name: str) -> None:
        """Removes the record of a job that has ended, with its events.

        Raises:
            NotFoundError: There is no such job.
            FailedPreconditionError: It has not ended, or a job that has not ended waited for it.
        """
        self.kind_of(name)
        status, values = self._scripts("delete", name)
        if status == "MISSING":
            raise NotFoundError(f"{name} does not exist")
        if status == "NEEDED":
            raise FailedPreconditionError(
                f"{values[0].decode()}, which has not ended, needs the result of {name}: "
                "delete it after that",
                reason="JOB_NEEDED",
                metadata={"job": values[0].decode()},
            )
        if status == "ACTIVE":
            raise FailedPreconditionError(
                f"{name} is {values[0].decode()}: cancel it, and delete it once it has ended",
                reason="JOB_NOT_ENDED",
            )

    def ended_before(self, time: datetime) -> Iterator[tuple[str, datetime]]:
        """Names of the jobs that ended before a time, and when each did; oldest jobs first.

        Deleting them meanwhile is allowed.
        """
        for kind in self.kinds.values():
            for state in ENDED:
                yield from ended_before(self.redis, kind.name, state_name(state), time)

    def forget_events(self, name: str) -> bool:
        """Removes the events of a job. Returns whether there were any."""
        with domain_errors():
            return bool(self.redis.delete(job_key(name, "events")))

    def watch(
        self, name: str, after_event_id: str = "", keep_going: Callable[[], bool] = lambda: True
    ) -> Iterator[jobs_pb2.JobEvent]:
        """A job's events after one of them, and on until the job has ended.

        Args:
            name: The job.
            after_event_id: Empty: from the first event that is kept.
            keep_going: Asked every second; False ends the iteration.

        Raises:
            InvalidArgumentError: The event id is none.
            NotFoundError: There is no such job, or, in iterating, it was deleted.
        """
        after = check_event_id(after_event_id)
        self.get(name)
        return follow(
            self.redis,
            job_key(name, "events"),
            after,
            lambda: self.get(name).ended,
            keep_going,
        )

    # What workers do

    def claim(self, name: str, worker: str, token: str = "") -> Claim | None:
        """Takes a job that waits, for the length of a lease.

        Args:
            name: The job.
            worker: Who takes it, for people.
            token: Names this claim, so that it may be repeated when the answer did not come.

        Returns:
            None if there is nothing to do: it is taken, has ended or is gone.

        Raises:
            InvalidArgumentError: The job is of no kind that is known here. It is left alone.
        """
        self.kind_of(name)
        status, values = self._scripts("claim", name, token or uuid4().hex, worker, self._lease())
        if status != "OK":
            return None
        record = self.get(name)
        if record.attempt != int(values[0]):
            return None
        return Claim(record, tuple(self._existing(record.children)))

    def renew(self, claim: Claim) -> JobState:
        """Prolongs the lease. Returns the state: RUNNING or CANCELLING.

        Raises:
            AbortedError: The attempt does not hold the job any more.
        """
        return state_value(self._held(claim, "renew", self._lease())[0].decode())

    def check(self, claim: Claim) -> JobState:
        """Like `renew`, without prolonging the lease: nothing is written."""
        with domain_errors():
            values: Any = self.redis.hmget(job_key(claim.name), "state", "attempt")
        held = (b"RUNNING", b"CANCELLING")
        if values[0] not in held or int(values[1]) != claim.attempt:
            raise AbortedError(
                f"attempt {claim.attempt} of {claim.name} does not hold the job any more",
                reason="LEASE_LOST",
            )
        return state_value(values[0].decode())

    def progress(self, claim: Claim, progress: jobs_pb2.Progress) -> None:
        """Records how far the job is, and appends the event.

        Raises:
            AbortedError: The attempt does not hold the job any more.
        """
        series = f"{progress.unit} {progress.phase}"
        content = progress.SerializeToString()
        self._held(claim, "report", "progress", content, series, progress.done)

    def message(self, claim: Claim, text: str) -> None:
        """Appends a sentence for people to the events.

        Raises:
            AbortedError: The attempt does not hold the job any more.
        """
        self._held(claim, "report", "message", text)

    def wait(self, claim: Claim, children: Sequence[ChildJob]) -> JobState:
        """Makes the job wait until other jobs have ended; they are made in the same step.

        Args:
            claim: The hold, which ends.
            children: At least one.

        Returns:
            WAITING, or CANCELLED if that was asked for.

        Raises:
            AbortedError: The attempt does not hold the job any more.
        """
        if not children:
            raise ValueError("a job cannot wait for nothing")
        arguments: list[Argument] = []
        for child in children:
            kind = self.kinds[child.kind]
            content = _serialise(child.specification)
            arguments += [self._new_name(kind), child.kind, kind.queue, content, child.share_key]
        return state_value(self._held(claim, "wait", *arguments)[0].decode())

    def succeed(self, claim: Claim, result: Mapping[str, str]) -> None:
        """Ends the job with what it made, even if it was to be cancelled meanwhile.

        Raises:
            AbortedError: The attempt does not hold the job any more.
        """
        values = self._held(claim, "finish", "SUCCEEDED", "result", json.dumps(dict(result)))
        if values[0] != b"SUCCEEDED":
            raise AbortedError(f"{claim.name} has ended otherwise", reason="LEASE_LOST")

    def fail(self, claim: Claim, error: MedsynthError) -> JobState:
        """Ends the job with an error that another attempt would meet again.

        Returns:
            FAILED, or CANCELLED if that was asked for.

        Raises:
            AbortedError: The attempt does not hold the job any more.
        """
        values = self._held(claim, "finish", "FAILED", "error", json.dumps(error.to_dict()))
        return state_value(values[0].decode())

    def yield_(self, claim: Claim, reason: str) -> JobState:
        """Gives the job back to its queue, uncounted: the worker stops.

        Returns:
            QUEUED, or CANCELLED if that was asked for.

        Raises:
            AbortedError: The attempt does not hold the job any more.
        """
        return state_value(self._held(claim, "release", 0, 0, 0, reason, "")[0].decode())

    def lost(self, claim: Claim, reason: str) -> JobState:
        """Gives the job back because infrastructure broke the attempt off; this counts.

        What counts are attempts in a row in which the job got no further (in any phase) than in
        an earlier one.

        Returns:
            RECOVERING, FAILED after the last attempt, or CANCELLED if that was asked for.

        Raises:
            AbortedError: The attempt does not hold the job any more.
        """
        values = self._held(claim, "release", 1, *self._broken_off(reason))
        return state_value(values[0].decode())

    # What the reconciler does

    def expire_leases(self) -> Sequence[str]:
        """Takes back every job whose lease ran out. Returns their names."""
        broken_off = self._broken_off("lease ran out")
        names = []
        while True:
            _, batch = self._scripts("expire", _EXPIRE_BATCH, *broken_off)
            names += [name.decode() for name in batch]
            if len(batch) < _EXPIRE_BATCH:
                return names

    def waiting_unclaimed(self, queue: str, count: int) -> Sequence[str]:
        """Jobs that wait without a claim and whose (next) announcement is due.

        It counts as announced: the next one is due after `announce_seconds`.
        """
        return [name.decode() for name in self._scripts("announce", queue, count)[1]]

    # Names

    def _new_name(self, kind: JobKind) -> str:
        return format_name(kind.collection, uuid4().hex[:16])

    def kind_of(self, name: str) -> JobKind:
        """The kind of the job that a name names.

        Raises:
            InvalidArgumentError: The name is none of a job.
        """
        kind = self._collections.get(name.partition("/")[0])
        if kind is None:
            known = " or ".join(f"{collection}/ID" for collection in self._collections)
            raise InvalidArgumentError.field("name", name, known)
        parse_name(name, kind.collection)
        return kind

    def _existing(self, names: Iterable[str]) -> Iterator[JobRecord]:
        for name in names:
            try:
                yield self.get(name)
            except NotFoundError:
                continue
