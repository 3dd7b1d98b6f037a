"""The methods that all kinds of jobs share: get, list, cancel, watch, wait, delete."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeAlias, TypeVar, cast

from google.protobuf import empty_pb2

from medsynth.client.connection import Connection
from medsynth.client.errors import from_status
from medsynth.client.names import resource_name
from medsynth.errors import (
    AbortedError,
    InvalidArgumentError,
    MedsynthError,
    NotFoundError,
)
from medsynth.v1 import evaluator_pb2, jobs_pb2, sampler_pb2, trainer_pb2

Job: TypeAlias = (
    trainer_pb2.PreparationJob
    | trainer_pb2.InspectionJob
    | trainer_pb2.TrainingJob
    | sampler_pb2.SyntheticDatasetJob
    | evaluator_pb2.EvaluationJob
)

J = TypeVar("J", bound=Job)

_ENDED = (
    jobs_pb2.JOB_STATE_SUCCEEDED,
    jobs_pb2.JOB_STATE_FAILED,
    jobs_pb2.JOB_STATE_CANCELLED,
)


@dataclass(frozen=True)
class JobKind:
    """Where the methods of one kind of job are found.

    Attributes:
        collection: First part of the jobs' names.
        service: The service that has the methods.
        noun: What the methods' names contain: `Get{noun}`, `Cancel{noun}`, ...
        messages: Module of the request messages.
    """

    collection: str
    service: str
    noun: str
    messages: ModuleType

    def request(self, verb: str, **fields: Any) -> Any:
        """A request message, such as `CancelTrainingJobRequest`."""
        plural = "s" if verb == "List" else ""
        return getattr(self.messages, f"{verb}{self.noun}{plural}Request")(**fields)

    @property
    def message(self) -> type[Job]:
        """Class of the jobs."""
        return cast(type[Job], getattr(self.messages, self.noun))

    @property
    def page(self) -> Any:
        """Class of a page of jobs."""
        return getattr(self.messages, f"List{self.noun}sResponse")


KINDS: Mapping[str, JobKind] = {
    kind.collection: kind
    for kind in (
        JobKind("preparationJobs", "trainer", "PreparationJob", trainer_pb2),
        JobKind("inspectionJobs", "trainer", "InspectionJob", trainer_pb2),
        JobKind("trainingJobs", "trainer", "TrainingJob", trainer_pb2),
        JobKind("syntheticDatasetJobs", "sampler", "SyntheticDatasetJob", sampler_pb2),
        JobKind("evaluationJobs", "evaluator", "EvaluationJob", evaluator_pb2),
    )
}


def has_ended(job: Job) -> bool:
    """Whether a job has succeeded, failed or been cancelled."""
    return job.status.state in _ENDED


def error_of(job: Job) -> MedsynthError | None:
    """Why a job did not succeed; None for one that did, or that goes on."""
    if job.status.state == jobs_pb2.JOB_STATE_FAILED:
        return from_status(job.status.error)
    if job.status.state == jobs_pb2.JOB_STATE_CANCELLED:
        return AbortedError(f"{job.name} was cancelled", reason="CANCELLED")
    return None


class JobMethods:
    """Part of `Client`: what can be done with a job of any kind."""

    _connections: Mapping[str, Connection]

    def job(self, name: str) -> Job:
        """A job as it is now.

        Args:
            name: `trainingJobs/{id}` or of another kind, or the id alone: then all services are
                asked.

        Raises:
            NotFoundError: There is none.
        """
        if "/" in name:
            return self._get(_kind(name), name)
        found = []
        for kind in self._reachable():
            try:
                found.append(self._get(kind, resource_name(name, kind.collection)))
            except NotFoundError:
                continue
        if not found:
            raise NotFoundError(f"No job of any kind has the id {name!r}")
        if len(found) > 1:
            names = ", ".join(job.name for job in found)
            raise InvalidArgumentError.field("name", name, f"one of {names}")
        return found[0]

    def jobs(self, collections: Sequence[str] = (), states: Sequence[int] = ()) -> Iterator[Job]:
        """Jobs, newest first, read page by page.

        Args:
            collections: `trainingJobs`, `preparationJobs`, `inspectionJobs`,
                `syntheticDatasetJobs` or `evaluationJobs`. Empty: all.
            states: Only jobs in one of these. Empty: all.
        """
        kinds = [_kind(collection) for collection in collections] or self._reachable()
        return heapq.merge(
            *(self._list(kind, states) for kind in kinds),
            key=lambda job: job.status.create_time.ToNanoseconds(),
            reverse=True,
        )

    def cancel(self, name: str) -> Job:
        """Asks a job to stop and returns it; one that has ended stays as it is."""
        kind, name = self._find(name)
        request = kind.request("Cancel", name=name)
        return self._to(kind).call(f"Cancel{kind.noun}", request, kind.message)

    def delete_job(self, name: str) -> None:
        """Deletes the record of a job that has ended. What it made stays.

        Raises:
            FailedPreconditionError: The job has not ended.
        """
        kind, name = self._find(name)
        request = kind.request("Delete", name=name)
        self._to(kind).call(f"Delete{kind.noun}", request, empty_pb2.Empty)

    def watch(self, name: str, after_event_id: str = "") -> Iterator[jobs_pb2.JobEvent]:
        """The events of a job, those of the past first, until it ends.

        A lost connection is opened again after the last event that came, so that none is missed
        and none comes twice.

        Args:
            name: The job.
            after_event_id: Only events after this one.
        """
        kind, name = self._find(name)
        last_id = after_event_id

        def request_after(last: jobs_pb2.JobEvent | None) -> Any:
            return kind.request("Watch", name=name, after_event_id=last_id)

        # A service that shuts down may end the stream in good order before the job ends.
        while True:
            events: Iterator[jobs_pb2.JobEvent] = self._to(kind).stream(
                f"Watch{kind.noun}", request_after, may_be_silent=True
            )
            for event in events:
                last_id = event.event_id
                yield event
                if event.WhichOneof("event") == "state_change" and event.state_change.to in _ENDED:
                    return
            if has_ended(self._get(kind, name)):
                return

    def wait(
        self,
        job: J,
        *,
        on_event: Callable[[jobs_pb2.JobEvent], None] = lambda event: None,
    ) -> J:
        """Waits until a job has ended and returns it.

        Args:
            job: The job; `job(name)` finds it by its name.
            on_event: Called with every event.

        Raises:
            MedsynthError: The job failed: its own error. `AbortedError`: it was cancelled.
        """
        for event in self.watch(job.name):
            on_event(event)
        ended = self.job(job.name)
        error = error_of(ended)
        if error is not None:
            raise error
        return cast(J, ended)

    def _get(self, kind: JobKind, name: str) -> Job:
        request = kind.request("Get", name=name)
        return self._to(kind).call(f"Get{kind.noun}", request, kind.message)

    def _list(self, kind: JobKind, states: Sequence[int]) -> Iterator[Job]:
        token = ""
        while True:
            request = kind.request("List", page_token=token, states=states)
            page = self._to(kind).call(f"List{kind.noun}s", request, kind.page)
            yield from page.jobs
            token = page.next_page_token
            if not token:
                return

    def _find(self, name: str) -> tuple[JobKind, str]:
        name = name if "/" in name else self.job(name).name
        return _kind(name), name

    def _reachable(self) -> list[JobKind]:
        return [kind for kind in KINDS.values() if self._to(kind).address]

    def _to(self, kind: JobKind) -> Connection:
        return self._connections[kind.service]


def _kind(name: str) -> JobKind:
    collection, _, rest = name.partition("/")
    if collection not in KINDS or "/" in rest:
        accepted = ", ".join(f"{known}/{{id}}" for known in KINDS)
        raise InvalidArgumentError.field("name", name, f"one of {accepted}, or the id alone")
    return KINDS[collection]
