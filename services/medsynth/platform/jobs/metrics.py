"""What a worker tells Prometheus and its log about its jobs."""

from __future__ import annotations

from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.jobs.supervisor import Observer
from medsynth.platform.telemetry import set_log_fields
from medsynth.v1 import jobs_pb2

_WAIT_BUCKETS: Final = (0.05, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)


class WorkerMetrics(Observer):
    """Counts what one worker does, and puts job and attempt into its log lines.

    Args:
        registry: Where the metrics are shown.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._wait = Histogram(
            "medsynth_job_wait_seconds",
            "Time from being ready to being claimed.",
            ("kind",),
            buckets=_WAIT_BUCKETS,
            registry=registry,
        )
        self._attempts = Counter(
            "medsynth_job_attempts",
            "Attempts that are over, by the job's next state, or LOST.",
            ("kind", "state"),
            registry=registry,
        )
        self._units = Counter(
            "medsynth_job_units",
            "What jobs worked through, in their own unit (images, slices, steps).",
            ("kind", "unit"),
            registry=registry,
        )
        self._running = Gauge(
            "medsynth_jobs_running", "Jobs that run here.", ("kind",), registry=registry
        )
        self._last = Gauge(
            "medsynth_job_metric",
            "Last value of each scalar that a job of the kind reported, such as a loss.",
            ("kind", "metric"),
            registry=registry,
        )
        self._done = 0

    def claimed(self, record: JobRecord, waited: float) -> None:
        """A job begins; called in the thread that runs it."""
        self._done = record.progress.done
        self._wait.labels(record.kind.name).observe(waited)
        self._running.labels(record.kind.name).inc()
        set_log_fields(job=record.name, attempt=record.attempt, request_id=record.request_id)

    def progressed(self, record: JobRecord, progress: jobs_pb2.Progress) -> None:
        """A job went on."""
        kind = record.kind.name
        if progress.done > self._done:
            self._units.labels(kind, progress.unit).inc(progress.done - self._done)
        # A job that changes its phase begins to count anew.
        self._done = progress.done
        for metric, value in progress.metrics.items():
            self._last.labels(kind, metric).set(value)

    def released(self, record: JobRecord, state: str) -> None:
        """A job is over for this worker."""
        self._attempts.labels(record.kind.name, state).inc()
        self._running.labels(record.kind.name).dec()
        set_log_fields()
