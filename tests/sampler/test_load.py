"""Many readers, slow readers, and readers whose Triton dies: a sampler in a process of its own.

    python -m tests.sampler.slow_reader

prints the memory of a sampler over time while one reader is slow.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest

from medsynth.client import Client
from medsynth.platform.artifacts import generator_message
from medsynth.sampler.deployment import Deployment
from medsynth.v1 import sampler_pb2, sampler_pb2_grpc
from tests.redis_server import RedisServer
from tests.sampler import graphs
from tests.sampler.process import SamplerProcess, running_sampler
from tests.sampler.slow_reader import slow_reading
from tests.support import calls_under_way, eventually, metric
from tests.triton_server import TritonServer

STREAMS = 200


@pytest.fixture(scope="module")
def sampler(
    shared: Deployment,
    triton_server: TritonServer,
    redis_process: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SamplerProcess]:
    home = tmp_path_factory.mktemp("sampler")
    with running_sampler(shared, triton_server, redis_process.url, home) as running:
        yield running


def request(seed: int, count: int, generator: str = "small") -> sampler_pb2.SampleRequest:
    return sampler_pb2.SampleRequest(generator=f"generators/{generator}", count=count, seed=seed)


def test_two_hundred_streams_at_once_are_each_what_they_asked_for(
    sampler: SamplerProcess, shared: Deployment
) -> None:
    artifact = shared.find("small")
    generator = generator_message(artifact)
    all_open = threading.Barrier(STREAMS)

    def draw(seed: int, stub: sampler_pb2_grpc.SamplerServiceStub) -> bool:
        stream = stub.Sample(request(seed, 130), timeout=300, wait_for_ready=True)
        first = next(stream)
        # Nobody reads on before everybody has begun.
        all_open.wait(300)
        images = b"".join([first.images, *(message.images for message in stream)])
        expected = graphs.expected(artifact, generator, seed, 0, 130)["image"]
        return np.array_equal(np.frombuffer(images, np.uint8), expected.ravel())

    with (
        grpc.insecure_channel(sampler.address) as channel,
        ThreadPoolExecutor(STREAMS) as readers,
    ):
        stub = sampler_pb2_grpc.SamplerServiceStub(channel)
        assert all(readers.map(lambda seed: draw(seed, stub), range(STREAMS)))


def test_a_slow_reader_holds_memory_flat(sampler: SamplerProcess, shared: Deployment) -> None:
    points = list(slow_reading(shared, sampler, messages=16, between=40))
    before, after = points[3], points[-1]
    passed = (after.others_mib + after.read_mib) - (before.others_mib + before.read_mib)
    assert passed > 200
    # Allocators breathe; what a reader does not take would be many times this.
    assert after.resident_mib - before.resident_mib < 0.1 * passed


def test_a_stream_goes_on_when_triton_comes_back(
    sampler: SamplerProcess, shared: Deployment, triton_server: TritonServer
) -> None:
    artifact = shared.find("small")
    expected = graphs.expected(artifact, generator_message(artifact), 7, 0, 3000)["image"]
    with Client(sampler=sampler.address) as client:
        batches = client.sample("small", 3000, seed=7)
        taken = [next(batches).images]
        triton_server.kill()
        restart = threading.Thread(target=triton_server.start)
        restart.start()
        taken += [batch.images for batch in batches]
        restart.join()
    np.testing.assert_array_equal(np.concatenate(taken), expected)


def test_a_deadline_ends_the_stream_and_its_work(sampler: SamplerProcess) -> None:
    with grpc.insecure_channel(sampler.address) as channel:
        stub = sampler_pb2_grpc.SamplerServiceStub(channel)
        list(stub.Sample(request(1, 1), timeout=60, wait_for_ready=True))
        drawn = metric(sampler.metrics, "medsynth_images_sampled_total")
        stream = stub.Sample(request(1, 10**9), timeout=2)
        next(stream)
        with pytest.raises(grpc.RpcError) as raised:
            list(stream)
        assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        eventually(lambda: calls_under_way(sampler.metrics) == 0)
        assert metric(sampler.metrics, "medsynth_images_sampled_total") > drawn
