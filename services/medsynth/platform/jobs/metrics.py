"""What workers and services tell Prometheus about jobs. Ids of jobs are never labels."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from medsynth.errors import MedsynthError
from medsynth.platform.jobs.gpu_memory import PREFIX as GPU
from medsynth.platform.jobs.kinds import JobKind
from medsynth.platform.jobs.record import JobRecord, state_name
from medsynth.platform.jobs.store import JobStore
from medsynth.platform.jobs.supervisor import Observer
from medsynth.v1 import jobs_pb2

_WAIT_BUCKETS: Final = (0.05, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)


def recoveries(registry: CollectorRegistry) -> Counter:
    """Attempts that infrastructure broke off, counted by whoever took the job back."""
    return Counter(
        "medsynth_job_recoveries",
        "Attempts that broke off and are followed by another one.",
        ("kind",),
        registry=registry,
    )


def images_sampled(registry: CollectorRegistry) -> Counter:
    """Images drawn from generators, in streams and by jobs."""
    return Counter("medsynth_images_sampled", "Images drawn from generators.", registry=registry)


class WorkerMetrics(Observer):
    """Counts what one worker does.

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
        self._leases_lost = Counter(
            "medsynth_job_leases_lost",
            "Attempts whose worker lost the job's lease while it worked.",
            ("kind",),
            registry=registry,
        )
        self._recoveries = recoveries(registry)
        self._images = {
            "training": Counter(
                "medsynth_images_trained",
                "Real images that discriminators were shown.",
                registry=registry,
            ),
            "synthetic_dataset": images_sampled(registry),
        }
        self._running = Gauge(
            "medsynth_jobs_running", "Jobs that run here.", ("kind",), registry=registry
        )
        self._last = Gauge(
            "medsynth_job_metric",
            "Last value of each scalar that a job of the kind reported, such as a loss.",
            ("kind", "metric"),
            registry=registry,
        )
        self._gpu = Gauge(
            "medsynth_gpu_memory_bytes",
            "GPU memory of the job that runs here: in use, and reserved at most.",
            ("sort",),
            registry=registry,
        )
        self._checkpoint_age = _CheckpointAge()
        registry.register(self._checkpoint_age)
        self._done = 0

    def claimed(self, record: JobRecord, waited: float) -> None:
        """A job begins."""
        self._done = record.progress.done
        self._wait.labels(record.kind.name).observe(waited)
        self._running.labels(record.kind.name).inc()

    def progressed(self, record: JobRecord, progress: jobs_pb2.Progress) -> None:
        """A job went on."""
        kind = record.kind.name
        if progress.unit == "images" and kind in self._images:
            self._images[kind].inc(max(progress.done - self._done, 0))
        # A job that changes its phase begins to count anew.
        self._done = progress.done
        for metric, value in progress.metrics.items():
            if metric.startswith(GPU):
                self._gpu.labels(metric.removeprefix(GPU)).set(value)
            else:
                self._last.labels(kind, metric).set(value)

    def checkpointed(self, record: JobRecord) -> None:
        """A job can be resumed from where it is."""
        self._checkpoint_age.begin(record.kind.name)

    def released(self, record: JobRecord, state: str) -> None:
        """A job is over for this worker."""
        kind = record.kind.name
        self._attempts.labels(kind, state).inc()
        self._running.labels(kind).dec()
        self._checkpoint_age.end()
        self._gpu.clear()
        if state == "LOST":
            self._leases_lost.labels(kind).inc()
        if state == "RECOVERING":
            self._recoveries.labels(kind).inc()


class _CheckpointAge(Collector):
    """The age of the running job's newest checkpoint, at the moment of being asked."""

    def __init__(self) -> None:
        self._since: tuple[str, float] | None = None

    def begin(self, kind: str) -> None:
        self._since = kind, time.monotonic()

    def end(self) -> None:
        self._since = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "medsynth_checkpoint_age_seconds",
            "What would be lost if the job that runs here broke off now: time since its newest "
            "checkpoint, or since the attempt began.",
            labels=("kind",),
        )
        if (since := self._since) is not None:
            family.add_metric((since[0],), time.monotonic() - since[1])
        yield family


class ServiceMetrics:
    """What a service tells about the kinds of jobs that it answers for.

    Args:
        store: The jobs.
        kinds: The service's own kinds, so that no two services tell the same.
        registry: Where the metrics are shown.
    """

    def __init__(
        self, store: JobStore, kinds: Sequence[JobKind], registry: CollectorRegistry = REGISTRY
    ) -> None:
        self._recoveries = recoveries(registry)
        self._leases_expired = Counter(
            "medsynth_job_leases_expired",
            "Leases that ran out and were taken back here.",
            ("kind",),
            registry=registry,
        )
        registry.register(_JobCounts(store, kinds))

    def lease_expired(self, kind: str) -> None:
        """The lease of a job was taken back."""
        self._leases_expired.labels(kind).inc()
        self._recoveries.labels(kind).inc()


class _JobCounts(Collector):
    """The number of jobs by kind and state, read from Redis when it is asked for."""

    def __init__(self, store: JobStore, kinds: Sequence[JobKind]) -> None:
        self._store, self._kinds = store, {kind.name for kind in kinds}

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Without asking Redis: a service starts without it too."""
        yield self._family()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = self._family()
        try:
            for (kind, state), count in self._store.counts().items():
                if kind in self._kinds:
                    family.add_metric((kind, state_name(state)), count)
        except MedsynthError:
            # No number is better than a wrong one: the scrape goes on without.
            return
        yield family

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(
            "medsynth_jobs", "Jobs by kind and state.", labels=("kind", "state")
        )
