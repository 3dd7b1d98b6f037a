from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from medsynth import errors
from medsynth.client import Client
from medsynth.client.connection import Retry
from medsynth.v1 import evaluator_pb2, evaluator_pb2_grpc, types_pb2
from tests.client.servers import serving

QUICK = Retry(attempts=3, first_pause=0.01)
PAGE = [b"<html>", b"hearts", b"</html>"]


class Evaluator(evaluator_pb2_grpc.EvaluatorServiceServicer):
    def __init__(self) -> None:
        self.breaks = 0

    def CreateEvaluationJob(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return evaluator_pb2.EvaluationJob(specification=request.specification)

    def GetReport(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        yield evaluator_pb2.GetReportResponse(report=evaluator_pb2.Report(name=request.name))
        for piece in PAGE if request.include_html else ():
            yield evaluator_pb2.GetReportResponse(html=piece)
            if self.breaks:
                self.breaks -= 1
                context.abort(grpc.StatusCode.UNAVAILABLE, "the connection breaks")


@pytest.fixture
def evaluator() -> Evaluator:
    return Evaluator()


@pytest.fixture
def client(evaluator: Evaluator) -> Iterator[Client]:
    with serving(evaluator=evaluator) as address, Client(evaluator=address, retry=QUICK) as made:
        yield made


@pytest.mark.parametrize(
    ("subject", "field", "value"),
    [
        ("heart", "generator", "generators/heart"),
        ("generators/heart", "generator", "generators/heart"),
        ("syntheticDatasetJobs/x", "synthetic_dataset_job", "syntheticDatasetJobs/x"),
        ("/data/drawn", "folder", "/data/drawn"),
        ("s3://bucket/drawn", "folder", "s3://bucket/drawn"),
    ],
)
def test_what_is_scored_follows_from_its_name(
    client: Client, subject: str, field: str, value: str
) -> None:
    specification = client.evaluate(subject, metrics=["dice"], repeats=3).specification
    assert specification == evaluator_pb2.EvaluationSpecification(
        **{field: value}, metrics=["dice"], repeats=3
    )


def test_the_real_data_may_be_a_uri(client: Client) -> None:
    specification = client.evaluate("/drawn", data="/acdc").specification
    assert specification.data == types_pb2.DataSource(uri="/acdc")


def test_a_preparation_needs_data(client: Client) -> None:
    with pytest.raises(errors.InvalidArgumentError, match="data"):
        client.evaluate("heart", size=128)
    prepared = client.evaluate("heart", data="/acdc", size=128).specification.data
    assert prepared.preparation == types_pb2.Preparation(size=128)


def test_a_name_of_another_kind_is_refused(client: Client) -> None:
    with pytest.raises(errors.InvalidArgumentError):
        client.evaluate("reports/x")


def test_a_report_and_its_page(client: Client) -> None:
    assert client.report("x").name == "reports/x"
    assert client.report_html("reports/x") == b"".join(PAGE)


def test_a_page_that_broke_off_is_not_patched_together(
    client: Client, evaluator: Evaluator
) -> None:
    evaluator.breaks = 2
    assert client.report_html("reports/x") == b"".join(PAGE)
