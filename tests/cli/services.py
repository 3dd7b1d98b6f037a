"""The three services in one, for the command's own tests: real gRPC, scripted jobs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
from google.protobuf import empty_pb2

from medsynth import errors
from medsynth.platform.rpc.errors import to_status
from medsynth.v1 import (
    evaluator_pb2,
    evaluator_pb2_grpc,
    jobs_pb2,
    sampler_pb2,
    sampler_pb2_grpc,
    trainer_pb2,
    trainer_pb2_grpc,
    types_pb2,
)
from tests.client.servers import refuse

GENERATOR = types_pb2.Generator(
    name="generators/heart",
    digest="sha256:aa",
    weights_digest="sha256:bb",
    source=types_pb2.DataSource(uri="phantom://cardiac"),
    gan=types_pb2.GanSpecification(preset="hinge", batch_size=64),
    size=4,
    channels=1,
    bits=8,
    classes=["background", "myocardium"],
    images=50_000,
    metrics={"loss/generator": 0.25},
)
DATASET = types_pb2.Dataset(
    name="datasets/d1",
    source=types_pb2.DataSource(uri="phantom://cardiac"),
    channels=1,
    size=64,
    classes=["background", "myocardium"],
    splits=[types_pb2.DatasetSplit(name="train", patients=36, volumes=72, slices=576)],
)
PRESET = trainer_pb2.Preset(
    name="hinge",
    summary="Hinge loss with spectral normalisation.",
    paper="Lim and Ye, Geometric GAN, 2017",
    gan=types_pb2.GanSpecification(preset="hinge", batch_size=64, optimiser="adam"),
)
REPORT = evaluator_pb2.Report(
    name="reports/r1",
    subject="generators/heart",
    scores=[
        evaluator_pb2.Score(
            metric="fid",
            comparison="synthetic-train",
            missing="the Inception weights are not there: put them into weights/",
            protocol=evaluator_pb2.Protocol(features="inception-2015-12-05/pool3-2048"),
        ),
        evaluator_pb2.Score(
            metric="dice",
            comparison="synthetic",
            label="mean",
            value=0.8765,
            low=0.86,
            high=0.89,
            protocol=evaluator_pb2.Protocol(features="unet", seed=0, repeats=3),
        ),
    ],
)
INSPECTION = trainer_pb2.Inspection(
    name="inspections/i1",
    source=types_pb2.DataSource(uri="/data/acdc", reader="acdc"),
    reader="acdc",
    patients=6,
    volumes=12,
    slices=120,
    channels={1: 12},
    classes=[
        trainer_pb2.ClassSummary(label=0, name="background", pixels=900, slices=120, volumes=12),
        trainer_pb2.ClassSummary(label=1, name="rv cavity", pixels=100, slices=90, volumes=12),
    ],
    sizes=[trainer_pb2.SizeSummary(slices=10, rows=256, columns=216, volumes=12)],
    intensities=[
        trainer_pb2.IntensitySummary(
            channel=0, low=0, high=255,
            percents=[0.5, 5, 25, 50, 75, 95, 99.5], percentiles=[0, 1, 20, 40, 80, 120, 200],
        )
    ],
    empty_slices=30,
    duplicates=[
        trainer_pb2.Duplicate(
            first="a slice 1", second="b slice 2", first_patient="a", second_patient="b",
            first_split="train", second_split="test", correlation=0.999, turned=True,
        )
    ],
    problems=[trainer_pb2.FileProblem(file="p7/x.nii.gz", reason="not a readable NIfTI file")],
    problem_count=25,
    remarks=["uneven spacing"],
    splits=[trainer_pb2.GroupSummary(name="train", patients=4, slices=80)],
    listed_patients=[
        trainer_pb2.PatientSummary(name=f"p{k}", split=split)
        for k, split in enumerate(["train", "test", "", "validation", "test", "train"])
    ],
)  # fmt: skip
DONE = {
    "preparationJobs": {"dataset": "datasets/d1"},
    "inspectionJobs": {"inspection": "inspections/i1"},
    "trainingJobs": {"generator": "generators/heart", "weights_digest": "sha256:bb"},
    "syntheticDatasetJobs": {"uri": "/storage/drawn", "digest": "sha256:cc"},
    "evaluationJobs": {"report": "reports/r1"},
}


class Services(
    trainer_pb2_grpc.TrainerServiceServicer,
    sampler_pb2_grpc.SamplerServiceServicer,
    evaluator_pb2_grpc.EvaluatorServiceServicer,
):
    """Jobs run when they are watched and end as `outcome` says; trainings wait for a preparation.

    Attributes:
        jobs: By name.
        requests: What was created or sampled, in order.
        outcome: State in which watched jobs end.
        error: Error of jobs that fail.
        stays: While it is set, a watched job stays in the middle.
        begins: While it is not set, watched jobs stay in their queue.
        prepared: What trainings wait for after they said that they wait for a preparation.
        watching: Set once a job is in its middle.
        sample_breaks: Whether `Sample` ends with an error after its first batch.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, Any] = {}
        self.requests: list[Any] = []
        self.outcome: int = jobs_pb2.JOB_STATE_SUCCEEDED
        self.error: errors.MedsynthError = errors.DataError("patient007 has no mask")
        self.stays = False
        self.watching = threading.Event()
        self.leave = threading.Event()
        self.begins = threading.Event()
        self.begins.set()
        self.prepared = threading.Event()
        self.prepared.set()
        self.sample_breaks = False
        for kind, plural in {
            "PreparationJob": "preparationJobs",
            "InspectionJob": "inspectionJobs",
            "TrainingJob": "trainingJobs",
            "SyntheticDatasetJob": "syntheticDatasetJobs",
            "EvaluationJob": "evaluationJobs",
        }.items():
            setattr(self, f"Get{kind}", self._get)
            setattr(self, f"Cancel{kind}", self._cancel)
            setattr(self, f"Watch{kind}", self._watch)
            setattr(self, f"Delete{kind}", self._delete)
            setattr(self, f"List{kind}s", self._lister(plural))

    def add(self, name: str, message: type[Any], specification: Any) -> Any:
        job = message(name=name, specification=specification)
        job.status.state = jobs_pb2.JOB_STATE_QUEUED
        job.status.create_time.seconds = 1_700_000_000 + len(self.jobs)
        self.jobs[name] = job
        return job

    def InspectDataset(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self.requests.append(request)
        return self.add("inspectionJobs/i1", trainer_pb2.InspectionJob, request.specification)

    def GetInspection(  # noqa: N802
        self, request: Any, context: grpc.ServicerContext
    ) -> Iterator[Any]:
        yield trainer_pb2.GetInspectionResponse(inspection=INSPECTION)
        if request.include_html:
            yield trainer_pb2.GetInspectionResponse(html=b"<html>what there is</html>")

    def DeleteInspection(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self.requests.append(request)
        return empty_pb2.Empty()

    def PrepareDataset(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self.requests.append(request)
        return self.add("preparationJobs/p1", trainer_pb2.PreparationJob, request.specification)

    def CreateTrainingJob(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self.requests.append(request)
        if request.specification.gan.preset == "nogan":
            violation = errors.InvalidArgumentError.field(
                "specification.gan.preset", "nogan", "one of hinge"
            )
            refuse(context, violation)
        self.add("preparationJobs/p1", trainer_pb2.PreparationJob, request.specification.data)
        return self.add("trainingJobs/t1", trainer_pb2.TrainingJob, request.specification)

    def CreateSyntheticDatasetJob(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self.requests.append(request)
        return self.add(
            "syntheticDatasetJobs/s1", sampler_pb2.SyntheticDatasetJob, request.specification
        )

    def CreateEvaluationJob(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self.requests.append(request)
        return self.add("evaluationJobs/e1", evaluator_pb2.EvaluationJob, request.specification)

    def GetGenerator(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        if request.name != GENERATOR.name:
            refuse(context, errors.NotFoundError(f"{request.name} does not exist"))
        return GENERATOR

    def ListGenerators(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return sampler_pb2.ListGeneratorsResponse(generators=[GENERATOR])

    def DeployGenerator(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        deployed = types_pb2.Generator(deployed=True)
        deployed.MergeFrom(GENERATOR)
        return deployed

    def UndeployGenerator(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return GENERATOR

    def DeleteGenerator(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._delete_unless_cited(request, context)

    def DeleteSyntheticDataset(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._delete_unless_cited(request, context)

    def DeleteReport(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self.requests.append(request)
        return empty_pb2.Empty()

    def _delete_unless_cited(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.requests.append(request)
        if not request.force:
            refuse(context, errors.FailedPreconditionError("reports/e1 cites it"))
        return empty_pb2.Empty()

    def GetDataset(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return DATASET

    def ListDatasets(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return trainer_pb2.ListDatasetsResponse(datasets=[DATASET])

    def DeleteDataset(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    def ListPresets(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return trainer_pb2.ListPresetsResponse(presets=[PRESET])

    def GetReport(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        yield evaluator_pb2.GetReportResponse(report=REPORT)
        if request.include_html:
            yield evaluator_pb2.GetReportResponse(html=b"<html>hearts</html>")

    def Sample(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        self.requests.append(request)
        for index in range(request.first_index, request.first_index + request.count):
            images = np.full((1, 1, 4, 4), index % 256, np.uint8)
            yield sampler_pb2.SampleBatch(
                first_index=index,
                count=1,
                channels=1,
                height=4,
                width=4,
                bits=8,
                images=images.tobytes(),
                masks=(images[:, 0] % 2).tobytes(),
            )
            if self.stays:
                self.watching.set()
                self.leave.wait(30)
            if self.sample_breaks:
                refuse(context, errors.ResourceExhaustedError("Triton has no memory left"))

    def _get(self, request: Any, context: grpc.ServicerContext) -> Any:
        if request.name not in self.jobs:
            refuse(context, errors.NotFoundError(f"{request.name} does not exist"))
        return self.jobs[request.name]

    def _cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        job = self._get(request, context)
        job.status.state = jobs_pb2.JOB_STATE_CANCELLED
        return job

    def _delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._get(request, context)
        del self.jobs[request.name]
        return empty_pb2.Empty()

    def _lister(self, collection: str) -> Any:
        response = {
            "preparationJobs": trainer_pb2.ListPreparationJobsResponse,
            "inspectionJobs": trainer_pb2.ListInspectionJobsResponse,
            "trainingJobs": trainer_pb2.ListTrainingJobsResponse,
            "syntheticDatasetJobs": sampler_pb2.ListSyntheticDatasetJobsResponse,
            "evaluationJobs": evaluator_pb2.ListEvaluationJobsResponse,
        }[collection]

        def list_jobs(request: Any, context: grpc.ServicerContext) -> Any:
            found = [
                job
                for name, job in self.jobs.items()
                if name.startswith(collection)
                and (not request.states or job.status.state in request.states)
            ]
            return response(jobs=found)

        return list_jobs

    def _watch(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        job = self._get(request, context)
        collection = request.name.partition("/")[0]
        begun = int(request.after_event_id or 0)
        event_id = 0

        def event(**fields: Any) -> Iterator[Any]:
            nonlocal event_id
            event_id += 1
            if "state_change" in fields:
                job.status.state = fields["state_change"].to
            if event_id > begun:
                yield jobs_pb2.JobEvent(event_id=str(event_id), **fields)

        if not self.begins.is_set():
            yield from event(state_change=jobs_pb2.StateChange(to=jobs_pb2.JOB_STATE_QUEUED))
            self.begins.wait(30)
        if collection == "trainingJobs":
            job.status.children[:] = ["preparationJobs/p1"]
            yield from event(state_change=jobs_pb2.StateChange(to=jobs_pb2.JOB_STATE_WAITING))
            self.prepared.wait(30)
        yield from event(state_change=jobs_pb2.StateChange(to=jobs_pb2.JOB_STATE_RUNNING))
        progress = jobs_pb2.Progress(
            done=1200,
            total=50_000,
            unit="images",
            rate=310.0,
            seconds_left=157.4,
            phase="training",
            metrics={"loss/generator": 0.5, "loss/discriminator": float("nan")},
        )
        job.status.progress.CopyFrom(progress)
        yield from event(progress=progress)
        yield from event(message="sample grid written")
        if self.stays:
            self.watching.set()
            self.leave.wait(30)
        if self.outcome == jobs_pb2.JOB_STATE_FAILED:
            job.status.error.CopyFrom(to_status(self.error))
        if self.outcome == jobs_pb2.JOB_STATE_SUCCEEDED:
            for field, value in DONE[collection].items():
                setattr(job, field, value)
        yield from event(state_change=jobs_pb2.StateChange(to=self.outcome))
