"""The evaluator's methods over a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from google.protobuf import json_format

from medsynth.evaluator.service import SERVICE, EvaluatorServicer
from medsynth.platform.artifacts import REPORT_FILE, REPORT_PAGE, REPORTS
from medsynth.platform.rpc.server import build_server
from medsynth.v1 import evaluator_pb2, evaluator_pb2_grpc, jobs_pb2
from tests.evaluator.reports import example_report
from tests.evaluator.subjects import publish_generator
from tests.workplace import Workplace


@pytest.fixture(scope="module")
def stub(workplace: Workplace) -> Iterator[evaluator_pb2_grpc.EvaluatorServiceStub]:
    publish_generator(workplace)
    servicer = EvaluatorServicer(workplace.store, workplace.storage, workplace.settings.data_roots)
    add = evaluator_pb2_grpc.add_EvaluatorServiceServicer_to_server
    server = build_server(workplace.settings, "127.0.0.1:0", [(add, servicer)], [SERVICE])
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield evaluator_pb2_grpc.EvaluatorServiceStub(channel)
    server.stop(0)


def test_a_job_is_made_once_for_a_request_id_and_has_its_whole_life(
    stub: evaluator_pb2_grpc.EvaluatorServiceStub,
) -> None:
    specification = evaluator_pb2.EvaluationSpecification(generator="generators/tiny", count=5)
    request = evaluator_pb2.CreateEvaluationJobRequest(
        specification=specification, request_id="one"
    )
    job = stub.CreateEvaluationJob(request)
    assert stub.CreateEvaluationJob(request).name == job.name
    request.specification.count = 6
    with pytest.raises(grpc.RpcError) as raised:
        stub.CreateEvaluationJob(request)
    assert raised.value.code() == grpc.StatusCode.ALREADY_EXISTS

    named = {"name": job.name}
    assert stub.GetEvaluationJob(evaluator_pb2.GetEvaluationJobRequest(**named)) == job
    assert job.specification.unet_steps == 1000
    listed = stub.ListEvaluationJobs(evaluator_pb2.ListEvaluationJobsRequest(page_size=1))
    assert [entry.name for entry in listed.jobs] == [job.name]
    stub.CancelEvaluationJob(evaluator_pb2.CancelEvaluationJobRequest(**named))
    events = list(stub.WatchEvaluationJob(evaluator_pb2.WatchEvaluationJobRequest(**named)))
    assert events[-1].state_change.to == jobs_pb2.JOB_STATE_CANCELLED
    stub.DeleteEvaluationJob(evaluator_pb2.DeleteEvaluationJobRequest(**named))
    with pytest.raises(grpc.RpcError) as raised:
        stub.GetEvaluationJob(evaluator_pb2.GetEvaluationJobRequest(**named))
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND


def test_a_report_comes_as_scores_and_then_as_a_page_in_pieces(
    stub: evaluator_pb2_grpc.EvaluatorServiceStub, workplace: Workplace
) -> None:
    report = example_report()
    page = ("<p>\u00e9" * 500_000).encode()
    draft = workplace.storage.draft(REPORTS, "large", "a1")
    draft.write(REPORT_FILE, json_format.MessageToJson(report).encode())
    draft.write(REPORT_PAGE, page)
    workplace.storage.publish(draft, {})

    parts = list(
        stub.GetReport(evaluator_pb2.GetReportRequest(name="reports/large", include_html=True))
    )
    assert parts[0].report == report
    assert b"".join(part.html for part in parts[1:]) == page
    assert len(parts) > 3
    assert max(part.ByteSize() for part in parts) < 2**20
    (only,) = stub.GetReport(evaluator_pb2.GetReportRequest(name="reports/large"))
    assert only.report == report

    stub.DeleteReport(evaluator_pb2.DeleteReportRequest(name="reports/large"))
    assert workplace.storage.find(REPORTS, "large") is None
    with pytest.raises(grpc.RpcError) as raised:
        stub.DeleteReport(evaluator_pb2.DeleteReportRequest(name="reports/large"))
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("reports/none", "NOT_FOUND"),
        ("report", "INVALID_ARGUMENT"),
        ("reports/..", "INVALID_ARGUMENT"),
    ],
)
def test_a_report_that_is_none(
    stub: evaluator_pb2_grpc.EvaluatorServiceStub, name: str, code: str
) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        list(stub.GetReport(evaluator_pb2.GetReportRequest(name=name)))
    assert raised.value.code().name == code
