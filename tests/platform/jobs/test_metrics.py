from __future__ import annotations

import dataclasses
import logging

import pytest
from prometheus_client import CollectorRegistry

from medsynth.platform.jobs.metrics import WorkerMetrics
from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.jobs.store import JobStore
from medsynth.platform.telemetry import set_up_logging
from medsynth.settings import Settings
from medsynth.v1 import jobs_pb2, types_pb2
from tests.redis_server import RedisServer


@pytest.fixture
def record(redis_server: RedisServer) -> JobRecord:
    store = JobStore(redis_server.client, Settings())
    return store.create("preparation", types_pb2.DataSource(uri="phantom://cardiac"))


def progress(done: int, **metrics: float) -> jobs_pb2.Progress:
    return jobs_pb2.Progress(done=done, total=100, unit="images", metrics=metrics)


def test_counts_waits_attempts_and_units(record: JobRecord) -> None:
    registry = CollectorRegistry()
    metrics = WorkerMetrics(registry)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"medsynth_{name}", {"kind": "preparation", **labels})

    metrics.claimed(dataclasses.replace(record, progress=progress(10)), 2.0)
    assert value("jobs_running") == 1
    metrics.progressed(record, progress(30, loss=0.5))
    metrics.progressed(record, progress(30))
    metrics.progressed(record, progress(5))
    metrics.progressed(record, progress(9, loss=0.25))
    metrics.released(record, "SUCCEEDED")
    assert value("job_units_total", unit="images") == 20 + 4
    assert value("job_metric", metric="loss") == 0.25
    assert value("job_wait_seconds_sum") == 2.0
    assert value("job_attempts_total", state="SUCCEEDED") == 1
    assert value("jobs_running") == 0
    assert record.id not in str([metric.samples for metric in registry.collect()])


def test_log_lines_between_carry_the_job(
    record: JobRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    metrics = WorkerMetrics(CollectorRegistry())
    set_up_logging(Settings(log_format="text"), "worker")
    metrics.claimed(record, 0.0)
    logging.getLogger("a").info("within")
    metrics.released(record, "LOST")
    logging.getLogger("a").info("after")
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    within, after = capsys.readouterr().err.splitlines()
    assert f"within job={record.name}" in within
    assert "job=" not in after
