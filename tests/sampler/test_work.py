from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medsynth.data.sample_folder import read_sample_folder
from medsynth.data.writers import SampleWriter
from medsynth.platform.artifacts import SYNTHETIC_DATASETS, generator_message
from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.jobs.store import JobStore
from medsynth.sampler.deployment import Deployment
from medsynth.sampler.description import described
from medsynth.sampler.drawing import Drawing
from medsynth.settings import Settings
from medsynth.storage import Artifact
from medsynth.v1 import sampler_pb2
from medsynth.v1.jobs_pb2 import JobState
from tests.redis_server import RedisServer
from tests.sampler import graphs
from tests.support import children, eventually
from tests.triton_server import TritonServer
from tests.workplace import Workplace


@pytest.fixture(scope="module")
def settings(
    shared: Deployment,
    triton_server: TritonServer,
    redis_process: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Settings:
    return Settings(
        home=tmp_path_factory.mktemp("home"),
        storage_root=shared.storage.root,
        model_repository=str(triton_server.models),
        triton_url=triton_server.url,
        triton_backend="python",
        redis_url=redis_process.url,
        reconcile_seconds=0.2,
        lease_seconds=3,
    )


@pytest.fixture(scope="module")
def store(settings: Settings) -> JobStore:
    return JobStore(settings.redis_url, settings)


@pytest.fixture(scope="module")
def worker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of the light queue, as it is started everywhere."""
    values = settings.model_dump(mode="json", exclude_unset=True)
    environment = {f"MEDSYNTH_{name.upper()}": str(value) for name, value in values.items()}
    log = settings.home / "worker.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "medsynth.platform.jobs.worker", "--queue", "light"],
            env={**os.environ, **environment},
            stdout=stream,
            stderr=stream,
        )
    yield process
    process.send_signal(signal.SIGTERM)
    process.wait(30)


@pytest.fixture
def place(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workplace]:
    """Where jobs are run one at a time, when the test says so."""
    names = ("storage_root", "model_repository", "triton_url", "triton_backend")
    more = {name: str(getattr(settings, name)) for name in names}
    workplace = Workplace(tmp_path / "home", settings.redis_url, monkeypatch, more)
    yield workplace
    workplace.close()


def run(store: JobStore, **specification: object) -> JobRecord:
    message = sampler_pb2.SyntheticDatasetSpecification(
        **{"count": 100, "seed": 0, "first_index": 0, "format": "png", **specification}
    )
    name = store.create("synthetic_dataset", message).name
    eventually(lambda: store.get(name).ended, timeout=60)
    return store.get(name)


def published(deployment: Deployment, record: JobRecord) -> Artifact:
    assert record.state == JobState.JOB_STATE_SUCCEEDED, record.error
    artifact = deployment.storage.get(SYNTHETIC_DATASETS, record.id)
    assert dict(record.result) == {
        "artifact": f"{SYNTHETIC_DATASETS}/{record.id}",
        "uri": artifact.uri,
        "digest": artifact.manifest.digest,
    }
    assert artifact.verify() == []
    return artifact


@pytest.mark.parametrize(
    ("format", "count", "file"), [("npz", 1000, ".npz"), ("png", 5000, "000000000.json")]
)
def test_a_full_disk_fails_the_job_and_leaves_nothing(
    shared: Deployment,
    store: JobStore,
    worker: subprocess.Popen[bytes],
    format: str,
    count: int,
    file: str,
) -> None:
    """Of a file, or of what is known of a shard while others are being written."""
    shared.ensure("small")
    unlimited = resource.RLIM_INFINITY
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (100_000, unlimited))
    try:
        record = run(store, generator="generators/small", count=count, format=format)
    finally:
        resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))
    assert record.error is not None
    assert (record.error.code, record.error.reason) == ("RESOURCE_EXHAUSTED", "DISK_FULL")
    assert file in record.error.message
    assert record.attempt == 1
    eventually(lambda: not children(worker.pid))
    assert not (Path(shared.storage.root) / SYNTHETIC_DATASETS / record.id).exists()
    assert not (Path(shared.storage.root) / "jobs" / record.id).exists()


@pytest.mark.parametrize(
    ("generator", "format"), [("small", "png"), ("small", "npz"), ("colour", "png")]
)
@pytest.mark.usefixtures("worker")
def test_a_data_set_is_what_the_generator_makes(
    shared: Deployment, store: JobStore, generator: str, format: str
) -> None:
    first, count = 2**33 + 37, 300
    record = run(
        store,
        generator=f"generators/{generator}",
        count=count,
        seed=5,
        first_index=first,
        format=format,
    )
    artifact = published(shared, record)
    source = shared.find(generator)
    message = generator_message(source)
    expected = graphs.expected(source, message, 5, first, count)
    images, masks = read_sample_folder(Path(artifact.path), None)
    np.testing.assert_array_equal(images, expected["image"])
    if message.classes:
        np.testing.assert_array_equal(masks, expected["mask"])
    else:
        assert masks is None
    facts = artifact.manifest.metadata
    assert facts["generator"] == f"generators/{generator}"
    assert facts["generator_digest"] == source.manifest.digest
    assert (facts["seed"], facts["first_index"], facts["count"]) == (5, first, count)
    (origin,) = facts["origins"]
    assert (origin["first_index"], origin["count"]) == (first, count)
    assert origin["backend"].startswith("python in triton")
    assert origin["hardware"]
    assert record.progress.done == record.progress.total == count
    assert record.progress.unit == "images"


@pytest.mark.usefixtures("worker")
def test_the_writers_manifest_names_every_file(shared: Deployment, store: JobStore) -> None:
    artifact = published(shared, run(store, generator="generators/small", count=5))
    manifest = json.loads(artifact.read("manifest.json"))
    assert len(manifest["files"]) == 10
    for file in manifest["files"]:
        digest = hashlib.sha256(artifact.read(file["path"])).hexdigest()
        assert file["digest"] == f"sha256:{digest}"


@pytest.mark.parametrize("format", ["nifti", "nnunet", "dicom", "webdataset", "coco"])
@pytest.mark.usefixtures("worker")
def test_every_format_is_drawn(shared: Deployment, store: JobStore, format: str) -> None:
    statement = sampler_pb2.SetStatement(title="Discs", licence="CC0-1.0")
    record = run(store, generator="generators/small", count=30, format=format, statement=statement)
    artifact = published(shared, record)
    manifest = json.loads(artifact.read("manifest.json"))
    assert (manifest["format"], manifest["count"]) == (format, 30)
    said = manifest["description"]
    assert (said["title"], said["licence"], said["seed"]) == ("Discs", "CC0-1.0", 0)
    assert said["classes"] == ["class 0", "class 1", "class 2"]
    assert json.loads(artifact.read("croissant.json"))["name"] == "Discs"


def test_a_killed_draw_goes_on_where_it_was(
    shared: Deployment, store: JobStore, worker: subprocess.Popen[bytes]
) -> None:
    message = sampler_pb2.SyntheticDatasetSpecification(
        generator="generators/small", count=12_000, seed=0, first_index=500, format="npz"
    )
    name = store.create("synthetic_dataset", message).name
    eventually(lambda: store.get(name).progress.done > 3000, timeout=60)
    for child in children(worker.pid):
        os.kill(child, signal.SIGKILL)
    eventually(lambda: store.get(name).attempt == 2 and store.get(name).progress.done > 0, 60)
    assert store.get(name).progress.done > 2000
    eventually(lambda: store.get(name).ended, timeout=120)
    artifact = published(shared, store.get(name))
    whole = {"generator": "generators/small", "count": 12_000, "first_index": 500, "format": "npz"}
    again = published(shared, run(store, **whole))
    assert list(artifact.manifest.files) == list(again.manifest.files)


@pytest.mark.parametrize("count", [5, 64])
def test_a_set_that_was_finished_and_not_published_is_published(
    shared: Deployment, place: Workplace, count: int
) -> None:
    """As it is, whatever became of the training set and the machine since."""
    specification = sampler_pb2.SyntheticDatasetSpecification(
        generator="generators/small", count=count, seed=0, first_index=0, format="png"
    )
    generator = shared.ensure("small")
    said = replace(described(specification, generator, shared.storage), modality="MR")
    batches = list(Drawing(shared, "small", seed=0, first=0, count=count, in_flight=2))
    record = place.store.create("synthetic_dataset", specification)
    folder = Path(shared.storage.root) / "jobs" / record.id / "samples"
    with SampleWriter(folder, "png", {}, said, origin={"hardware": "another one"}) as writer:
        for batch in batches:
            writer.write(batch.first_index, batch.images, batch.masks)
    artifact = published(shared, place.finish(record.name))
    assert json.loads(artifact.read("manifest.json"))["description"]["modality"] == "MR"
    assert len(read_sample_folder(Path(artifact.path))[0]) == count
    origins = [{"first_index": 0, "count": count, "hardware": "another one"}]
    assert artifact.manifest.metadata["origins"] == origins


def test_what_is_not_known_is_said(shared: Deployment, place: Workplace) -> None:
    specification = sampler_pb2.SyntheticDatasetSpecification(
        generator="generators/small", count=1, seed=0, first_index=0, format="png"
    )
    record = place.make("synthetic_dataset", specification)
    texts = [event.message for event in place.store.watch(record.name)]
    assert any("datasets/d1 is not there to say" in text for text in texts)


@pytest.mark.usefixtures("worker")
def test_a_generator_that_is_gone_fails_the_job(store: JobStore) -> None:
    record = run(store, generator="generators/nobody")
    assert record.state == JobState.JOB_STATE_FAILED
    assert record.error is not None
    assert record.error.code == "NOT_FOUND"
    assert "generators/nobody does not exist" in record.error.message


@pytest.mark.usefixtures("worker")
def test_cancelling_leaves_no_data_set(
    shared: Deployment, store: JobStore, settings: Settings
) -> None:
    message = sampler_pb2.SyntheticDatasetSpecification(
        generator="generators/small", count=10**7, seed=0, first_index=0, format="npz"
    )
    name = store.create("synthetic_dataset", message).name
    eventually(lambda: store.get(name).progress.done > 0, timeout=60)
    store.cancel(name)
    eventually(lambda: store.get(name).ended, timeout=60)
    record = store.get(name)
    assert record.state == JobState.JOB_STATE_CANCELLED
    assert shared.storage.find(SYNTHETIC_DATASETS, record.id) is None
    assert not shared.storage.fs.exists(shared.storage.join(SYNTHETIC_DATASETS, record.id))
