"""A real Triton and a real Redis for the sampler's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from medsynth.sampler.deployment import Deployment
from medsynth.sampler.repository import ModelRepository
from medsynth.sampler.triton import Triton
from medsynth.storage import Storage
from tests.sampler import graphs
from tests.sampler.servers import RedisServer, TritonServer


@pytest.fixture(scope="package")
def triton_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    server = TritonServer(tmp_path_factory.mktemp("triton"))
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="package")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="package")
def shared(
    tmp_path_factory: pytest.TempPathFactory,
    triton_server: TritonServer,
    redis_server: RedisServer,
) -> Iterator[Deployment]:
    """A deployment with the generators `small` (one channel, masks) and `colour` (three, none)."""
    storage = Storage(str(tmp_path_factory.mktemp("storage")))
    graphs.publish(storage, "small")
    graphs.publish(storage, "colour", channels=3, classes=0)
    deployment = Deployment(
        storage,
        ModelRepository(triton_server.models, "python"),
        Triton(triton_server.url),
        redis_server.client,
    )
    yield deployment
    deployment.triton.close()


@pytest.fixture
def deployment(shared: Deployment, tmp_path: Path) -> Iterator[Deployment]:
    """A deployment with a storage of its own, without generators."""
    storage = Storage(str(tmp_path / "storage"))
    own = Deployment(storage, shared.repository, shared.triton, shared.records)
    yield own
    for artifact in storage.list("generators"):
        own.withdraw(artifact.manifest.id)
