"""A real tritonserver with deploy/triton's model."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import tritonclient.grpc as triton
from onnx import TensorProto, helper, numpy_helper
from tritonclient.utils import InferenceServerException

from tests.triton_server import TritonServer

MODEL = Path(__file__).resolve().parents[2] / "deploy" / "triton" / "model.py"
DIM, SIZE = 6, 8

CONFIGURATION = """
backend: "python"
max_batch_size: 64
input { name: "latent" data_type: TYPE_FP32 dims: 6 }
output { name: "%s" data_type: TYPE_UINT8 dims: [ 1, 8, 8 ] }
output { name: "mask" data_type: TYPE_UINT8 dims: [ 8, 8 ] }
dynamic_batching { max_queue_delay_microseconds: 20000 }
instance_group { kind: KIND_CPU count: 1 }
"""


def graph() -> bytes:
    """An image and a mask out of two linear layers."""
    random = np.random.default_rng(0)
    weights = {
        "w": random.normal(size=(DIM, SIZE * SIZE)).astype(np.float32) * 40,
        "image_shape": np.array([-1, 1, SIZE, SIZE], np.int64),
        "mask_shape": np.array([-1, SIZE, SIZE], np.int64),
        "low": np.float32(0),
        "high": np.float32(255),
    }
    nodes = [
        helper.make_node("MatMul", ["latent", "w"], ["flat"]),
        helper.make_node("Clip", ["flat", "low", "high"], ["clipped"]),
        helper.make_node("Cast", ["clipped"], ["levels"], to=TensorProto.UINT8),
        helper.make_node("Reshape", ["levels", "image_shape"], ["image"]),
        helper.make_node("Greater", ["flat", "low"], ["above"]),
        helper.make_node("Cast", ["above"], ["labels"], to=TensorProto.UINT8),
        helper.make_node("Reshape", ["labels", "mask_shape"], ["mask"]),
    ]
    made = helper.make_graph(
        nodes,
        "generator",
        [helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["batch", DIM])],
        [
            helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", 1, SIZE, SIZE]),
            helper.make_tensor_value_info("mask", TensorProto.UINT8, ["batch", SIZE, SIZE]),
        ],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in weights.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    return model.SerializeToString()


def publish(server: TritonServer, content: bytes, output: str = "image") -> str:
    """Puts a model into the repository and returns its name."""
    name = f"g{uuid.uuid4().hex[:8]}"
    version = server.models / name / "1"
    version.mkdir(parents=True)
    (version / "model.onnx").write_bytes(content)
    shutil.copy(MODEL, version / "model.py")
    (version.parent / "config.pbtxt").write_text(CONFIGURATION % output)
    return name


@pytest.fixture(scope="module")
def model() -> bytes:
    return graph()


@pytest.fixture
def client(triton_server: TritonServer) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(triton_server.url) as client:
        yield client


def latents(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)


def infer(
    client: triton.InferenceServerClient, name: str, latent: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    sent = triton.InferInput("latent", latent.shape, "FP32")
    sent.set_data_from_numpy(latent)
    result = client.infer(name, [sent], client_timeout=60)
    return result.as_numpy("image"), result.as_numpy("mask")


def expected(content: bytes, latent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    image, mask = session.run(None, {"latent": latent})
    return image, mask


def same(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> bool:
    return all(
        a.dtype == b.dtype and a.shape == b.shape and bool((a == b).all())
        for a, b in zip(one, other, strict=True)
    )


def test_answers_as_onnxruntime_does_until_unloaded(
    client: triton.InferenceServerClient, triton_server: TritonServer, model: bytes
) -> None:
    name = publish(triton_server, model)
    client.load_model(name)
    for count in (1, 3, 64):
        images, masks = infer(client, name, latents(count))
        assert images.any()
        assert masks.any()
        assert same((images, masks), expected(model, latents(count)))
    client.unload_model(name)
    assert not client.is_model_ready(name)


def test_requests_that_run_together_get_their_own_parts(
    client: triton.InferenceServerClient, triton_server: TritonServer, model: bytes
) -> None:
    name = publish(triton_server, model)
    client.load_model(name)

    def ask(seed: int) -> bool:
        latent = latents(1 + seed % 3, seed)
        with triton.InferenceServerClient(triton_server.url) as own:
            return same(infer(own, name, latent), expected(model, latent))

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(ask, range(48)))
    statistics = client.get_inference_statistics(name, as_json=True)["model_stats"][0]
    assert int(statistics["execution_count"]) < 48
    client.unload_model(name)


@pytest.mark.parametrize(
    ("content", "output", "said"),
    [(b"no graph", "image", "cannot open model.onnx"), (None, "picture", "config.pbtxt has")],
)
def test_a_model_that_cannot_be_served_is_refused_and_the_server_stays(
    client: triton.InferenceServerClient,
    triton_server: TritonServer,
    model: bytes,
    content: bytes | None,
    output: str,
    said: str,
) -> None:
    name = publish(triton_server, content or model, output)
    with pytest.raises(InferenceServerException, match=said):
        client.load_model(name)
    assert client.is_server_ready()


def test_comes_back_after_sigkill(tmp_path_factory: pytest.TempPathFactory, model: bytes) -> None:
    server = TritonServer(tmp_path_factory.mktemp("killed"))
    name = publish(server, model)
    for _ in range(2):
        server.start()
        with triton.InferenceServerClient(server.url) as client:
            assert not client.is_model_ready(name)
            client.load_model(name)
            assert same(infer(client, name, latents(2)), expected(model, latents(2)))
        server.kill()
    assert not list(Path("/dev/shm").glob(server.leftovers.removeprefix("/dev/shm/")))
