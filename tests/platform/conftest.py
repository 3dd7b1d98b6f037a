"""A store and a storage with everything that can cite something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsynth.platform.jobs.store import JobStore
from medsynth.settings import Settings
from medsynth.storage import Storage
from tests.redis_server import RedisServer


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path / "storage"))


@pytest.fixture
def store(redis_server: RedisServer) -> JobStore:
    return JobStore(redis_server.url, Settings(), announce=lambda *_: None)
