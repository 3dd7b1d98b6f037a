"""What `jobs show` says about a job that waits in a queue."""

from __future__ import annotations

import pytest

from medsynth.v1 import jobs_pb2, trainer_pb2
from tests.cli.conftest import Medsynth
from tests.cli.services import Services


def add(services: Services, name: str, state: str, queue: str = "gpu") -> None:
    """A job that was made after those before it."""
    job = services.add(name, trainer_pb2.TrainingJob, trainer_pb2.TrainingSpecification())
    job.status.state = jobs_pb2.JobState.Value(f"JOB_STATE_{state}")
    job.status.queue = queue


def test_what_runs_and_what_came_earlier_is_said(medsynth: Medsynth, services: Services) -> None:
    add(services, "trainingJobs/runs", "RUNNING")
    add(services, "trainingJobs/stops", "CANCELLING")
    add(services, "trainingJobs/earlier", "QUEUED")
    add(services, "trainingJobs/again", "RECOVERING")
    add(services, "trainingJobs/mine", "QUEUED")
    add(services, "trainingJobs/later", "QUEUED")
    add(services, "trainingJobs/done", "SUCCEEDED")
    add(services, "trainingJobs/parent", "WAITING")
    add(services, "trainingJobs/light", "RUNNING", "light")
    err = medsynth("jobs", "show", "mine").err
    assert err == (
        "trainingJobs/mine  waits in the queue gpu: trainingJobs/runs, trainingJobs/stops run, "
        "2 of those that wait came earlier\n"
    )
    assert "trainingJobs/runs run" not in medsynth("jobs", "show", "mine", "--json").err


def test_a_queue_without_workers_is_told_apart(medsynth: Medsynth, services: Services) -> None:
    add(services, "trainingJobs/light", "RUNNING", "light")
    add(services, "trainingJobs/mine", "QUEUED")
    add(services, "trainingJobs/later", "QUEUED")
    err = medsynth("jobs", "show", "mine").err
    assert "no job runs and none came earlier" in err
    assert "no worker of that queue is there" in err


@pytest.mark.parametrize("state", ["RUNNING", "WAITING", "SUCCEEDED", "FAILED", "CANCELLED"])
def test_nothing_is_said_of_a_job_that_is_in_no_queue(
    medsynth: Medsynth, services: Services, state: str
) -> None:
    add(services, "trainingJobs/mine", state)
    assert medsynth("jobs", "show", "mine").err == ""
