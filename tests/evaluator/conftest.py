"""A workplace for evaluations: a Redis of its own, and a real Triton that draws."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tests.redis_server import RedisServer
from tests.triton_server import TritonServer
from tests.workplace import Workplace


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    """Two tests at a time on two cores are slowed down much by more threads than cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="package")
def workplace(
    triton_server: TritonServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workplace]:
    redis = RedisServer(tmp_path_factory.mktemp("redis"))
    redis.start()
    home = tmp_path_factory.mktemp("home")
    (home / "folders").mkdir()
    more = {
        "triton_url": triton_server.url,
        "triton_backend": "python",
        "model_repository": str(triton_server.models),
        "data_roots": f'["{home / "folders"}"]',
    }
    with pytest.MonkeyPatch.context() as patch:
        workplace = Workplace(home, redis.url, patch, more)
        yield workplace
        workplace.close()
    redis.stop()
