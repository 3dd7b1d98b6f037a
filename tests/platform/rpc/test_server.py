"""Real calls over a socket."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from grpc_status import rpc_status
from prometheus_client import CollectorRegistry

from medsynth.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    ResourceExhaustedError,
)
from medsynth.platform.rpc.metrics import RpcMetrics
from medsynth.platform.rpc.server import Server, build_server
from medsynth.settings import Settings
from medsynth.v1 import jobs_pb2, trainer_pb2, trainer_pb2_grpc
from tests.support import eventually

SERVICE = "medsynth.v1.TrainerService"


class Servicer(trainer_pb2_grpc.TrainerServiceServicer):
    """Each method behaves in one way."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.left = threading.Event()

    def ListPresets(self, request: Any, context: Any) -> trainer_pb2.ListPresetsResponse:  # noqa: N802
        return trainer_pb2.ListPresetsResponse(presets=[trainer_pb2.Preset(name="hinge")])

    def GetTrainingJob(self, request: Any, context: Any) -> Any:  # noqa: N802
        raise InvalidArgumentError.field("name", request.name, "something else")

    def GetDataset(self, request: Any, context: Any) -> Any:  # noqa: N802
        raise RuntimeError("a secret")

    def DeleteDataset(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: N802
        self.entered.release()
        assert self.go_on.wait(30)
        return empty_pb2.Empty()

    def DeleteTrainingJob(self, request: Any, context: Any) -> Any:  # noqa: N802
        context.abort(grpc.StatusCode.DATA_LOSS, "by hand")

    def WatchTrainingJob(self, request: Any, context: Any) -> Iterator[jobs_pb2.JobEvent]:  # noqa: N802
        yield jobs_pb2.JobEvent(event_id="1")
        yield jobs_pb2.JobEvent(event_id="2")
        if request.name == "full":
            raise ResourceExhaustedError("no more")
        if request.name == "broken":
            raise RuntimeError("a secret")
        if request.name == "endless":
            try:
                while context.is_active():
                    yield jobs_pb2.JobEvent(event_id="3")
            finally:
                self.left.set()


class Running:
    """A server with its stub and its numbers."""

    def __init__(self, settings: Settings) -> None:
        self.registry = CollectorRegistry()
        self.servicer = Servicer()
        self.server: Server = build_server(
            settings,
            "127.0.0.1:0",
            [(trainer_pb2_grpc.add_TrainerServiceServicer_to_server, self.servicer)],
            [SERVICE],
            metrics=RpcMetrics(self.registry),
        )
        self.server.start()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.server.port}")
        self.stub = trainer_pb2_grpc.TrainerServiceStub(self.channel)

    def stop(self) -> None:
        self.servicer.go_on.set()
        self.channel.close()
        self.server.stop(0)

    def count(self, name: str, method: str, kind: str = "unary", **labels: str) -> float:
        value = self.registry.get_sample_value(
            name,
            {"grpc_type": kind, "grpc_service": SERVICE, "grpc_method": method, **labels},
        )
        return value or 0.0


@pytest.fixture
def running() -> Iterator[Running]:
    running = Running(Settings(rpc_threads=8, max_request_bytes=2**16))
    yield running
    running.stop()


def error_of(call: Any) -> Any:
    """What a call, or the stream that it returns, fails with."""

    def consume() -> None:
        result = call()
        if hasattr(result, "__iter__"):
            list(result)

    with pytest.raises(grpc.RpcError) as error:
        consume()
    return error.value


def reason_of(error: Any) -> str:
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(error)
    assert status is not None
    assert status.details[0].Unpack(info)
    return str(info.reason)


def test_answers_and_is_counted(running: Running) -> None:
    assert running.stub.ListPresets(trainer_pb2.ListPresetsRequest()).presets[0].name == "hinge"
    labels = {"method": "ListPresets"}
    assert running.count("grpc_server_started_total", **labels) == 1
    eventually(
        lambda: running.count("grpc_server_handled_total", "ListPresets", grpc_code="OK") == 1
    )
    assert running.count("grpc_server_handling_seconds_count", **labels) == 1
    assert running.count("grpc_server_msg_received_total", **labels) == 1
    assert running.count("grpc_server_msg_sent_total", **labels) == 1


def test_a_domain_error_arrives_with_its_details(running: Running) -> None:
    error = error_of(
        lambda: running.stub.GetTrainingJob(trainer_pb2.GetTrainingJobRequest(name="x"))
    )
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    status = rpc_status.from_call(error)
    assert status is not None
    request = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(request)
    assert request.field_violations[0].field == "name"
    eventually(
        lambda: running.count(
            "grpc_server_handled_total", "GetTrainingJob", grpc_code="InvalidArgument"
        )
    )


def test_the_longest_error_arrives(running: Running) -> None:
    name = "\N{ANATOMICAL HEART}" * 10_000
    error = error_of(
        lambda: running.stub.GetTrainingJob(trainer_pb2.GetTrainingJobRequest(name=name))
    )
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(error) == "INVALID_ARGUMENT"


def test_an_unexpected_error_says_nothing_but_a_reference(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    error = error_of(lambda: running.stub.GetDataset(trainer_pb2.GetDatasetRequest()))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(error.details()) + str(error.trailing_metadata())
    reference = error.details().split()[-1]
    assert reference in caplog.text
    assert "RuntimeError: a secret" in caplog.text


def test_a_status_that_a_handler_chose_is_kept(running: Running) -> None:
    error = error_of(lambda: running.stub.DeleteTrainingJob(trainer_pb2.DeleteTrainingJobRequest()))
    assert (error.code(), error.details()) == (grpc.StatusCode.DATA_LOSS, "by hand")


def test_a_method_that_is_not_there(running: Running) -> None:
    call = running.channel.unary_unary(f"/{SERVICE}/NoSuchMethod")
    assert error_of(lambda: call(b"")).code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("method", "content"),
    [
        ("ListPresets", b"\xff\xff\xff"),
        ("GetTrainingJob", b"\x0a\x05ab"),
        ("GetTrainingJob", b"\x0a\x02\xff\xfe"),
        ("WatchTrainingJob", b"\x0a\x05ab"),
    ],
)
def test_bytes_that_are_no_message(running: Running, method: str, content: bytes) -> None:
    kind = (
        running.channel.unary_stream if method.startswith("Watch") else running.channel.unary_unary
    )
    error = error_of(lambda: kind(f"/{SERVICE}/{method}")(content))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(error) == "UNDECODABLE_REQUEST"


def test_a_request_that_is_too_large(running: Running) -> None:
    request = trainer_pb2.GetTrainingJobRequest(name="x" * 2**17)
    error = error_of(lambda: running.stub.GetTrainingJob(request))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_request_that_is_too_large_once_it_is_unpacked(running: Running) -> None:
    request = trainer_pb2.GetTrainingJobRequest(name="x" * 10**7)
    packed = grpc.Compression.Gzip
    error = error_of(lambda: running.stub.GetTrainingJob(request, compression=packed))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("name", "code"),
    [("full", grpc.StatusCode.RESOURCE_EXHAUSTED), ("broken", grpc.StatusCode.INTERNAL)],
)
def test_a_stream_that_fails_midway(running: Running, name: str, code: grpc.StatusCode) -> None:
    stream = running.stub.WatchTrainingJob(trainer_pb2.WatchTrainingJobRequest(name=name))
    assert [next(stream).event_id, next(stream).event_id] == ["1", "2"]
    error = error_of(lambda: stream)
    assert error.code() is code
    assert "secret" not in error.details()
    assert running.count("grpc_server_msg_sent_total", "WatchTrainingJob", "server_stream") == 2


def test_a_client_that_goes_away_ends_the_handler(running: Running) -> None:
    stream = running.stub.WatchTrainingJob(trainer_pb2.WatchTrainingJobRequest(name="endless"))
    assert [next(stream).event_id for _ in range(3)] == ["1", "2", "3"]
    stream.cancel()
    assert running.servicer.left.wait(30)
    eventually(
        lambda: (
            running.count(
                "grpc_server_handled_total",
                "WatchTrainingJob",
                "server_stream",
                grpc_code="Canceled",
            )
            == 1
        )
    )


def test_a_deadline_ends_the_handler(running: Running) -> None:
    request = trainer_pb2.WatchTrainingJobRequest(name="endless")
    running.stub.ListPresets(trainer_pb2.ListPresetsRequest(), timeout=30, wait_for_ready=True)
    error = error_of(lambda: running.stub.WatchTrainingJob(request, timeout=2))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert running.servicer.left.wait(30)
    eventually(
        lambda: (
            running.count(
                "grpc_server_handled_total",
                "WatchTrainingJob",
                "server_stream",
                grpc_code="DeadlineExceeded",
            )
            == 1
        )
    )


def test_more_calls_than_threads_are_refused_and_health_answers(running: Running) -> None:
    request = trainer_pb2.DeleteDatasetRequest()
    calls = [running.stub.DeleteDataset.future(request) for _ in range(8)]
    for _ in calls:
        assert running.servicer.entered.acquire(timeout=30)
    error = error_of(lambda: running.stub.DeleteDataset(request))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "8 calls" in (error.details() or "")
    healthy = health_pb2_grpc.HealthStub(running.channel).Check(health_pb2.HealthCheckRequest())
    assert healthy.status == health_pb2.HealthCheckResponse.SERVING
    running.servicer.go_on.set()
    assert all(call.result() == empty_pb2.Empty() for call in calls)
    running.stub.ListPresets(trainer_pb2.ListPresetsRequest())


@pytest.mark.parametrize(
    ("sent", "kept"), [("abc-1.2_3", True), ("a b", False), ("x" * 65, False), (None, False)]
)
def test_the_request_id_comes_back(running: Running, sent: str | None, kept: bool) -> None:
    metadata = [("x-request-id", sent)] if sent else []
    _, call = running.stub.ListPresets.with_call(
        trainer_pb2.ListPresetsRequest(), metadata=metadata
    )
    returned = dict(call.initial_metadata())["x-request-id"]
    assert (returned == sent) is kept
    assert 0 < len(returned) <= 64


def test_health_follows_the_server(running: Running) -> None:
    stub = health_pb2_grpc.HealthStub(running.channel)
    for service in ("", SERVICE):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    unknown = error_of(lambda: stub.Check(health_pb2.HealthCheckRequest(service="no.Such")))
    assert unknown.code() is grpc.StatusCode.NOT_FOUND

    watched = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
    assert next(watched).status == health_pb2.HealthCheckResponse.SERVING
    stopping = threading.Thread(target=running.server.stop, args=(30,))
    stopping.start()
    assert next(watched).status == health_pb2.HealthCheckResponse.NOT_SERVING
    watched.cancel()
    stopping.join()


def test_reflection_knows_every_method(running: Running) -> None:
    database = ProtoReflectionDescriptorDatabase(running.channel)
    assert set(database.get_services()) == {
        SERVICE,
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    described = database.FindFileContainingSymbol(SERVICE)
    methods = {method.name for service in described.service for method in service.method}
    own = trainer_pb2.DESCRIPTOR.services_by_name["TrainerService"]
    assert methods == {method.name for method in own.methods}


def test_a_port_that_is_taken(running: Running) -> None:
    address = f"127.0.0.1:{running.server.port}"
    with pytest.raises(FailedPreconditionError, match=address):
        build_server(Settings(), address, [], [])


SCRIPT = """
import sys, threading
from medsynth.platform.rpc.server import build_server, serve_until_signalled
from medsynth.platform.telemetry import set_up_logging
from medsynth.settings import Settings
from medsynth.v1 import trainer_pb2_grpc
from tests.platform.rpc.test_server import SERVICE, Servicer

class Beside:
    def start(self): print("begun", flush=True)
    def stop(self): print("ended", flush=True)

settings = Settings(rpc_grace=float(sys.argv[2]))
set_up_logging(settings, "trainer")
servicer = Servicer()
server = build_server(settings, f"127.0.0.1:{sys.argv[1]}",
    [(trainer_pb2_grpc.add_TrainerServiceServicer_to_server, servicer)], [SERVICE])
def tell():
    servicer.entered.acquire()
    print("entered", flush=True)
threading.Thread(target=tell, daemon=True).start()
threading.Thread(target=lambda: (sys.stdin.read(), servicer.go_on.set()), daemon=True).start()
serve_until_signalled(server, [Beside()])
print("over", flush=True)
"""


def start_process(grace: float) -> tuple[subprocess.Popen[str], grpc.Channel]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(port), str(grace)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MEDSYNTH_LOG_FORMAT": "json"},
    )
    return process, grpc.insecure_channel(f"127.0.0.1:{port}")


def test_sigterm_lets_running_calls_end() -> None:
    process, channel = start_process(grace=60)
    stub = trainer_pb2_grpc.TrainerServiceStub(channel)
    call = stub.DeleteDataset.future(
        trainer_pb2.DeleteDatasetRequest(),
        wait_for_ready=True,
        timeout=60,
        metadata=[("x-request-id", "mine")],
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    assert process.stdout.readline() == "entered\n"
    process.send_signal(signal.SIGTERM)

    def answer() -> grpc.StatusCode:
        try:
            stub.ListPresets(trainer_pb2.ListPresetsRequest(), timeout=5)
        except grpc.RpcError as error:
            code: grpc.StatusCode = error.code()
            return code
        return grpc.StatusCode.OK

    # A call that arrives in the moment of closing may be cancelled; those after it are refused.
    eventually(lambda: answer() is grpc.StatusCode.UNAVAILABLE)
    process.stdin.close()
    assert call.result() == empty_pb2.Empty()
    assert process.stdout.read() == "ended\nover\n"
    assert process.wait(30) == 0
    assert process.stderr is not None
    lines = [json.loads(line) for line in process.stderr]
    ours = [line for line in lines if line.get("request_id") == "mine"]
    assert [line["message"].split()[:2] for line in ours] == [[f"/{SERVICE}/DeleteDataset", "OK"]]
    channel.close()


@pytest.mark.parametrize(("grace", "signals"), [(0.1, 1), (600, 2)])
def test_a_call_that_does_not_end_is_cancelled(grace: float, signals: int) -> None:
    process, channel = start_process(grace)
    stub = trainer_pb2_grpc.TrainerServiceStub(channel)
    stream = stub.WatchTrainingJob(
        trainer_pb2.WatchTrainingJobRequest(name="endless"), wait_for_ready=True
    )
    next(stream)
    process.send_signal(signal.SIGTERM)
    if signals == 2:
        health = health_pb2_grpc.HealthStub(channel)
        error_of(
            lambda: eventually(
                lambda: health.Check(health_pb2.HealthCheckRequest(), timeout=5) is None
            )
        )
        process.send_signal(signal.SIGINT)
    assert error_of(lambda: stream).code() in (
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNAVAILABLE,
    )
    output, _ = process.communicate(timeout=60)
    assert output == "begun\nended\nover\n"
    assert process.returncode == 0
    channel.close()
