from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from medsynth.platform.jobs.kinds import KINDS
from medsynth.platform.jobs.metrics import ServiceMetrics, WorkerMetrics, images_sampled
from medsynth.platform.jobs.reconciler import Reconciler
from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.jobs.store import JobStore
from medsynth.platform.jobs.supervisor import Supervisor
from medsynth.platform.telemetry import set_up_logging
from medsynth.settings import Settings
from medsynth.v1 import jobs_pb2, trainer_pb2
from tests.platform.jobs.conftest import claim
from tests.platform.jobs.echo import specification
from tests.redis_server import RedisServer
from tests.support import eventually


@pytest.fixture
def store(redis_server: RedisServer) -> JobStore:
    return JobStore(redis_server.client, Settings(lease_seconds=0.001), announce=lambda *_: None)


@pytest.fixture
def record(store: JobStore) -> JobRecord:
    return store.create("training", trainer_pb2.TrainingSpecification(images=1))


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def progress(done: int, **metrics: float) -> jobs_pb2.Progress:
    return jobs_pb2.Progress(done=done, total=100, unit="images", metrics=metrics)


def test_a_job_of_a_worker(record: JobRecord, registry: CollectorRegistry) -> None:
    metrics = WorkerMetrics(registry)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"medsynth_{name}", labels)

    kind = {"kind": "training"}
    metrics.claimed(dataclasses.replace(record, progress=progress(10)), 2.0)
    assert value("jobs_running", **kind) == 1
    assert value("checkpoint_age_seconds", **kind) is None
    metrics.checkpointed(record)
    assert value("checkpoint_age_seconds", **kind) is not None
    metrics.progressed(record, progress(30, loss=0.5, **{"gpu/memory_peak": 7e9}))
    metrics.progressed(record, progress(30))
    metrics.progressed(record, progress(5))
    metrics.progressed(record, progress(9, loss=0.25))
    assert value("images_trained_total") == 20 + 4
    assert value("images_sampled_total") == 0
    assert value("job_metric", **kind, metric="loss") == 0.25
    assert value("gpu_memory_bytes", sort="memory_peak") == 7e9
    metrics.released(record, "SUCCEEDED")
    assert value("job_wait_seconds_sum", **kind) == 2.0
    assert value("job_attempts_total", **kind, state="SUCCEEDED") == 1
    assert value("jobs_running", **kind) == 0
    assert value("checkpoint_age_seconds", **kind) is None
    assert value("gpu_memory_bytes", sort="memory_peak") is None
    assert value("job_recoveries_total", **kind) is None
    for state in ("RECOVERING", "LOST"):
        metrics.claimed(record, 0.0)
        metrics.released(record, state)
    assert value("job_recoveries_total", **kind) == 1
    assert value("job_leases_lost_total", **kind) == 1
    assert record.id not in generate_latest(registry).decode()


def test_the_jobs_of_a_service(
    store: JobStore, record: JobRecord, registry: CollectorRegistry
) -> None:
    metrics = ServiceMetrics(store, [KINDS["training"]], registry)
    kind = {"kind": "training"}

    def jobs(state: str) -> float | None:
        return registry.get_sample_value("medsynth_jobs", {**kind, "state": state})

    assert jobs("QUEUED") == 1
    claim(store, record.name)
    assert (jobs("QUEUED"), jobs("RUNNING")) == (0, 1)
    reconciler = Reconciler(store, metrics.lease_expired)

    def recovered() -> bool:
        reconciler.reconcile()
        return jobs("RECOVERING") == 1

    eventually(recovered)
    assert registry.get_sample_value("medsynth_job_leases_expired_total", kind) == 1
    assert registry.get_sample_value("medsynth_job_recoveries_total", kind) == 1
    assert 'kind="evaluation"' not in generate_latest(registry).decode()


def test_without_redis_the_other_metrics_are_told(registry: CollectorRegistry) -> None:
    nowhere = JobStore("redis://127.0.0.1:1/0", Settings(), announce=lambda *_: None)
    ServiceMetrics(nowhere, [KINDS["training"]], registry)
    images_sampled(registry).inc(3)
    told = generate_latest(registry).decode()
    assert "medsynth_images_sampled_total 3.0" in told
    assert "medsynth_jobs{" not in told


@pytest.fixture
def kept_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def test_every_line_about_a_job_says_which(
    capsys: pytest.CaptureFixture[str],
    kept_logging: None,
    silent: JobStore,
    settings: Settings,
) -> None:
    set_up_logging(settings, "worker")
    supervisor = Supervisor(silent, settings, worker="w")
    name = silent.create("echo", specification(log="careful", crash="raise"), request_id="r1").name
    assert supervisor.run(name) == "RECOVERING"
    supervisor.close()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {(line["job"], line["attempt"], line["request_id"]) for line in lines} == {
        (name, 1, "r1")
    }
    (warning,) = (line for line in lines if line["message"] == "careful")
    assert (warning["level"], warning["logger"]) == ("WARNING", "tests.echo")
    assert any("RuntimeError: out of luck" in line["message"] for line in lines)
