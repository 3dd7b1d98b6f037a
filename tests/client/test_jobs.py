from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2

from medsynth import errors
from medsynth.client import Client
from medsynth.client.connection import Retry
from medsynth.client.jobs import KINDS, error_of, has_ended
from medsynth.platform.rpc.errors import to_status
from medsynth.v1 import evaluator_pb2_grpc, jobs_pb2, sampler_pb2_grpc, trainer_pb2_grpc
from medsynth.v1.jobs_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_RUNNING,
    JOB_STATE_SUCCEEDED,
)
from tests.client.servers import change, progress, refuse, serving, start

QUICK = Retry(attempts=3, first_pause=0.01, patience=5.0)


class Jobs:
    """The six methods of one kind of job, over a dictionary."""

    def __init__(self, collection: str, **jobs: Any) -> None:
        self.kind = KINDS[collection]
        self.jobs = {f"{collection}/{id}": job for id, job in jobs.items()}
        for name, job in self.jobs.items():
            job.name = name
        self.requests: list[Any] = []
        for verb in ("get", "cancel", "delete"):
            setattr(self, f"{verb.capitalize()}{self.kind.noun}", getattr(self, verb))
        setattr(self, f"List{self.kind.noun}s", self.list)

    def get(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.requests.append(request)
        if request.name not in self.jobs:
            refuse(context, errors.NotFoundError(f"{request.name} does not exist"))
        return self.jobs[request.name]

    def cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        job = self.get(request, context)
        job.status.state = JOB_STATE_CANCELLED
        return job

    def delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.get(request, context)
        del self.jobs[request.name]
        return empty_pb2.Empty()

    def list(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.requests.append(request)
        jobs = [
            job
            for job in self.jobs.values()
            if not request.states or job.status.state in request.states
        ]
        at = int(request.page_token or 0)
        return self.kind.page(
            jobs=jobs[at : at + 1], next_page_token=str(at + 1) if at + 1 < len(jobs) else ""
        )


class Trainer(Jobs, trainer_pb2_grpc.TrainerServiceServicer):
    def __init__(self, **jobs: Any) -> None:
        super().__init__("trainingJobs", **jobs)
        self.preparations, self.inspections = Jobs("preparationJobs"), Jobs("inspectionJobs")
        self.GetPreparationJob = self.preparations.get
        self.ListPreparationJobs = self.preparations.list
        self.GetInspectionJob = self.inspections.get
        self.ListInspectionJobs = self.inspections.list


class Sampler(Jobs, sampler_pb2_grpc.SamplerServiceServicer):
    pass


class Evaluator(Jobs, evaluator_pb2_grpc.EvaluatorServiceServicer):
    pass


def job(collection: str, created: int, state: jobs_pb2.JobState = JOB_STATE_RUNNING) -> Any:
    made = KINDS[collection].message()
    made.status.state = state
    made.status.create_time.seconds = created
    return made


@pytest.fixture
def trainer() -> Trainer:
    return Trainer(new=job("trainingJobs", 50), old=job("trainingJobs", 10, JOB_STATE_SUCCEEDED))


@pytest.fixture
def client(trainer: Trainer) -> Iterator[Client]:
    sampler = Sampler("syntheticDatasetJobs", middle=job("syntheticDatasetJobs", 30))
    evaluator = Evaluator("evaluationJobs", same=job("evaluationJobs", 40))
    trainer.preparations.jobs["preparationJobs/same"] = job("preparationJobs", 20)
    trainer.preparations.jobs["preparationJobs/same"].name = "preparationJobs/same"
    with (
        serving(trainer=trainer, sampler=sampler, evaluator=evaluator) as address,
        Client(trainer=address, sampler=address, evaluator=address, retry=QUICK) as made,
    ):
        yield made


def test_jobs_of_all_kinds_come_newest_first_over_all_pages(client: Client) -> None:
    assert [job.name for job in client.jobs()] == [
        "trainingJobs/new",
        "evaluationJobs/same",
        "syntheticDatasetJobs/middle",
        "preparationJobs/same",
        "trainingJobs/old",
    ]


def test_jobs_of_some_kinds_and_states(client: Client) -> None:
    assert [job.name for job in client.jobs(["trainingJobs"], [JOB_STATE_SUCCEEDED])] == [
        "trainingJobs/old"
    ]
    with pytest.raises(errors.InvalidArgumentError, match="trainingJobs"):
        client.jobs(["trainings"])


@pytest.mark.parametrize("name", ["trainingJobs/new", "new"])
def test_a_job_is_found_by_name_and_by_id(client: Client, name: str) -> None:
    assert client.job(name).name == "trainingJobs/new"


def test_an_id_of_two_jobs_is_refused_with_both_names(client: Client) -> None:
    with pytest.raises(errors.InvalidArgumentError, match="preparationJobs/same, evaluationJobs/"):
        client.job("same")


def test_an_id_of_no_job_and_a_name_of_no_kind_are_told_apart(client: Client) -> None:
    with pytest.raises(errors.NotFoundError, match="nothing"):
        client.job("nothing")
    with pytest.raises(errors.InvalidArgumentError, match="evaluationJobs/"):
        client.job("trainings/new")


def test_cancel_and_delete_take_an_id(client: Client, trainer: Trainer) -> None:
    assert client.cancel("new").status.state == JOB_STATE_CANCELLED
    client.delete_job("old")
    assert list(trainer.jobs) == ["trainingJobs/new"]


def test_a_deletion_whose_answer_was_lost_is_done() -> None:
    class Forgetful(Trainer):
        def DeleteTrainingJob(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
            self.delete(request, context)
            context.abort(grpc.StatusCode.UNAVAILABLE, "the connection breaks")

    servicer = Forgetful(x=job("trainingJobs", 1))
    servicer.DeleteTrainingJob = Forgetful.DeleteTrainingJob.__get__(servicer)
    with serving(trainer=servicer) as address, Client(trainer=address, retry=QUICK) as client:
        client.delete_job("trainingJobs/x")
        assert not servicer.jobs
        with pytest.raises(errors.NotFoundError):
            client.delete_job("trainingJobs/x")


class Watched(Trainer):
    """Sends the events of a job from any event on, and breaks off where it is told to."""

    def __init__(self, events: list[jobs_pb2.JobEvent], breaks: list[tuple[int, str]]) -> None:
        super().__init__(x=job("trainingJobs", 1))
        self.events = events
        self.breaks = breaks
        self.asked_after: list[str] = []

    def WatchTrainingJob(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self.asked_after.append(request.after_event_id)
        ends_after, how = self.breaks.pop(0) if self.breaks else (10**6, "end")
        for event in self.events:
            if int(event.event_id) <= int(request.after_event_id or 0):
                continue
            if int(event.event_id) > ends_after:
                break
            if event.state_change.to:
                self.jobs["trainingJobs/x"].status.state = event.state_change.to
            yield event
        if how == "break":
            context.abort(grpc.StatusCode.UNAVAILABLE, "the connection breaks")


EVENTS = [
    change(1, JOB_STATE_RUNNING),
    progress(2, 10),
    progress(3, 50),
    progress(4, 100),
    change(5, JOB_STATE_SUCCEEDED),
]


@pytest.mark.parametrize(
    "breaks", [[], [(2, "break"), (2, "break"), (4, "break")], [(0, "break")], [(1, "end")]]
)
def test_a_watch_misses_nothing_and_repeats_nothing(breaks: list[tuple[int, str]]) -> None:
    servicer = Watched(EVENTS, list(breaks))
    with serving(trainer=servicer) as address, Client(trainer=address, retry=QUICK) as client:
        assert list(client.watch("trainingJobs/x")) == EVENTS
    assert servicer.asked_after == ["", *(str(at) if at else "" for at, _ in breaks)]


def test_a_watch_begins_after_the_event_that_it_is_given() -> None:
    servicer = Watched(EVENTS, [])
    with serving(trainer=servicer) as address, Client(trainer=address, retry=QUICK) as client:
        assert [event.event_id for event in client.watch("trainingJobs/x", "3")] == ["4", "5"]
        assert list(client.watch("trainingJobs/x", "5")) == []


def test_a_watch_goes_on_at_a_service_that_was_started_anew() -> None:
    """The connection itself breaks: the server is gone for a while, and another takes its place."""
    first = Watched(EVENTS[:3], [])
    hold, held = threading.Event(), threading.Event()

    def watch_and_hold(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        yield from EVENTS[:3]
        held.set()
        hold.wait(30)

    first.WatchTrainingJob = watch_and_hold
    server, address = start(trainer=first)
    heard: list[str] = []
    with Client(trainer=address, retry=QUICK) as client:
        for event in client.watch("trainingJobs/x"):
            heard.append(event.event_id)
            if len(heard) == 3:
                assert held.wait(30)
                server.stop(None)
                hold.set()
                server.wait_for_termination()
                second = Watched(EVENTS, [])
                server, again = start(address, trainer=second)
                assert again == address
    server.stop(None).wait()
    assert heard == ["1", "2", "3", "4", "5"]
    assert second.asked_after == ["3"]


def test_a_watch_at_a_service_that_stays_away_gives_up() -> None:
    impatient = Retry(attempts=2, first_pause=0.01, patience=0.0)
    servicer = Watched(EVENTS, [(2, "break")] * 10)
    with (
        serving(trainer=servicer) as address,
        Client(trainer=address, retry=impatient) as client,
        pytest.raises(errors.UnavailableError, match=address),
    ):
        list(client.watch("trainingJobs/x"))


def test_wait_returns_the_job_that_succeeded() -> None:
    seen: list[jobs_pb2.JobEvent] = []
    with (
        serving(trainer=Watched(EVENTS, [])) as address,
        Client(trainer=address, retry=QUICK) as client,
    ):
        ended = client.wait(client.job("trainingJobs/x"), on_event=seen.append)
    assert has_ended(ended)
    assert error_of(ended) is None
    assert seen == EVENTS


def test_wait_raises_the_error_of_the_job_that_failed() -> None:
    servicer = Watched([change(1, JOB_STATE_FAILED)], [])
    why = errors.DataError("patient007 has no mask")
    servicer.jobs["trainingJobs/x"].status.error.CopyFrom(to_status(why))
    with (
        serving(trainer=servicer) as address,
        Client(trainer=address, retry=QUICK) as client,
        pytest.raises(errors.DataError) as caught,
    ):
        client.wait(client.job("trainingJobs/x"))
    assert caught.value.to_dict() == why.to_dict()


def test_wait_raises_for_a_job_that_was_cancelled() -> None:
    servicer = Watched([change(1, JOB_STATE_CANCELLED)], [])
    with (
        serving(trainer=servicer) as address,
        Client(trainer=address, retry=QUICK) as client,
        pytest.raises(errors.AbortedError, match="trainingJobs/x was cancelled"),
    ):
        client.wait(client.job("trainingJobs/x"))
