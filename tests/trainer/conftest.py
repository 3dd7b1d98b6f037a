"""A workplace for the trainer's jobs, and one training that many tests look at."""

from __future__ import annotations

from collections.abc import Iterator

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
        workplace = Workplace(tmp_path_factory.mktemp("home"), redis.url, patch)
        yield workplace
        workplace.close()
    redis.stop()


@pytest.fixture(scope="package")
def trained(workplace: Workplace) -> JobRecord:
    """A training that has succeeded."""
    return workplace.make("training", training_specification())
