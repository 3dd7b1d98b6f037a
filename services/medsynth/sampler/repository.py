"""Triton's model repository: one folder for each generator, under its immutable id.

A folder is built beside its place and renamed, so Triton never reads half of one::

    {repository}/{generator id}/config.pbtxt
                                1/model.onnx
                                1/model.py      where Triton has no onnxruntime backend
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final, Literal
from uuid import uuid4

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from medsynth.errors import FailedPreconditionError, ResourceExhaustedError
from medsynth.platform.artifacts import MODEL_FILE
from medsynth.platform.faults import machine_error
from medsynth.sampler.blocks import Blocks
from medsynth.storage import Artifact
from medsynth.v1 import types_pb2

Backend = Literal["onnxruntime", "python"]

VERSION: Final = "1"
CONFIGURATION: Final = "config.pbtxt"
BACKEND_MODEL: Final = "model.py"

_LEVELS: Final = {8: model_config_pb2.TYPE_UINT8, 16: model_config_pb2.TYPE_UINT16}

_BACKEND_MODEL_SOURCE = Path(__file__).resolve().parents[3] / "deploy" / "triton" / BACKEND_MODEL


class ModelRepository:
    """The folder that Triton loads models from.

    Args:
        root: The folder; created when the first model is published.
        backend: What runs the graph: Triton's own `onnxruntime`, or `python` with
            deploy/triton/model.py.
    """

    def __init__(self, root: Path, backend: Backend) -> None:
        self.root = root
        self.backend = backend

    def publish(self, artifact: Artifact, generator: types_pb2.Generator) -> bool:
        """Puts a generator's graph where Triton finds it.

        Nothing is written when the folder already holds exactly this. Several processes may
        publish the same generator at the same time.

        Args:
            artifact: The published generator.
            generator: The same as a resource.

        Returns:
            Whether something was written.

        Raises:
            DataError: The graph is missing from the storage or is not what was published.
            FailedPreconditionError: The Python backend's model is not installed.
            ResourceExhaustedError: The disk is full.
            UnavailableError: The repository cannot be written.
        """
        files = self._files(artifact, generator)
        folder = self.root / artifact.manifest.id
        if _holds(folder, files):
            return False
        beside = self._beside(artifact.manifest.id)
        try:
            for path, content in files.items():
                (beside / path).parent.mkdir(parents=True, exist_ok=True)
                (beside / path).write_bytes(content)
            self._take_place(beside, folder, files)
            return True
        except OSError as error:
            place = f"Triton's model repository {self.root}"
            raise machine_error(error, place) or ResourceExhaustedError(
                f"cannot write to {place}: {error.strerror}"
            ) from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def remove(self, generator_id: str) -> None:
        """Removes a generator's folder. Nothing happens if there is none."""
        beside = self._beside(generator_id)
        try:
            (self.root / generator_id).rename(beside)
        except FileNotFoundError:
            return
        shutil.rmtree(beside, ignore_errors=True)

    def _beside(self, generator_id: str) -> Path:
        return self.root / f".{generator_id}.{uuid4().hex}"

    def _take_place(self, beside: Path, folder: Path, files: dict[str, bytes]) -> None:
        while not _holds(folder, files):
            try:
                beside.rename(folder)
            except OSError:
                if not folder.exists():
                    raise
                self.remove(folder.name)

    def _files(self, artifact: Artifact, generator: types_pb2.Generator) -> dict[str, bytes]:
        files = {
            CONFIGURATION: configuration(generator, self.backend).encode(),
            f"{VERSION}/{MODEL_FILE}": artifact.read(MODEL_FILE),
        }
        if self.backend == "python":
            if not _BACKEND_MODEL_SOURCE.is_file():
                raise FailedPreconditionError(
                    "the model of Triton's Python backend is missing: run from a checkout, or "
                    "set MEDSYNTH_TRITON_BACKEND=onnxruntime for a Triton that has this backend"
                )
            files[f"{VERSION}/{BACKEND_MODEL}"] = _BACKEND_MODEL_SOURCE.read_bytes()
        return files


def _holds(folder: Path, files: dict[str, bytes]) -> bool:
    try:
        return all((folder / path).read_bytes() == content for path, content in files.items())
    except (FileNotFoundError, NotADirectoryError):
        return False


def configuration(generator: types_pb2.Generator, backend: Backend) -> str:
    """The text of a generator's config.pbtxt.

    The largest batch is one block (see `medsynth.sampler.blocks`): batches that others send are
    gathered up to it, and a block always runs alone, so its pixels depend on nothing else.

    Args:
        generator: Says the tensors' shapes.
        backend: What runs the graph.
    """
    block = Blocks.of(generator).size
    side = generator.size
    outputs = {"image": (_LEVELS[generator.bits], [generator.channels, side, side])}
    if generator.classes:
        outputs["mask"] = (model_config_pb2.TYPE_UINT8, [side, side])
    config = model_config_pb2.ModelConfig(
        name=generator.name.rpartition("/")[2],
        backend=backend,
        max_batch_size=block,
        input=[
            model_config_pb2.ModelInput(
                name="latent",
                data_type=model_config_pb2.TYPE_FP32,
                dims=[generator.gan.latent_dim],
            )
        ],
        output=[
            model_config_pb2.ModelOutput(name=name, data_type=kind, dims=shape)
            for name, (kind, shape) in outputs.items()
        ],
        dynamic_batching=model_config_pb2.ModelDynamicBatching(preferred_batch_size=[block]),
    )
    if backend == "python":
        config.default_model_filename = BACKEND_MODEL
        config.instance_group.add(count=1, kind=model_config_pb2.ModelInstanceGroup.KIND_CPU)
    return str(text_format.MessageToString(config))
