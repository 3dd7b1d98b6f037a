"""What is kept, and for how long. Time passes by being told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from medsynth.platform.jobs.kinds import ChildJob
from medsynth.platform.jobs.store import JobStore
from medsynth.platform.retention import Collector
from medsynth.settings import Settings
from medsynth.storage import Artifact, Storage
from medsynth.v1 import evaluator_pb2, sampler_pb2, trainer_pb2
from tests.platform.made import end, ended_job, publish, publish_dataset, source
from tests.redis_server import RedisServer
from tests.support import eventually

HOUR, DAY = 3600.0, 86_400.0
TRAINING = trainer_pb2.TrainingSpecification(images=1)


@pytest.fixture
def collector(store: JobStore, storage: Storage) -> Collector:
    return Collector(store, storage, CollectorRegistry())


def after(collector: Collector, seconds: float) -> Mapping[str, int]:
    """What is removed after so many seconds from now."""
    return dict(collector.collect(datetime.now(UTC) + timedelta(seconds=seconds)))


def files(storage: Storage) -> list[str]:
    return sorted(path.removeprefix(f"{storage.root}/") for path in storage.fs.find(storage.root))


def test_drafts_that_nobody_published_go(collector: Collector, storage: Storage) -> None:
    publish(storage, "reports/whole")
    storage.draft("reports", "whole", "a0").write("file", b"of an attempt before")
    storage.draft("generators", "broken", "a1").write("deep/file", b"")
    storage.draft("datasets", "empty", "a1")
    storage.fs.pipe_file(storage.join("reports", "whole", "manifest.json.1.tmp"), b"{")
    kept = ["reports/whole/a1/content", "reports/whole/manifest.json"]
    assert after(collector, DAY - HOUR) == {}
    assert after(collector, DAY + HOUR)["drafts"] == 4
    assert files(storage) == kept
    assert [folder.rpartition("/")[2] for folder in storage.folders("generators")] == []


class Stuck(Storage):
    """A storage that does not let one path go, and whose generators cannot be read."""

    def remove(self, path: str) -> None:
        if path.endswith("stuck"):
            raise PermissionError(13, "Permission denied", path)
        super().remove(path)

    def list(self, collection: str) -> Iterator[Artifact]:
        if collection == "generators":
            raise PermissionError(13, "Permission denied", collection)
        return super().list(collection)


def test_what_cannot_be_removed_keeps_nothing_else(store: JobStore, storage: Storage) -> None:
    stuck = Stuck(storage.root)
    for attempt in ("a0-stuck", "a1"):
        storage.draft("reports", "r", attempt).write("file", b"")
    ended = ended_job(store, "training", TRAINING)
    removed = after(Collector(store, stuck, CollectorRegistry()), 400 * DAY)
    assert removed == {"drafts": 1, "events": 1}
    assert store.get(ended.name)
    assert files(storage) == ["reports/r/a0-stuck/file"]


def test_checkpoints_outlive_their_job_for_a_while(
    collector: Collector, store: JobStore, storage: Storage
) -> None:
    running = store.create("training", TRAINING)
    ended = ended_job(store, "training", TRAINING)
    for identifier in (running.id, ended.id, "lost"):
        storage.fs.makedirs(storage.join("jobs", identifier))
        storage.fs.pipe_file(storage.join("jobs", identifier, "checkpoint"), b"")
    assert after(collector, 7 * DAY - HOUR) == {}
    assert after(collector, 7 * DAY + HOUR) == {"checkpoints": 2}
    assert files(storage) == [f"jobs/{running.id}/checkpoint"]


def test_events_go_before_records_and_active_jobs_stay(
    collector: Collector, store: JobStore, storage: Storage
) -> None:
    waiting = store.create("training", TRAINING, request_id="w")
    ended = ended_job(store, "training", TRAINING)
    storage.fs.makedirs(storage.join("jobs", ended.id))
    assert after(collector, 31 * DAY) == {"events": 1, "checkpoints": 1}
    assert after(collector, 31 * DAY) == {}
    assert list(store.watch(ended.name)) == []
    assert store.get(ended.name).ended
    assert after(collector, 91 * DAY) == {"records": 1}
    assert [job.name for job in store.list("training").jobs] == [waiting.name]
    assert next(store.watch(waiting.name)).state_change.to
    assert not store.redis.keys(f"medsynth:job:{ended.name}*")


def test_a_record_that_an_active_job_needs_stays(collector: Collector, store: JobStore) -> None:
    parent = store.create("evaluation", evaluator_pb2.EvaluationSpecification())
    claim = store.claim(parent.name, "test")
    assert claim is not None
    store.wait(claim, [ChildJob("preparation", source())])
    (child,) = store.get(parent.name).children
    end(store, store.get(child))
    assert "records" not in after(collector, 91 * DAY)
    end(store, store.get(parent.name))
    assert after(collector, 91 * DAY)["records"] == 2


def test_many_records_are_collected_whatever_the_batches(
    collector: Collector, store: JobStore
) -> None:
    jobs = [store.create("preparation", source(seed)) for seed in range(1203)]
    for job in jobs[::2]:
        store.cancel(job.name)
    assert after(collector, 91 * DAY)["records"] == len(jobs[::2])
    assert {job.name for job in store.active("preparation")} == {job.name for job in jobs[1::2]}


def test_prepared_sets_go_unless_they_are_cited_or_needed(
    collector: Collector, store: JobStore, storage: Storage
) -> None:
    for number, name in enumerate(("cited", "needed", "free")):
        publish_dataset(storage, f"datasets/{name}", number)
    publish(storage, "generators/g", dataset="datasets/cited")
    store.create("training", trainer_pb2.TrainingSpecification(data=source(1)))
    assert after(collector, 89 * DAY) == {}
    assert after(collector, 91 * DAY) == {"datasets": 1}
    assert [a.manifest.id for a in storage.list("datasets")] == ["cited", "needed"]
    assert storage.find("generators", "g")


def test_inspections_go_whoever_inspects_anew(
    collector: Collector, store: JobStore, storage: Storage
) -> None:
    publish(storage, "inspections/i")
    store.create("inspection", source())
    assert after(collector, 89 * DAY) == {}
    assert after(collector, 91 * DAY) == {"inspections": 1}
    assert files(storage) == []


def test_a_synthetic_data_set_that_only_an_evaluation_wanted_goes_with_the_drafts(
    collector: Collector, store: JobStore, storage: Storage
) -> None:
    draw = sampler_pb2.SyntheticDatasetSpecification(generator="generators/g")
    asked_for = ended_job(store, "synthetic_dataset", draw)
    parent = store.create("evaluation", evaluator_pb2.EvaluationSpecification())
    claim = store.claim(parent.name, "test")
    assert claim is not None
    store.wait(claim, [ChildJob("synthetic_dataset", draw)])
    drawn = end(store, store.get(store.get(parent.name).children[0]))
    for job in (asked_for, drawn):
        publish(storage, f"syntheticDatasets/{job.id}", generator="generators/g")
    assert "synthetic datasets" not in after(collector, 2 * DAY), "the evaluation needs it"
    end(store, store.get(parent.name))
    assert after(collector, 2 * DAY)["synthetic datasets"] == 1
    assert [a.manifest.id for a in storage.list("syntheticDatasets")] == [asked_for.id]
    assert "synthetic datasets" not in after(collector, 4000 * DAY), "kept for ever by default"


def test_nothing_goes_that_is_kept_for_ever(redis_server: RedisServer, storage: Storage) -> None:
    names = [name for name in Settings.model_fields if name.startswith("keep_")]
    settings = Settings(**dict.fromkeys(names, 0.0))
    store = JobStore(redis_server.url, settings, announce=lambda *_: None)
    ended_job(store, "training", TRAINING)
    publish_dataset(storage, "datasets/d")
    storage.draft("reports", "r", "a1").write("file", b"")
    assert after(Collector(store, storage, CollectorRegistry()), 4000 * DAY) == {}


def test_one_of_many_services_collects(redis_server: RedisServer, storage: Storage) -> None:
    settings = Settings(collect_seconds=0.05, keep_records_seconds=1e-6)
    store = JobStore(redis_server.url, settings, announce=lambda *_: None)
    collectors = [Collector(store, storage, CollectorRegistry()) for _ in range(3)]
    turns = JobStore(redis_server.url, Settings(), announce=lambda *_: None)
    waiting = [Collector(turns, storage, CollectorRegistry()) for _ in range(3)]
    assert sum(collector._is_my_turn() for collector in waiting) == 1
    redis_server.client.flushall()
    for collector in collectors:
        collector.start()
    ended_job(store, "training", TRAINING)
    eventually(lambda: not store.list("training").jobs)
    for collector in collectors:
        collector.stop()
