"""A workplace for the trainer's jobs, and one training that many tests look at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from medsynth.platform.jobs.record import JobRecord
from tests.redis_server import RedisServer
from tests.trainer.asked import training_specification
from tests.workplace import Workplace


@pytest.fixture(scope="package")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    redis = RedisServer(tmp_path_factory.mktemp("redis"))
    redis.start()
    with pytest.MonkeyPatch.context() as patch:
        more = {"data_roots": json.dumps([str(tmp_path_factory.mktemp("data"))])}
        workplace = Workplace(tmp_path_factory.mktemp("home"), redis.url, patch, more)
        yield workplace
        workplace.close()
    redis.stop()


@pytest.fixture
def data_root(workplace: Workplace) -> Path:
    """The folder that requests may name."""
    return Path(workplace.settings.data_roots[0])


@pytest.fixture(scope="package")
def trained(workplace: Workplace) -> JobRecord:
    """A training that has succeeded."""
    return workplace.make("training", training_specification())
