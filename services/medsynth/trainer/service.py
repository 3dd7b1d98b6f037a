"""The trainer's gRPC service: data sets, trainings, presets.

Started by `python -m medsynth.trainer.service`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NoReturn

import grpc
from google.protobuf import empty_pb2

from medsynth.data.inspection import check_heeded
from medsynth.gans.presets import PRESETS
from medsynth.platform.artifacts import (
    DATASETS,
    INSPECTION_PAGE,
    INSPECTIONS,
    dataset_message,
    inspection_message,
)
from medsynth.platform.citations import check_deletable
from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.jobs.resource import JobMethods
from medsynth.platform.jobs.store import JobStore
from medsynth.platform.rpc.names import parse_name
from medsynth.platform.rpc.pages import page
from medsynth.platform.rpc.pieces import pieces
from medsynth.platform.rpc.server import Background
from medsynth.platform.rpc.service import run_service
from medsynth.platform.sources import fill_source, to_source
from medsynth.settings import Settings
from medsynth.storage import Storage
from medsynth.trainer.requests import fill_training, gan_message
from medsynth.v1 import jobs_pb2, trainer_pb2, trainer_pb2_grpc, types_pb2

SERVICE: Final = "medsynth.v1.TrainerService"
"""Full name of the gRPC service."""


class TrainerServicer(trainer_pb2_grpc.TrainerServiceServicer):
    """The methods of `TrainerService`.

    Domain errors leave the methods as they are; the server's interceptor turns them into statuses.

    Args:
        store: The jobs.
        storage: The artifacts.
        roots: Folders and buckets that requests may name.
    """

    def __init__(self, store: JobStore, storage: Storage, roots: Sequence[str]) -> None:
        self._store = store
        self._storage = storage
        self._roots = roots
        self._preparations = JobMethods(store, "preparation", _preparation, storage)
        self._inspections = JobMethods(store, "inspection", _inspection, storage)
        self._trainings = JobMethods(store, "training", _training, storage)

    # Data sets

    def PrepareDataset(  # noqa: N802
        self, request: trainer_pb2.PrepareDatasetRequest, context: grpc.ServicerContext
    ) -> trainer_pb2.PreparationJob:
        """Starts a preparation."""
        source = fill_source(request.specification, self._roots, "specification")
        job: trainer_pb2.PreparationJob = self._preparations.create(request, source)
        return job

    def GetPreparationJob(  # noqa: N802
        self, request: trainer_pb2.GetPreparationJobRequest, context: grpc.ServicerContext
    ) -> trainer_pb2.PreparationJob:
        """One preparation."""
        job: trainer_pb2.PreparationJob = self._preparations.get(request)
        return job

    def ListPreparationJobs(  # noqa: N802
        self, request: trainer_pb2.ListPreparationJobsRequest, context: grpc.ServicerContext
    ) -> trainer_pb2.ListPreparationJobsResponse:
        """A page of preparations."""
        jobs: trainer_pb2.ListPreparationJobsResponse = self._preparations.list(request)
        return jobs

    def CancelPreparationJob(  # noqa: N802
        self, request: trainer_pb2.CancelPreparationJobRequest, context: grpc.ServicerContext
    ) -> trainer_pb2.PreparationJob:
        """Asks a preparation to stop."""
        job: trainer_pb2.PreparationJob = self._preparations.cancel(request)
        return job

    def WatchPreparationJob(  # noqa: N802
        self, request: trainer_pb2.WatchPreparationJobRequest, context: grpc.ServicerContext
    ) -> Iterator[jobs_pb2.JobEvent]:
        """A preparation's events."""
        return self._preparations.watch(request, context.is_active)

    def DeletePreparationJob(  # noqa: N802
        self, request: trainer_pb2.DeletePreparationJobRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Deletes a preparation's record."""
        return self._preparations.delete(request)

    def InspectDataset(  # noqa: N802
        self, request: trainer_pb2.InspectDatasetRequest, context: grpc.ServicerContext
    ) -> trainer_pb2.InspectionJob:
        """Starts an inspection."""
        source = fill_source(request.specification, self._roots, "specification")
        check_heeded(to_source(source).preparation)
        job: trainer_pb2.InspectionJob = self._inspections.create(request, source)
        return job

    def GetInspectionJob(  # noqa: N802
        self, request: trainer_pb2.GetInspectionJobRequest, context: grpc.ServicerContext
    ) -> trainer_pb2.InspectionJob:
        """One inspection's job."""
        job: trainer_pb2.InspectionJob = self._inspections.get(request)
        return job

    def ListInspectionJobs(  # noqa: N802
        self, request: trainer_pb2.ListInspectionJobsRequest, context: grpc.ServicerContext
    ) -> trainer_pb2.ListInspectionJobsResponse:
        """A page of inspections' jobs."""
        jobs: trainer_pb2.ListInspectionJobsResponse = self._inspections.list(request)
        return jobs

    def CancelInspectionJob(  # noqa: N802
        self, request: trainer_pb2.CancelInspectionJobRequest, context: grpc.ServicerContext
    ) -> trainer_pb2.InspectionJob:
        """Asks an inspection to stop."""
        job: trainer_pb2.InspectionJob = self._inspections.cancel(request)
        return job

    def WatchInspectionJob(  # noqa: N802
        self, request: trainer_pb2.WatchInspectionJobRequest, context: grpc.ServicerContext
    ) -> Iterator[jobs_pb2.JobEvent]:
        """An inspection's events."""
        return self._inspections.watch(request, context.is_active)

    def DeleteInspectionJob(  # noqa: N802
        self, request: trainer_pb2.DeleteInspectionJobRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Deletes an inspection's record; what it found stays."""
        return self._inspections.delete(request)

    def GetInspection(  # noqa: N802
        self, request: trainer_pb2.GetInspectionRequest, context: grpc.ServicerContext
    ) -> Iterator[trainer_pb2.GetInspectionResponse]:
        """What was found, then its page in pieces."""
        artifact = self._storage.get(INSPECTIONS, parse_name(request.name, INSPECTIONS))
        yield trainer_pb2.GetInspectionResponse(inspection=inspection_message(artifact))
        if request.include_html:
            for piece in pieces(artifact.read(INSPECTION_PAGE)):
                yield trainer_pb2.GetInspectionResponse(html=piece)

    def DeleteInspection(  # noqa: N802
        self, request: trainer_pb2.DeleteInspectionRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Deletes what an inspection found."""
        identifier = parse_name(request.name, INSPECTIONS)
        self._storage.get(INSPECTIONS, identifier)
        self._storage.delete(INSPECTIONS, identifier)
        return empty_pb2.Empty()

    def GetDataset(  # noqa: N802
        self, request: trainer_pb2.GetDatasetRequest, context: grpc.ServicerContext
    ) -> types_pb2.Dataset:
        """One prepared set."""
        identifier = parse_name(request.name, DATASETS)
        return dataset_message(self._storage.get(DATASETS, identifier))

    def ListDatasets(  # noqa: N802
        self, request: trainer_pb2.ListDatasetsRequest, context: grpc.ServicerContext
    ) -> trainer_pb2.ListDatasetsResponse:
        """A page of prepared sets."""
        found, token = page(
            self._storage.list(DATASETS),
            lambda artifact: (artifact.manifest.created, artifact.manifest.id),
            DATASETS,
            dataset_message,
            size=request.page_size,
            token=request.page_token,
        )
        return trainer_pb2.ListDatasetsResponse(datasets=found, next_page_token=token)

    def DeleteDataset(  # noqa: N802
        self, request: trainer_pb2.DeleteDatasetRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Deletes a prepared set, unless it is needed."""
        identifier = parse_name(request.name, DATASETS)
        dataset = self._storage.get(DATASETS, identifier)
        check_deletable(dataset, self._store, force=request.force)
        self._storage.delete(DATASETS, identifier)
        return empty_pb2.Empty()

    # Trainings

    def CreateTrainingJob(  # noqa: N802
        self, request: trainer_pb2.CreateTrainingJobRequest, context: grpc.ServicerContext
    ) -> trainer_pb2.TrainingJob:
        """Starts a training."""
        specification = fill_training(request.specification, self._roots)
        job: trainer_pb2.TrainingJob = self._trainings.create(request, specification)
        return job

    def GetTrainingJob(  # noqa: N802
        self, request: trainer_pb2.GetTrainingJobRequest, context: grpc.ServicerContext
    ) -> trainer_pb2.TrainingJob:
        """One training."""
        job: trainer_pb2.TrainingJob = self._trainings.get(request)
        return job

    def ListTrainingJobs(  # noqa: N802
        self, request: trainer_pb2.ListTrainingJobsRequest, context: grpc.ServicerContext
    ) -> trainer_pb2.ListTrainingJobsResponse:
        """A page of trainings."""
        jobs: trainer_pb2.ListTrainingJobsResponse = self._trainings.list(request)
        return jobs

    def CancelTrainingJob(  # noqa: N802
        self, request: trainer_pb2.CancelTrainingJobRequest, context: grpc.ServicerContext
    ) -> trainer_pb2.TrainingJob:
        """Asks a training to stop."""
        job: trainer_pb2.TrainingJob = self._trainings.cancel(request)
        return job

    def WatchTrainingJob(  # noqa: N802
        self, request: trainer_pb2.WatchTrainingJobRequest, context: grpc.ServicerContext
    ) -> Iterator[jobs_pb2.JobEvent]:
        """A training's events."""
        return self._trainings.watch(request, context.is_active)

    def DeleteTrainingJob(  # noqa: N802
        self, request: trainer_pb2.DeleteTrainingJobRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Deletes a training's record and checkpoints."""
        return self._trainings.delete(request)

    # Presets

    def ListPresets(  # noqa: N802
        self, request: trainer_pb2.ListPresetsRequest, context: grpc.ServicerContext
    ) -> trainer_pb2.ListPresetsResponse:
        """The presets with every field."""
        return trainer_pb2.ListPresetsResponse(
            presets=[
                trainer_pb2.Preset(
                    name=preset.name,
                    summary=preset.summary,
                    paper=preset.paper,
                    gan=gan_message(preset.specification),
                )
                for preset in PRESETS.values()
            ]
        )


def _preparation(record: JobRecord) -> trainer_pb2.PreparationJob:
    return trainer_pb2.PreparationJob(
        name=record.name,
        status=record.status(),
        specification=record.specification,
        dataset=record.result.get("dataset", ""),
    )


def _inspection(record: JobRecord) -> trainer_pb2.InspectionJob:
    return trainer_pb2.InspectionJob(
        name=record.name,
        status=record.status(),
        specification=record.specification,
        inspection=record.result.get("inspection", ""),
    )


def _training(record: JobRecord) -> trainer_pb2.TrainingJob:
    return trainer_pb2.TrainingJob(
        name=record.name,
        status=record.status(),
        specification=record.specification,
        generator=record.result.get("generator", ""),
        weights_digest=record.result.get("weights_digest", ""),
    )


def _make(
    store: JobStore, storage: Storage, settings: Settings
) -> tuple[TrainerServicer, Sequence[Background]]:
    return TrainerServicer(store, storage, settings.data_roots), ()


def main() -> NoReturn:
    """Serves until SIGTERM or SIGINT."""
    run_service("trainer", SERVICE, trainer_pb2_grpc.add_TrainerServiceServicer_to_server, _make)


if __name__ == "__main__":
    main()
