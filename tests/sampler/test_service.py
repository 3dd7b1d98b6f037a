from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from medsynth.platform.artifacts import (
    GENERATORS,
    REPORTS,
    SYNTHETIC_DATASETS,
    generator_message,
)
from medsynth.platform.jobs.store import JobStore
from medsynth.platform.rpc.server import build_server
from medsynth.sampler.blocks import LARGEST_MESSAGE
from medsynth.sampler.deployment import Deployment
from medsynth.sampler.service import SERVICE, SamplerServicer
from medsynth.settings import Settings
from medsynth.v1 import evaluator_pb2, sampler_pb2, sampler_pb2_grpc
from medsynth.v1.jobs_pb2 import JobState
from tests.redis_server import RedisServer, free_port
from tests.sampler import graphs
from tests.sampler.process import environment
from tests.sampler.test_drawing import executed
from tests.support import eventually
from tests.triton_server import TritonServer

Stub = sampler_pb2_grpc.SamplerServiceStub
Serve = Callable[..., Stub]
END = 2**63
THREADS = 4
SHOW_MODULES = """
import atexit, sys
atexit.register(lambda: print(*sys.modules))
from medsynth.sampler.service import main
main()
"""


@pytest.fixture(scope="module")
def store(redis_process: RedisServer) -> JobStore:
    return JobStore(redis_process.url, Settings(redis_url=redis_process.url))


@pytest.fixture
def serve(store: JobStore) -> Iterator[Serve]:
    """Starts a server over a deployment and connects to it."""
    opened: list[Any] = []

    def start(deployment: Deployment, patience: float = 0.2) -> Stub:
        server = build_server(
            Settings(rpc_threads=THREADS),
            "127.0.0.1:0",
            [
                (
                    sampler_pb2_grpc.add_SamplerServiceServicer_to_server,
                    SamplerServicer(store, deployment, in_flight=2, patience=patience),
                )
            ],
            [SERVICE],
        )
        server.start()
        channel = grpc.insecure_channel(f"127.0.0.1:{server.port}")
        opened.append((channel, server))
        return Stub(channel)

    yield start
    for channel, server in opened:
        channel.close()
        server.stop(0)


@pytest.fixture
def stub(serve: Serve, shared: Deployment) -> Stub:
    return serve(shared)


def details(error: grpc.RpcError) -> tuple[error_details_pb2.ErrorInfo, list[str]]:
    """The reason, and the fields at fault."""
    info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    status = rpc_status.from_call(error)
    assert status is not None
    for detail in status.details:
        _ = detail.Unpack(info) or detail.Unpack(request)
    return info, [violation.field for violation in request.field_violations]


def sample(**changes: Any) -> sampler_pb2.SampleRequest:
    return sampler_pb2.SampleRequest(**{"generator": "generators/small", "count": 10, **changes})


def create(request_id: str = "", **changes: Any) -> sampler_pb2.CreateSyntheticDatasetJobRequest:
    fields = {"generator": "generators/small", **changes}
    return sampler_pb2.CreateSyntheticDatasetJobRequest(
        specification=sampler_pb2.SyntheticDatasetSpecification(**fields), request_id=request_id
    )


def get(name: str) -> sampler_pb2.GetGeneratorRequest:
    return sampler_pb2.GetGeneratorRequest(name=name)


# Generators


def test_generators_are_listed_newest_first_page_by_page(
    serve: Serve, deployment: Deployment
) -> None:
    names = [f"generators/g{i}" for i in range(5)]
    for name in names:
        graphs.publish(deployment.storage, name.partition("/")[2])
    stub, found, token = serve(deployment), [], ""
    while True:
        page = stub.ListGenerators(sampler_pb2.ListGeneratorsRequest(page_size=2, page_token=token))
        found.append([generator.name for generator in page.generators])
        token = page.next_page_token
        if not token:
            break
    assert found == [names[:2:-1], names[2:0:-1], names[:1]]


def test_deploying_shows(serve: Serve, deployment: Deployment) -> None:
    graphs.publish(deployment.storage, "shown")
    stub = serve(deployment)
    request = get("generators/shown")
    assert not stub.GetGenerator(request).deployed
    deploy = sampler_pb2.DeployGeneratorRequest(name=request.name)
    assert stub.DeployGenerator(deploy).deployed
    generator = stub.GetGenerator(request)
    assert generator == generator_message(deployment.find("shown"), deployed=True)
    listed = stub.ListGenerators(sampler_pb2.ListGeneratorsRequest())
    assert list(listed.generators) == [generator]
    undeploy = sampler_pb2.UndeployGeneratorRequest(name=request.name)
    assert not stub.UndeployGenerator(undeploy).deployed
    assert not stub.GetGenerator(request).deployed


def test_generators_can_be_seen_without_triton(
    serve: Serve, shared: Deployment, triton_server: TritonServer
) -> None:
    stub = serve(shared)
    triton_server.kill()
    try:
        assert stub.GetGenerator(get("generators/small")).name == "generators/small"
        with pytest.raises(grpc.RpcError) as raised:
            stub.DeployGenerator(sampler_pb2.DeployGeneratorRequest(name="generators/small"))
    finally:
        triton_server.start()
    assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
    assert details(raised.value)[0].reason == "TRITON_UNAVAILABLE"


@pytest.mark.parametrize("kind", ["synthetic_dataset", "evaluation"])
def test_a_generator_that_a_job_needs_is_not_deleted(
    serve: Serve, deployment: Deployment, store: JobStore, kind: str
) -> None:
    graphs.publish(deployment.storage, "needed")
    stub, name = serve(deployment), "generators/needed"
    specifications: dict[str, Message] = {
        "synthetic_dataset": sampler_pb2.SyntheticDatasetSpecification(generator=name),
        "evaluation": evaluator_pb2.EvaluationSpecification(generator=name),
    }
    job = store.create(kind, specifications[kind]).name
    request = sampler_pb2.DeleteGeneratorRequest(name=name)
    with pytest.raises(grpc.RpcError) as raised:
        stub.DeleteGenerator(request)
    assert raised.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert job in raised.value.details()
    assert stub.GetGenerator(get(name)).name == name
    store.cancel(job)
    stub.DeleteGenerator(request)
    assert deployment.storage.find(GENERATORS, "needed") is None
    assert "needed" not in deployment.deployed()


def test_what_a_report_cites_is_deleted_by_force_alone(
    serve: Serve, deployment: Deployment
) -> None:
    storage = deployment.storage
    graphs.publish(storage, "scored")
    drawn = storage.publish(storage.draft(SYNTHETIC_DATASETS, "drawn", "a1"), {})
    report = {"subject": "generators/scored", "dataset": "syntheticDatasetJobs/drawn"}
    storage.publish(storage.draft(REPORTS, "r", "a1"), report)
    stub = serve(deployment)
    requests: list[Any] = [
        sampler_pb2.DeleteGeneratorRequest(name="generators/scored"),
        sampler_pb2.DeleteSyntheticDatasetRequest(name=f"{SYNTHETIC_DATASETS}/drawn"),
    ]
    for request, call in zip(
        requests, (stub.DeleteGenerator, stub.DeleteSyntheticDataset), strict=True
    ):
        with pytest.raises(grpc.RpcError) as raised:
            call(request)
        assert raised.value.code() == grpc.StatusCode.FAILED_PRECONDITION
        assert "reports/r" in raised.value.details()
        request.force = True
        call(request)
        with pytest.raises(grpc.RpcError) as raised:
            call(request)
        assert raised.value.code() == grpc.StatusCode.NOT_FOUND
    assert not storage.fs.exists(drawn.path)
    storage.delete(REPORTS, "r")


# Samples


def test_a_stream_is_what_the_generator_makes(stub: Stub, shared: Deployment) -> None:
    messages = list(stub.Sample(sample(count=150, seed=3, first_index=20)))
    artifact = shared.find("small")
    expected = graphs.expected(artifact, generator_message(artifact), 3, 20, 150)
    index = 20
    for message in messages:
        assert message.ByteSize() < LARGEST_MESSAGE
        assert message.first_index == index
        assert (message.channels, message.height, message.width) == (1, 32, 32)
        index += message.count
    assert index == 170
    images = np.frombuffer(b"".join(m.images for m in messages), np.uint8)
    masks = np.frombuffer(b"".join(m.masks for m in messages), np.uint8)
    np.testing.assert_array_equal(images.reshape(150, 1, 32, 32), expected["image"])
    np.testing.assert_array_equal(masks.reshape(150, 32, 32), expected["mask"])


def test_a_stream_of_16_bits(serve: Serve, deployment: Deployment) -> None:
    artifact = graphs.publish(deployment.storage, "fine", bits=16)
    (message,) = serve(deployment).Sample(sample(generator="generators/fine", count=7, seed=1))
    assert message.bits == 16
    expected = graphs.expected(artifact, generator_message(artifact), 1, 0, 7)
    images = np.frombuffer(message.images, "<u2").reshape(7, 1, 32, 32)
    np.testing.assert_array_equal(images, expected["image"])
    assert images.max() > 255


def test_the_last_index_can_be_drawn(stub: Stub) -> None:
    (message,) = stub.Sample(sample(count=1, first_index=END - 1, seed=END - 1))
    assert (message.first_index, message.count) == (END - 1, 1)


def test_a_generator_without_masks(stub: Stub) -> None:
    (message,) = stub.Sample(sample(generator="generators/colour", count=3))
    assert (message.count, message.channels, message.masks) == (3, 3, b"")


def test_a_slow_reader_holds_the_work_back(serve: Serve, deployment: Deployment) -> None:
    graphs.publish(deployment.storage, "held", size=128)
    stream = serve(deployment).Sample(sample(generator="generators/held", count=10**9))
    first = next(stream)
    computed = settle(lambda: executed(deployment, "held"))
    # What gRPC itself buffers on both sides of one connection stays within tens of MiB.
    assert computed * first.ByteSize() < 64 * 2**20
    assert next(stream).first_index == first.count
    stream.cancel()


@pytest.mark.parametrize("end", ["cancel", "deadline"])
def test_a_client_that_goes_away_frees_its_thread(stub: Stub, end: str) -> None:
    list(stub.Sample(sample(count=1), timeout=60))
    for _ in range(2 * THREADS):
        stream = stub.Sample(sample(count=10**9), timeout=2 if end == "deadline" else None)
        next(stream)
        if end == "cancel":
            stream.cancel()
        with pytest.raises(grpc.RpcError) as raised:
            list(stream)
        assert raised.value.code() in (
            grpc.StatusCode.CANCELLED,
            grpc.StatusCode.DEADLINE_EXCEEDED,
        )
    (message,) = stub.Sample(sample(count=1), timeout=30)
    assert message.count == 1


def test_a_client_that_goes_away_while_triton_is_down_frees_its_thread(
    serve: Serve, shared: Deployment, triton_server: TritonServer
) -> None:
    stub = serve(shared, patience=3600)
    streams = [stub.Sample(sample(count=10**9)) for _ in range(THREADS)]
    taken = [next(stream).first_index for stream in streams]

    def take(stream: Any) -> None:
        with contextlib.suppress(grpc.RpcError):
            taken.extend(message.first_index for message in stream)

    readers = [threading.Thread(target=take, args=(stream,)) for stream in streams]
    for reader in readers:
        reader.start()
    triton_server.kill()
    try:
        settle(lambda: len(taken))
        with pytest.raises(grpc.RpcError, match="RESOURCE_EXHAUSTED"):
            stub.GetGenerator(get("generators/small"))
        for stream in streams:
            stream.cancel()
        for reader in readers:
            reader.join(30)
        eventually(lambda: answers(stub))
    finally:
        triton_server.start()


def answers(stub: Stub) -> bool:
    try:
        return bool(stub.GetGenerator(get("generators/small")).name)
    except grpc.RpcError:
        return False


def settle(count: Callable[[], int]) -> int:
    """Waits until a count has stayed the same for many looks."""
    seen: list[int] = []

    def settled() -> bool:
        seen.append(count())
        return len(seen) > 25 and seen[-1] == seen[-25]

    eventually(settled, timeout=60)
    return seen[-1]


def test_a_stream_ends_with_the_index_to_resume_from(
    serve: Serve, shared: Deployment, triton_server: TritonServer
) -> None:
    stream = serve(shared).Sample(sample(count=10**9))
    message = next(stream)
    triton_server.kill()
    try:
        with pytest.raises(grpc.RpcError) as raised:
            for message in stream:  # noqa: B007 - the last one counts
                pass
    finally:
        triton_server.start()
    index = message.first_index + message.count
    assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
    assert details(raised.value)[0].metadata["first_index"] == str(index)


@pytest.mark.parametrize(
    ("changes", "field", "accepted"),
    [
        ({"count": 0}, "count", "from 1 to 1000000000"),
        ({"count": -1}, "count", "from 1 to 1000000000"),
        ({"count": 10**9 + 1}, "count", "from 1 to 1000000000"),
        ({"seed": -1}, "seed", "from 0 to"),
        ({"first_index": -1}, "first_index", "every index is below"),
        ({"first_index": END - 9}, "first_index", "every index is below"),
        ({"generator": ""}, "generator", "generators/ID"),
        ({"generator": "small"}, "generator", "generators/ID"),
        ({"generator": "generators/../small"}, "generator", "generators/ID"),
        ({"generator": "datasets/small"}, "generator", "generators/ID"),
    ],
)
def test_bad_samples(stub: Stub, changes: dict[str, Any], field: str, accepted: str) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        list(stub.Sample(sample(**changes)))
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert details(raised.value)[1] == [field]
    assert repr(changes.get(field)) in raised.value.details()
    assert accepted in raised.value.details()


def test_a_generator_that_does_not_exist(stub: Stub) -> None:
    for call in (
        lambda: list(stub.Sample(sample(generator="generators/nobody"))),
        lambda: stub.GetGenerator(get("generators/nobody")),
        lambda: stub.CreateSyntheticDatasetJob(create(generator="generators/nobody")),
        lambda: stub.UndeployGenerator(
            sampler_pb2.UndeployGeneratorRequest(name="generators/nobody")
        ),
        lambda: stub.DeleteGenerator(sampler_pb2.DeleteGeneratorRequest(name="generators/nobody")),
    ):
        with pytest.raises(grpc.RpcError) as raised:
            call()
        assert raised.value.code() == grpc.StatusCode.NOT_FOUND


# Synthetic data sets


def test_a_job_has_every_default(stub: Stub) -> None:
    job = stub.CreateSyntheticDatasetJob(create())
    specification = job.specification
    assert specification.generator == "generators/small"
    assert (specification.count, specification.format) == (10_000, "png")
    for field in ("count", "seed", "first_index", "format"):
        assert specification.HasField(field)
    assert job.status.state == JobState.JOB_STATE_QUEUED
    assert job.status.queue == "light"
    assert (job.uri, job.digest) == ("", "")


def test_a_request_id_makes_one_job(stub: Stub) -> None:
    job = stub.CreateSyntheticDatasetJob(create("once", count=5))
    assert stub.CreateSyntheticDatasetJob(create("once", count=5)).name == job.name
    with pytest.raises(grpc.RpcError) as raised:
        stub.CreateSyntheticDatasetJob(create("once", count=6))
    assert raised.value.code() == grpc.StatusCode.ALREADY_EXISTS


def test_the_life_of_a_job(stub: Stub) -> None:
    name = stub.CreateSyntheticDatasetJob(create()).name
    delete = sampler_pb2.DeleteSyntheticDatasetJobRequest(name=name)
    with pytest.raises(grpc.RpcError) as raised:
        stub.DeleteSyntheticDatasetJob(delete)
    assert raised.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    listed = stub.ListSyntheticDatasetJobs(sampler_pb2.ListSyntheticDatasetJobsRequest())
    assert listed.jobs[0].name == name
    cancel = sampler_pb2.CancelSyntheticDatasetJobRequest(name=name)
    assert stub.CancelSyntheticDatasetJob(cancel).status.state == JobState.JOB_STATE_CANCELLED
    watch = sampler_pb2.WatchSyntheticDatasetJobRequest(name=name)
    states = [event.state_change.to for event in stub.WatchSyntheticDatasetJob(watch)]
    assert states[-1] == JobState.JOB_STATE_CANCELLED
    stub.DeleteSyntheticDatasetJob(delete)
    with pytest.raises(grpc.RpcError) as raised:
        stub.GetSyntheticDatasetJob(sampler_pb2.GetSyntheticDatasetJobRequest(name=name))
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("changes", "field", "accepted"),
    [
        ({"count": 0}, "specification.count", "from 1 to 10000000"),
        ({"count": 10**7 + 1}, "specification.count", "from 1 to 10000000"),
        ({"seed": -5}, "specification.seed", "from 0 to"),
        ({"first_index": END - 1, "count": 2}, "specification.first_index", "every index"),
        ({"format": "jpeg"}, "specification.format", "one of png, npz, nifti"),
        ({"format": ""}, "specification.format", "one of png, npz, nifti"),
        ({"generator": "../small"}, "specification.generator", "generators/ID"),
    ],
)
def test_bad_jobs(stub: Stub, changes: dict[str, Any], field: str, accepted: str) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        stub.CreateSyntheticDatasetJob(create(**changes))
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert details(raised.value)[1] == [field]
    assert accepted in raised.value.details()


def test_png_files_cannot_hold_every_number_of_channels(
    serve: Serve, deployment: Deployment
) -> None:
    graphs.publish(deployment.storage, "five", channels=5)
    stub = serve(deployment)
    with pytest.raises(grpc.RpcError) as raised:
        stub.CreateSyntheticDatasetJob(create(generator="generators/five"))
    assert details(raised.value)[1] == ["specification.format"]
    assert "npz or nifti or nnunet: a PNG holds 1 or 3 channels, not 5" in raised.value.details()
    job = stub.CreateSyntheticDatasetJob(create(generator="generators/five", format="npz"))
    assert job.specification.format == "npz"


def test_a_format_is_checked_with_what_is_known_of_the_generator(
    serve: Serve, deployment: Deployment
) -> None:
    graphs.publish(deployment.storage, "lonely", classes=1)
    stub = serve(deployment)
    for format in ("nnunet", "dicom"):
        with pytest.raises(grpc.RpcError) as raised:
            stub.CreateSyntheticDatasetJob(create(generator="generators/lonely", format=format))
        assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert details(raised.value)[1] == ["specification.format"]
        assert "a class beside the background" in raised.value.details()


def test_the_service_starts_small_and_ends_on_a_signal(
    shared: Deployment, triton_server: TritonServer, redis_process: RedisServer, tmp_path: Path
) -> None:
    address = f"127.0.0.1:{free_port()}"
    settings = environment(shared, triton_server, redis_process.url, tmp_path, address, "")
    process = subprocess.Popen([sys.executable, "-c", SHOW_MODULES], env=settings, stdout=PIPE)
    try:
        with grpc.insecure_channel(address) as channel:
            (message,) = Stub(channel).Sample(sample(), timeout=60, wait_for_ready=True)
        assert message.count == 10
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    heavy = {"torch", "nibabel", "PIL", "onnx", "onnxruntime", "matplotlib", "monai", "scipy"}
    assert not heavy & set(output.decode().split())
