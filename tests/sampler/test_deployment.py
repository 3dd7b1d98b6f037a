from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from medsynth.errors import (
    DataError,
    FailedPreconditionError,
    NotFoundError,
    UnavailableError,
)
from medsynth.platform.artifacts import GENERATORS, MODEL_FILE
from medsynth.sampler.deployment import DEPLOYED_KEY, Deployment, Restorer
from medsynth.sampler.triton import Triton
from medsynth.storage import Artifact
from medsynth.v1 import types_pb2
from tests.redis_server import free_port
from tests.sampler import graphs
from tests.support import eventually
from tests.triton_server import TritonServer


def remembered(deployment: Deployment) -> set[bytes]:
    return set(deployment.records.smembers(DEPLOYED_KEY))


def test_deploying_and_withdrawing_repeat(deployment: Deployment) -> None:
    graphs.publish(deployment.storage, "again")
    for _ in range(2):
        generator = deployment.deploy("again")
        assert generator.deployed
        assert "again" in deployment.deployed()
        assert b"again" in remembered(deployment)
    for _ in range(2):
        deployment.withdraw("again")
        assert "again" not in deployment.deployed()
        assert b"again" not in remembered(deployment)
        assert not (deployment.repository.root / "again").exists()


def test_many_deploy_at_once(deployment: Deployment) -> None:
    graphs.publish(deployment.storage, "crowd")
    barrier = threading.Barrier(6)

    def deploy(_: int) -> bool:
        barrier.wait()
        return deployment.deploy("crowd").deployed

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(deploy, range(6)))
    assert "crowd" in deployment.deployed()


def test_a_generator_that_does_not_exist(deployment: Deployment) -> None:
    with pytest.raises(NotFoundError, match="generators/nobody does not exist"):
        deployment.deploy("nobody")


def test_a_graph_that_triton_cannot_run_leaves_nothing(deployment: Deployment) -> None:
    graphs.publish(deployment.storage, "broken", model=b"no graph")
    with pytest.raises(FailedPreconditionError, match=r"cannot load broken: .*model\.onnx"):
        deployment.deploy("broken")
    assert b"broken" not in remembered(deployment)
    assert not (deployment.repository.root / "broken").exists()


def test_a_graph_that_was_changed_is_not_served(deployment: Deployment) -> None:
    artifact = graphs.publish(deployment.storage, "changed")
    (Path(artifact.path) / MODEL_FILE).write_bytes(b"something else")
    with pytest.raises(DataError, match="digest differs"):
        deployment.deploy("changed")
    assert "changed" not in deployment.deployed()


def test_triton_that_is_down(deployment: Deployment) -> None:
    graphs.publish(deployment.storage, "waiting")
    nowhere = Triton(f"127.0.0.1:{free_port()}")
    down = Deployment(deployment.storage, deployment.repository, nowhere, deployment.records)
    with pytest.raises(UnavailableError, match=r"Triton at .* does not answer"):
        down.deploy("waiting")
    assert down.deployed() == set()
    nowhere.close()


def test_waiting_for_triton_ends_when_nobody_wants_it(deployment: Deployment) -> None:
    graphs.publish(deployment.storage, "unwanted")
    nowhere = Triton(f"127.0.0.1:{free_port()}")
    down = Deployment(deployment.storage, deployment.repository, nowhere, deployment.records)
    with pytest.raises(UnavailableError):
        down.ensure("unwanted", patience=3600, wanted=lambda: False)
    nowhere.close()


def test_models_come_back_after_triton_restarts(
    deployment: Deployment, triton_server: TritonServer
) -> None:
    graphs.publish(deployment.storage, "phoenix")
    deployment.deploy("phoenix")
    triton_server.kill()
    triton_server.start()
    restorer = Restorer(deployment, seconds=0.05)
    restorer.start()
    try:
        eventually(lambda: "phoenix" in deployment.deployed())
    finally:
        restorer.stop()


class Interrupted(Deployment):
    """While one generator is restored, another is withdrawn."""

    def _load(self, artifact: Artifact, generator: types_pb2.Generator) -> None:
        super()._load(artifact, generator)
        if artifact.manifest.id == "first":
            self.withdraw("second")


def test_what_is_withdrawn_during_a_restoration_stays_withdrawn(deployment: Deployment) -> None:
    for generator_id in ("first", "second"):
        graphs.publish(deployment.storage, generator_id)
        deployment.deploy(generator_id)
        deployment.triton.unload(generator_id)
    interrupted = Interrupted(
        deployment.storage, deployment.repository, deployment.triton, deployment.records
    )
    assert interrupted.restore() == ["first"]
    assert remembered(deployment) & {b"first", b"second"} == {b"first"}
    assert "second" not in deployment.deployed()


def test_restoring_forgets_what_was_deleted_and_skips_what_is_broken(
    deployment: Deployment,
) -> None:
    for generator_id in ("deleted", "healthy"):
        graphs.publish(deployment.storage, generator_id)
        deployment.deploy(generator_id)
    graphs.publish(deployment.storage, "abroken", model=b"no graph")
    deployment.records.sadd(DEPLOYED_KEY, "abroken")
    deployment.storage.delete(GENERATORS, "deleted")
    deployment.triton.unload("healthy")
    assert deployment.restore() == ["healthy"]
    assert "deleted" not in deployment.deployed()
    assert b"deleted" not in remembered(deployment)
