"""Small generators with real graphs, quick to make and to run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from medsynth.gans.latents import latents
from medsynth.levels import brightest
from medsynth.platform.artifacts import GENERATORS, MODEL_FILE, generator_metadata
from medsynth.sampler.blocks import Blocks
from medsynth.storage import Artifact, Storage
from medsynth.v1 import types_pb2

DIM = 8


def graph(channels: int, classes: int, size: int, seed: int = 0, bits: int = 8) -> bytes:
    """A linear layer, a convolution, and the discretised outputs of every generator."""
    random = np.random.default_rng(seed)
    planes = channels + classes
    levels = {8: TensorProto.UINT8, 16: TensorProto.UINT16}[bits]
    weights = {
        "linear": random.normal(size=(DIM, planes * size * size)).astype(np.float32),
        "kernel": random.normal(size=(planes, planes, 3, 3)).astype(np.float32) / 3,
        "shape": np.array([-1, planes, size, size], np.int64),
        "one": np.float32(1),
        "half": np.float32(brightest(bits) / 2),
        "low": np.float32(0),
        "high": np.float32(brightest(bits)),
    }
    nodes = [
        helper.make_node("MatMul", ["latent", "linear"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["square"]),
        helper.make_node("Conv", ["square", "kernel"], ["raw"], pads=[1, 1, 1, 1]),
        helper.make_node("Tanh", ["raw"], ["joint"]),
        helper.make_node("Slice", ["joint", "zero", "middle", "axis"], ["picture"]),
        helper.make_node("Add", ["picture", "one"], ["shifted"]),
        helper.make_node("Mul", ["shifted", "half"], ["scaled"]),
        helper.make_node("Round", ["scaled"], ["rounded"]),
        helper.make_node("Clip", ["rounded", "low", "high"], ["clipped"]),
        helper.make_node("Cast", ["clipped"], ["image"], to=levels),
    ]
    bounds = {"zero": [0], "middle": [channels], "end": [planes], "axis": [1]}
    weights |= {name: np.array(value, np.int64) for name, value in bounds.items()}
    outputs = [tensor("image", levels, channels, size, size)]
    if classes:
        nodes += [
            helper.make_node("Slice", ["joint", "middle", "end", "axis"], ["scores"]),
            helper.make_node("ArgMax", ["scores"], ["label"], axis=1, keepdims=0),
            helper.make_node("Cast", ["label"], ["mask"], to=TensorProto.UINT8),
        ]
        outputs.append(tensor("mask", TensorProto.UINT8, size, size))
    made = helper.make_model(
        helper.make_graph(
            nodes,
            "generator",
            [tensor("latent", TensorProto.FLOAT, DIM)],
            outputs,
            [numpy_helper.from_array(np.asarray(v), name) for name, v in weights.items()],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    onnx.checker.check_model(made)
    return made.SerializeToString()


def tensor(name: str, kind: int, *shape: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["batch", *shape])


def publish(
    storage: Storage,
    generator_id: str,
    *,
    channels: int = 1,
    classes: int = 3,
    size: int = 32,
    bits: int = 8,
    model: bytes | None = None,
    dataset: str = "datasets/d1",
    source: Mapping[str, Any] | None = None,
) -> Artifact:
    """Publishes a small generator."""
    draft = storage.draft(GENERATORS, generator_id, "a1")
    draft.write(MODEL_FILE, graph(channels, classes, size, bits=bits) if model is None else model)
    names = [f"class {i}" for i in range(classes)]
    metadata = generator_metadata(
        weights_digest="sha256:" + "0" * 64,
        training_job=f"trainingJobs/{generator_id}",
        dataset=dataset,
        source=source or {"uri": "phantom://cardiac"},
        gan=types_pb2.GanSpecification(preset="hinge", latent_dim=DIM),
        size=size,
        channels=channels,
        classes=names,
        images=1000,
        metrics={},
        bits=bits,
    )
    return storage.publish(draft, metadata)


def expected(
    artifact: Artifact, generator: types_pb2.Generator, seed: int, first: int, count: int
) -> dict[str, np.ndarray]:
    """The images by onnxruntime in this process, block by block."""
    path = Path(artifact.path) / MODEL_FILE
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    blocks = Blocks.of(generator)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for start in blocks.covering(first, count):
        feed = latents(generator.weights_digest, seed, start, blocks.size, DIM)
        for name, array in zip(names, session.run(names, {"latent": feed}), strict=True):
            parts[name].append(array[blocks.part(start, first, count)])
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}
