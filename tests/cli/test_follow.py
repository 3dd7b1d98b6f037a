from __future__ import annotations

import pytest

from medsynth import errors
from medsynth.cli.connect import connect
from medsynth.cli.exits import JobNotSucceededError
from medsynth.cli.follow import follow, kind_of
from medsynth.v1.jobs_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_RUNNING,
    JobEvent,
)
from medsynth.v1.trainer_pb2 import PreparationJob
from tests.cli.services import Services


class Recorder:
    """Keeps what it is shown, and lets the training go on once it has shown the preparation."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.titles: dict[str, str] = {}
        self.events: list[tuple[str, str]] = []
        self.reasons: list[str] = []
        self.closed = False

    def add(self, job: str, title: str, state: str = "QUEUED") -> None:
        self.titles[job] = title

    def event(self, job: str, event: JobEvent) -> None:
        if "waits in the queue" in event.message:
            self.reasons.append(event.message)
            self.services.begins.set()
            return
        self.events.append((job, event.event_id))
        if job == "preparationJobs/p1":
            self.services.prepared.set()

    def close(self) -> None:
        self.closed = True


def test_the_jobs_that_a_job_waits_for_are_shown_too(services: Services) -> None:
    services.prepared.clear()
    shown = Recorder(services)
    with connect() as client:
        job = follow(client, client.train("phantom://cardiac", "hinge"), shown)
    assert job.generator == "generators/heart"
    assert shown.titles == {"trainingJobs/t1": "training", "preparationJobs/p1": "preparation"}
    of_the_training = [event for name, event in shown.events if name == "trainingJobs/t1"]
    assert of_the_training == ["1", "2", "3", "4", "5"]
    assert ("preparationJobs/p1", "1") in shown.events
    assert shown.closed


def test_a_job_that_stays_in_its_queue_says_why(services: Services) -> None:
    services.begins.clear()
    other = services.add("preparationJobs/other", PreparationJob, None)
    other.status.state = JOB_STATE_RUNNING
    shown = Recorder(services)
    with connect() as client:
        follow(client, client.prepare("phantom://cardiac"), shown, patience=0.001)
    assert "preparationJobs/other runs" in shown.reasons[0]
    assert len(shown.reasons) == 1


@pytest.mark.parametrize("outcome", [JOB_STATE_FAILED, JOB_STATE_CANCELLED])
def test_a_job_that_does_not_succeed_is_an_error_with_its_reason(
    services: Services, outcome: int
) -> None:
    services.outcome = outcome
    shown = Recorder(services)
    with connect() as client, pytest.raises(JobNotSucceededError) as caught:
        follow(client, client.prepare("phantom://cardiac"), shown)
    assert caught.value.job == "preparationJobs/p1"
    cancelled = isinstance(caught.value.error, errors.AbortedError)
    assert cancelled == (outcome == JOB_STATE_CANCELLED)
    assert shown.closed


def test_kinds_for_people() -> None:
    assert kind_of("syntheticDatasetJobs/1") == "synthetic dataset"
    assert kind_of("trainingJobs/1") == "training"
