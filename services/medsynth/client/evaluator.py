"""The evaluator's methods: evaluations and their reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

from google.protobuf import empty_pb2

from medsynth.client.connection import Connection
from medsynth.client.names import new_request_id, resource_name
from medsynth.client.pages import first_part, whole_page
from medsynth.client.trainer import SourceFields, data_source
from medsynth.errors import InvalidArgumentError
from medsynth.v1 import evaluator_pb2, types_pb2


class EvaluatorMethods:
    """Part of `Client`: what the evaluator does."""

    _connections: Mapping[str, Connection]

    def evaluate(
        self,
        subject: str,
        *,
        data: types_pb2.DataSource | str | None = None,
        count: int | None = None,
        metrics: Sequence[str] = (),
        regimes: Sequence[str] = (),
        repeats: int | None = None,
        unet_steps: int | None = None,
        seed: int | None = None,
        request_id: str | None = None,
        **fields: Unpack[SourceFields],
    ) -> evaluator_pb2.EvaluationJob:
        """Starts an evaluation; `wait` returns it once it has ended, `report` its scores.

        Args:
            subject: `generators/{id}` or the id alone, `syntheticDatasetJobs/{id}`, or a folder
                as the services see it (an absolute path).
            data: The real data. None: what the generator was trained on.
            count: Synthetic images. None: 1,000.
            metrics: Of `fid`, `unet-fd`, `dice`. Empty: all.
            regimes: Of `real`, `augmented`, `synthetic`, `mixed`. Empty: all.
            repeats: U-Nets for each regime. None: 1.
            unet_steps: Optimisation steps of each U-Net. None: 1,000.
            seed: Seed of the draw and of the U-Nets. None: 0.
            request_id: The same id with the same request answers with the same job. None: a
                fresh one.
            fields: Of `data`: its `reader`, what the reader is told, such as `patient_pattern`,
                and its preparation, such as `size=128`.

        Raises:
            InvalidArgumentError: Such fields without data, or a subject of another kind.
        """
        if data is None and fields:
            raise InvalidArgumentError.field("data", data, "a data source to prepare this way")
        specification = evaluator_pb2.EvaluationSpecification(
            data=None if data is None else data_source(data, fields),
            count=count,
            metrics=metrics,
            regimes=regimes,
            repeats=repeats,
            unet_steps=unet_steps,
            seed=seed,
        )
        if subject.startswith("syntheticDatasetJobs/"):
            specification.synthetic_dataset_job = subject
        elif subject.startswith("/") or "://" in subject:
            specification.folder = subject
        else:
            specification.generator = resource_name(subject, "generators")
        request = evaluator_pb2.CreateEvaluationJobRequest(
            specification=specification, request_id=new_request_id(request_id)
        )
        return self._evaluator.call("CreateEvaluationJob", request, evaluator_pb2.EvaluationJob)

    def report(self, name: str) -> evaluator_pb2.Report:
        """The scores of an evaluation that has succeeded.

        Args:
            name: `reports/{id}` or the id alone (`EvaluationJob.report`).
        """
        request = evaluator_pb2.GetReportRequest(name=resource_name(name, "reports"))
        report: evaluator_pb2.Report = first_part(self._evaluator, "GetReport", request)
        return report

    def report_html(self, name: str) -> bytes:
        """The report's page: UTF-8, needs no other file."""
        request = evaluator_pb2.GetReportRequest(
            name=resource_name(name, "reports"), include_html=True
        )
        return whole_page(self._evaluator, "GetReport", request)

    def delete_report(self, name: str) -> None:
        """Deletes a report, by name or id; what it cites may be deleted then."""
        request = evaluator_pb2.DeleteReportRequest(name=resource_name(name, "reports"))
        self._evaluator.call("DeleteReport", request, empty_pb2.Empty)

    @property
    def _evaluator(self) -> Connection:
        return self._connections["evaluator"]
