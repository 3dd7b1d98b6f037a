"""Deployments on a real Triton and a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from medsynth.sampler.deployment import Deployment
from medsynth.sampler.repository import ModelRepository
from medsynth.sampler.triton import Triton
from medsynth.storage import Storage
from tests.redis_server import RedisServer
from tests.sampler import graphs
from tests.triton_server import TritonServer


@pytest.fixture(scope="package")
def shared(
    tmp_path_factory: pytest.TempPathFactory,
    triton_server: TritonServer,
    redis_process: RedisServer,
) -> Iterator[Deployment]:
    """A deployment with the generators `small` (one channel, masks) and `colour` (three, none)."""
    storage = Storage(str(tmp_path_factory.mktemp("storage")))
    graphs.publish(storage, "small")
    graphs.publish(storage, "colour", channels=3, classes=0)
    deployment = Deployment(
        storage,
        ModelRepository(triton_server.models, "python"),
        Triton(triton_server.url),
        redis_process.client,
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
