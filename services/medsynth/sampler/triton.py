"""The part of Triton's gRPC interface that the sampler needs, safe for many threads.

`tritonclient.grpc.InferenceServerClient` is for one thread; its generated stub, used here, shares
one connection among all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import grpc
import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc

from medsynth.errors import FailedPreconditionError, MedsynthError, UnavailableError

CONTROL_SECONDS: Final = 10.0
"""How long a question about models may take."""
LOAD_SECONDS: Final = 300.0
"""How long loading a model may take."""
INFERENCE_SECONDS: Final = 120.0
"""How long one batch may take, its wait in Triton's queue included."""

_BACK_OFF_SECONDS: Final = 1.5
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # Channels of one process share a connection to one address otherwise, and its back-off.
    ("grpc.use_local_subchannel_pool", 1),
)

_DATATYPES: Final[dict[str, np.dtype[Any]]] = {
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype(np.uint16),
    "FP32": np.dtype(np.float32),
}
_NAMES: Final = {dtype: name for name, dtype in _DATATYPES.items()}


@dataclass(frozen=True)
class Failure:
    """Why an inference failed.

    Attributes:
        message: What Triton or gRPC said.
        cancelled: It was cancelled from this side.
    """

    message: str
    cancelled: bool


class Inference:
    """One inference request on its way."""

    def __init__(self, future: Any) -> None:
        self._future = future

    def wait(self) -> dict[str, np.ndarray] | Failure:
        """Waits for the outputs by name, or for what went wrong."""
        try:
            response = self._future.result()
        except grpc.FutureCancelledError:
            return Failure("cancelled", cancelled=True)
        except grpc.RpcError as error:
            cancelled = error.code() == grpc.StatusCode.CANCELLED
            return Failure(_said(error), cancelled=cancelled)
        return {
            output.name: np.frombuffer(raw, _DATATYPES[output.datatype]).reshape(output.shape)
            for output, raw in zip(response.outputs, response.raw_output_contents, strict=True)
        }

    def cancel(self) -> None:
        """Gives the request up; whoever waits for it gets a `Failure` at once."""
        self._future.cancel()


class Triton:
    """A Triton server.

    Args:
        url: `host:port` of its gRPC endpoint.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._channel = grpc.insecure_channel(url, options=_OPTIONS)
        self._stub = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)

    def close(self) -> None:
        """Ends the connection; requests on their way are cancelled."""
        self._channel.close()

    def wait_until_live(self, seconds: float) -> bool:
        """Waits until Triton answers, at most so long; returns whether it does."""
        request = service_pb2.ServerLiveRequest()
        try:
            answer = self._stub.ServerLive(request, timeout=seconds, wait_for_ready=True)
        except grpc.RpcError:
            return False
        return bool(answer.live)

    def version(self) -> str:
        """Name and version of the server, such as `triton 2.51.0`.

        Raises:
            UnavailableError: Triton does not answer.
        """
        answer = self._call(self._stub.ServerMetadata, service_pb2.ServerMetadataRequest())
        return f"{answer.name} {answer.version}"

    def is_ready(self, model: str) -> bool:
        """Whether a model is loaded and answers.

        Raises:
            UnavailableError: Triton does not answer.
        """
        return bool(
            self._call(self._stub.ModelReady, service_pb2.ModelReadyRequest(name=model)).ready
        )

    def ready_models(self, seconds: float = CONTROL_SECONDS) -> set[str]:
        """Names of all models that are loaded and answer.

        Raises:
            UnavailableError: Triton does not answer within the time.
        """
        request = service_pb2.RepositoryIndexRequest(ready=True)
        try:
            index = self._stub.RepositoryIndex(request, timeout=seconds)
        except grpc.RpcError as error:
            raise self._error(error) from error
        return {model.name for model in index.models}

    def load(self, model: str) -> None:
        """Loads a model out of the repository and returns once it is loaded.

        Raises:
            UnavailableError: Triton does not answer.
            FailedPreconditionError: Triton cannot load it; the message says why.
        """
        request = service_pb2.RepositoryModelLoadRequest(model_name=model)
        self._call(self._stub.RepositoryModelLoad, request, LOAD_SECONDS, f"load {model}")

    def unload(self, model: str) -> None:
        """Unloads a model once its requests are answered. Nothing happens if it is not loaded.

        Raises:
            UnavailableError: Triton does not answer.
            FailedPreconditionError: Triton refuses; the message says why.
        """
        request = service_pb2.RepositoryModelUnloadRequest(model_name=model)
        self._call(self._stub.RepositoryModelUnload, request, LOAD_SECONDS, f"unload {model}")

    def infer(self, model: str, inputs: Mapping[str, np.ndarray]) -> Inference:
        """Sends a batch and returns at once.

        Args:
            model: A loaded model.
            inputs: Arrays by name, the batch first. All outputs come back.
        """
        request = service_pb2.ModelInferRequest(model_name=model)
        for name, array in inputs.items():
            request.inputs.add(name=name, datatype=_NAMES[array.dtype], shape=array.shape)
            request.raw_input_contents.append(array.tobytes())
        return Inference(self._stub.ModelInfer.future(request, timeout=INFERENCE_SECONDS))

    def _call(
        self, method: Any, request: Any, seconds: float = CONTROL_SECONDS, what: str = "answer"
    ) -> Any:
        try:
            return method(request, timeout=seconds)
        except grpc.RpcError as error:
            # The connection may still be in its back-off while Triton is up again.
            lost = error.code() == grpc.StatusCode.UNAVAILABLE
            if not (lost and self.wait_until_live(_BACK_OFF_SECONDS)):
                raise self._error(error, what) from error
        try:
            return method(request, timeout=seconds)
        except grpc.RpcError as error:
            raise self._error(error, what) from error

    def _error(self, error: Any, what: str = "answer") -> MedsynthError:
        if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
            return UnavailableError(
                f"Triton at {self.url} does not answer: {_said(error)}",
                reason="TRITON_UNAVAILABLE",
            )
        return FailedPreconditionError(
            f"Triton cannot {what}: {_said(error)}", reason="TRITON_REFUSED"
        )


def _said(error: Any) -> str:
    return str(error.details() or error.code().name).partition("\n")[0][:500]
