from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from medsynth.errors import DataError, ResourceExhaustedError
from medsynth.platform.artifacts import MODEL_FILE, generator_message
from medsynth.sampler.blocks import Blocks
from medsynth.sampler.repository import ModelRepository, configuration
from medsynth.storage import Artifact, Storage
from tests.sampler import graphs


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    return graphs.publish(Storage(str(tmp_path / "storage")), "g")


@pytest.fixture
def repository(tmp_path: Path) -> ModelRepository:
    return ModelRepository(tmp_path / "models", "python")


def files(root: Path) -> dict[str, bytes]:
    found = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def test_a_model_is_complete(artifact: Artifact, repository: ModelRepository) -> None:
    assert repository.publish(artifact, generator_message(artifact))
    written = files(repository.root)
    assert sorted(written) == ["g/1/model.onnx", "g/1/model.py", "g/config.pbtxt"]
    assert written["g/1/model.onnx"] == artifact.read(MODEL_FILE)


def test_a_backend_of_triton_needs_no_program(artifact: Artifact, tmp_path: Path) -> None:
    repository = ModelRepository(tmp_path / "models", "onnxruntime")
    repository.publish(artifact, generator_message(artifact))
    assert sorted(files(repository.root)) == ["g/1/model.onnx", "g/config.pbtxt"]


def test_publishing_again_writes_nothing(artifact: Artifact, repository: ModelRepository) -> None:
    generator = generator_message(artifact)
    repository.publish(artifact, generator)
    inode = (repository.root / "g").stat().st_ino
    assert not repository.publish(artifact, generator)
    assert (repository.root / "g").stat().st_ino == inode


@pytest.mark.parametrize("path", ["1/model.onnx", "config.pbtxt"])
def test_what_was_damaged_is_replaced(
    artifact: Artifact, repository: ModelRepository, path: str
) -> None:
    generator = generator_message(artifact)
    repository.publish(artifact, generator)
    intact = files(repository.root)
    (repository.root / "g" / path).write_bytes(b"half")
    assert repository.publish(artifact, generator)
    assert files(repository.root) == intact


def test_a_graph_that_was_changed_is_refused(
    artifact: Artifact, repository: ModelRepository
) -> None:
    (Path(artifact.path) / MODEL_FILE).write_bytes(b"something else")
    with pytest.raises(DataError, match="digest differs"):
        repository.publish(artifact, generator_message(artifact))
    assert files(repository.root) == {}


def test_many_may_publish_at_once(artifact: Artifact, repository: ModelRepository) -> None:
    generator = generator_message(artifact)
    barrier = threading.Barrier(8)

    def publish(_: int) -> None:
        barrier.wait()
        repository.publish(artifact, generator)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(publish, range(8)))
    assert len(files(repository.root)) == 3


def test_a_repository_that_cannot_be_written(artifact: Artifact, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file, not a folder")
    with pytest.raises(ResourceExhaustedError, match="model repository"):
        ModelRepository(tmp_path / "models", "python").publish(
            artifact, generator_message(artifact)
        )


def test_removing_twice(artifact: Artifact, repository: ModelRepository) -> None:
    repository.publish(artifact, generator_message(artifact))
    repository.remove("g")
    repository.remove("g")
    assert list(repository.root.iterdir()) == []


def test_the_configuration_says_the_shapes(tmp_path: Path) -> None:
    artifact = graphs.publish(Storage(str(tmp_path)), "rgb", channels=3, classes=4, size=64)
    generator = generator_message(artifact)
    config = text_format.Parse(
        configuration(generator, "onnxruntime"), model_config_pb2.ModelConfig()
    )
    assert (config.name, config.backend) == ("rgb", "onnxruntime")
    assert config.max_batch_size == Blocks.of(generator).size
    assert list(config.dynamic_batching.preferred_batch_size) == [config.max_batch_size]
    assert {tensor.name: list(tensor.dims) for tensor in config.output} == {
        "image": [3, 64, 64],
        "mask": [64, 64],
    }
    assert list(config.input[0].dims) == [graphs.DIM]


@pytest.mark.parametrize("bits", [8, 16])
def test_the_configuration_says_the_levels(tmp_path: Path, bits: int) -> None:
    artifact = graphs.publish(Storage(str(tmp_path)), "g", bits=bits)
    config = text_format.Parse(
        configuration(generator_message(artifact), "python"), model_config_pb2.ModelConfig()
    )
    kinds = {
        tensor.name: model_config_pb2.DataType.Name(tensor.data_type) for tensor in config.output
    }
    assert kinds == {"image": f"TYPE_UINT{bits}", "mask": "TYPE_UINT8"}
