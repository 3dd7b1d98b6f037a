"""Triton's Python backend for a generator: runs `model.onnx` beside it with onnxruntime.

Serves where Triton comes without its own onnxruntime backend. Inputs and outputs are those of the
ONNX graph, the batch first. Requests that Triton hands over together are run as one batch.
"""

from __future__ import annotations

import ctypes
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils

_USED = b"used_dltensor"
_set_capsule_name = ctypes.pythonapi.PyCapsule_SetName
_set_capsule_name.argtypes = [ctypes.py_object, ctypes.c_char_p]


class TritonPythonModel:
    """One instance of the model; Triton calls it from one thread."""

    def initialize(self, args: dict[str, str]) -> None:
        """Opens the graph and compares it with the model's configuration.

        Raises:
            pb_utils.TritonModelException: The file is no graph that onnxruntime can run, or the
                configuration names tensors that it does not have. Loading fails with the message.
        """
        path = Path(args["model_repository"]) / args["model_version"] / "model.onnx"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise pb_utils.TritonModelException(f"cannot open {path.name}: {error}") from error
        self._inputs = [node.name for node in self._session.get_inputs()]
        self._outputs = [node.name for node in self._session.get_outputs()]
        config = json.loads(args["model_config"])
        for kind, graph in (("input", self._inputs), ("output", self._outputs)):
            configured = {tensor["name"] for tensor in config[kind]}
            if configured != set(graph):
                raise pb_utils.TritonModelException(
                    f"config.pbtxt has the {kind}s {', '.join(sorted(configured))}; "
                    f"{path.name} has {', '.join(sorted(graph))}"
                )

    def execute(self, requests: list[Any]) -> list[Any]:
        """Runs all requests as one batch; one response for each, in their order.

        What onnxruntime raises, Triton answers to all of them.
        """
        parts = [[_array(request, name) for name in self._inputs] for request in requests]
        feeds = {
            name: arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
            for name, arrays in zip(self._inputs, zip(*parts, strict=True), strict=True)
        }
        results = self._session.run(self._outputs, feeds)
        responses, first = [], 0
        for arrays in parts:
            last = first + len(arrays[0])
            tensors = [
                _tensor(name, result[first:last])
                for name, result in zip(self._outputs, results, strict=True)
            ]
            responses.append(pb_utils.InferenceResponse(tensors))
            first = last
        return responses


# Tensors go in and out by DLPack: the backend's own conversion was built for NumPy 1, and hands
# out tensors of no bytes under NumPy 2.
def _array(request: Any, name: str) -> np.ndarray:
    return np.from_dlpack(pb_utils.get_input_tensor_by_name(request, name))


def _tensor(name: str, array: np.ndarray) -> Any:
    capsule = array.__dlpack__()
    tensor = pb_utils.Tensor.from_dlpack(name, capsule)
    # The backend marks the capsule as taken with a name of its own, about which NumPy complains
    # for every tensor; this is the name that the protocol demands.
    _set_capsule_name(capsule, _USED)
    return tensor
