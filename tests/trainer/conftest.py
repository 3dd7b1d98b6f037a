"""A workplace for the trainer's jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redis_server import RedisServer
from tests.workplace import Workplace


@pytest.fixture
def workplace(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workplace]:
    workplace = Workplace(tmp_path, redis_server.url, monkeypatch)
    yield workplace
    workplace.close()
