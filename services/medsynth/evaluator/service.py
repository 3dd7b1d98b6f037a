"""The evaluator's gRPC service: evaluations and their reports.

Started by `python -m medsynth.evaluator.service`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NoReturn

import grpc
from google.protobuf import empty_pb2, json_format

from medsynth.errors import DataError
from medsynth.evaluator.requests import Place, fill_evaluation
from medsynth.platform.artifacts import REPORT_FILE, REPORT_PAGE, REPORTS, resource_name
from medsynth.platform.citations import check_deletable
from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.jobs.resource import JobMethods
from medsynth.platform.jobs.store import JobStore
from medsynth.platform.rpc.names import parse_name
from medsynth.platform.rpc.pieces import pieces
from medsynth.platform.rpc.server import Background
from medsynth.platform.rpc.service import run_service
from medsynth.settings import Settings
from medsynth.storage import Artifact, Storage
from medsynth.v1 import evaluator_pb2, evaluator_pb2_grpc, jobs_pb2

SERVICE: Final = "medsynth.v1.EvaluatorService"
"""Full name of the gRPC service."""

"""Size of the pieces in which a page is sent."""


class EvaluatorServicer(evaluator_pb2_grpc.EvaluatorServiceServicer):
    """The methods of `EvaluatorService`.

    Domain errors leave the methods as they are; the server's interceptor turns them into statuses.

    Args:
        store: The jobs.
        storage: The artifacts.
        roots: Folders and buckets that requests may name.
    """

    def __init__(self, store: JobStore, storage: Storage, roots: Sequence[str]) -> None:
        self._store = store
        self._place = Place(storage, store, roots)
        self._storage = storage
        self._jobs = JobMethods(store, "evaluation", _evaluation, storage)

    def CreateEvaluationJob(  # noqa: N802
        self, request: evaluator_pb2.CreateEvaluationJobRequest, context: grpc.ServicerContext
    ) -> evaluator_pb2.EvaluationJob:
        """Starts an evaluation."""
        specification = fill_evaluation(request.specification, self._place)
        job: evaluator_pb2.EvaluationJob = self._jobs.create(request, specification)
        return job

    def GetEvaluationJob(  # noqa: N802
        self, request: evaluator_pb2.GetEvaluationJobRequest, context: grpc.ServicerContext
    ) -> evaluator_pb2.EvaluationJob:
        """One evaluation."""
        job: evaluator_pb2.EvaluationJob = self._jobs.get(request)
        return job

    def ListEvaluationJobs(  # noqa: N802
        self, request: evaluator_pb2.ListEvaluationJobsRequest, context: grpc.ServicerContext
    ) -> evaluator_pb2.ListEvaluationJobsResponse:
        """A page of evaluations."""
        jobs: evaluator_pb2.ListEvaluationJobsResponse = self._jobs.list(request)
        return jobs

    def CancelEvaluationJob(  # noqa: N802
        self, request: evaluator_pb2.CancelEvaluationJobRequest, context: grpc.ServicerContext
    ) -> evaluator_pb2.EvaluationJob:
        """Asks an evaluation to stop."""
        job: evaluator_pb2.EvaluationJob = self._jobs.cancel(request)
        return job

    def WatchEvaluationJob(  # noqa: N802
        self, request: evaluator_pb2.WatchEvaluationJobRequest, context: grpc.ServicerContext
    ) -> Iterator[jobs_pb2.JobEvent]:
        """An evaluation's events."""
        return self._jobs.watch(request, context.is_active)

    def DeleteEvaluationJob(  # noqa: N802
        self, request: evaluator_pb2.DeleteEvaluationJobRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Deletes an evaluation's record; its report stays."""
        return self._jobs.delete(request)

    def GetReport(  # noqa: N802
        self, request: evaluator_pb2.GetReportRequest, context: grpc.ServicerContext
    ) -> Iterator[evaluator_pb2.GetReportResponse]:
        """A report: its scores, then its page in pieces."""
        artifact = self._storage.get(REPORTS, parse_name(request.name, REPORTS))
        yield evaluator_pb2.GetReportResponse(report=_report(artifact))
        if not request.include_html:
            return
        for piece in pieces(artifact.read(REPORT_PAGE)):
            yield evaluator_pb2.GetReportResponse(html=piece)

    def DeleteReport(  # noqa: N802
        self, request: evaluator_pb2.DeleteReportRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Deletes a report, unless a job needs it."""
        identifier = parse_name(request.name, REPORTS)
        report = self._storage.get(REPORTS, identifier)
        check_deletable(report, self._store, force=False)
        self._storage.delete(REPORTS, identifier)
        return empty_pb2.Empty()


def _evaluation(record: JobRecord) -> evaluator_pb2.EvaluationJob:
    return evaluator_pb2.EvaluationJob(
        name=record.name,
        status=record.status(),
        specification=record.specification,
        report=record.result.get("report", ""),
    )


def _report(artifact: Artifact) -> evaluator_pb2.Report:
    try:
        return json_format.Parse(artifact.read(REPORT_FILE), evaluator_pb2.Report())
    except json_format.ParseError as error:
        raise DataError(f"{resource_name(artifact)} does not hold a report: {error}") from error


def _make(
    store: JobStore, storage: Storage, settings: Settings
) -> tuple[EvaluatorServicer, Sequence[Background]]:
    return EvaluatorServicer(store, storage, settings.data_roots), ()


def main() -> NoReturn:
    """Serves until SIGTERM or SIGINT."""
    run_service(
        "evaluator", SERVICE, evaluator_pb2_grpc.add_EvaluatorServiceServicer_to_server, _make
    )


if __name__ == "__main__":
    main()
