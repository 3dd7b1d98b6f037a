"""The six methods with the messages of the contract."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from google.protobuf import empty_pb2

from medsynth.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.jobs.resource import JobMethods
from medsynth.platform.jobs.store import JobStore
from medsynth.settings import Settings
from medsynth.storage import Storage
from medsynth.v1 import jobs_pb2, trainer_pb2
from medsynth.v1.jobs_pb2 import JobState
from tests.platform.jobs.conftest import claim


@pytest.fixture
def store(settings: Settings) -> JobStore:
    return JobStore(settings.redis_url, settings, announce=lambda *_: None)


def resource(record: JobRecord) -> trainer_pb2.TrainingJob:
    return trainer_pb2.TrainingJob(
        name=record.name,
        status=record.status(),
        specification=record.specification,
        generator=record.result.get("generator", ""),
    )


@pytest.fixture
def methods(store: JobStore, tmp_path: Path) -> JobMethods:
    return JobMethods(store, "training", resource, Storage(str(tmp_path)))


def test_a_job_through_all_six(methods: JobMethods, store: JobStore, tmp_path: Path) -> None:
    specification = trainer_pb2.TrainingSpecification(images=3)
    created = methods.create(trainer_pb2.CreateTrainingJobRequest(request_id="r"), specification)
    assert created.name.startswith("trainingJobs/")
    assert created.specification.images == 3
    assert created.status.state == JobState.JOB_STATE_QUEUED
    assert created.status.queue == "gpu"

    again = methods.create(
        trainer_pb2.CreateTrainingJobRequest(request_id="r", specification=specification)
    )
    assert again.name == created.name
    store.succeed(claim(store, created.name), {"generator": "generators/g"})
    got = methods.get(trainer_pb2.GetTrainingJobRequest(name=created.name))
    assert got.generator == "generators/g"
    assert got.status.end_time.ToNanoseconds() >= got.status.start_time.ToNanoseconds() > 0

    listed = methods.list(trainer_pb2.ListTrainingJobsRequest(page_size=1))
    assert listed == trainer_pb2.ListTrainingJobsResponse(jobs=[got])
    assert methods.cancel(trainer_pb2.CancelTrainingJobRequest(name=created.name)) == got

    events = list(methods.watch(trainer_pb2.WatchTrainingJobRequest(name=created.name)))
    assert [event.state_change.to for event in events] == [
        JobState.JOB_STATE_QUEUED,
        JobState.JOB_STATE_RUNNING,
        JobState.JOB_STATE_SUCCEEDED,
    ]
    checkpoint = tmp_path / created.name.replace("trainingJobs", "jobs") / "checkpoint"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    request = trainer_pb2.DeleteTrainingJobRequest(name=created.name)
    assert methods.delete(request) == empty_pb2.Empty()
    assert not checkpoint.parent.exists()
    with pytest.raises(NotFoundError):
        methods.delete(request)


def test_a_job_that_runs_is_not_deleted_with_its_checkpoints(
    methods: JobMethods, store: JobStore, tmp_path: Path
) -> None:
    name = store.create("training", trainer_pb2.TrainingSpecification()).name
    folder = tmp_path / "jobs" / name.partition("/")[2]
    folder.mkdir(parents=True)
    with pytest.raises(FailedPreconditionError):
        methods.delete(trainer_pb2.DeleteTrainingJobRequest(name=name))
    assert folder.exists()


def test_jobs_of_another_kind_are_no_names_here(methods: JobMethods, store: JobStore) -> None:
    other = store.create("evaluation", store.kinds["evaluation"].message_class()).name
    for name in ("", other, "trainingJobs/", "trainingJobs/../x"):
        for method in (methods.get, methods.cancel, methods.watch, methods.delete):
            with pytest.raises(InvalidArgumentError) as caught:
                method(trainer_pb2.WatchTrainingJobRequest(name=name))
            assert caught.value.violations[0].field == "name"
    assert not store.get(other).ended


def test_the_states_of_a_request_are_checked(methods: JobMethods) -> None:
    request = trainer_pb2.ListTrainingJobsRequest(states=[jobs_pb2.JOB_STATE_QUEUED])
    request.states.append(cast("jobs_pb2.JobState", 77))
    with pytest.raises(InvalidArgumentError, match="states"):
        methods.list(request)
