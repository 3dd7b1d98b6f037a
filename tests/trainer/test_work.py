"""Preparations and trainings, in child processes of a supervisor."""

from __future__ import annotations

import io
import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from medsynth.errors import DataError, InvalidArgumentError, PermissionDeniedError
from medsynth.gans.latents import latents
from medsynth.platform.artifacts import generator_message, inspection_message
from medsynth.platform.jobs.child import Done, JobContext
from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.sources import fill_source
from medsynth.storage import Artifact
from medsynth.trainer import work
from medsynth.v1 import trainer_pb2, types_pb2
from medsynth.v1.jobs_pb2 import JobState
from tests.data.acdc_files import acdc_folder
from tests.data.test_archive import zipped
from tests.support import eventually
from tests.trainer.asked import IMAGES, LATENT_DIM, training_specification
from tests.workplace import Workplace


def local(place: Path) -> types_pb2.DataSource:
    return types_pb2.DataSource(uri=str(place), preparation=types_pb2.Preparation(size=32))


def test_a_preparation_makes_its_set_once(workplace: Workplace) -> None:
    asked = types_pb2.DataSource(uri="phantom://cardiac?patients=5&slices=4&seed=1")
    source = fill_source(asked, ())
    first = workplace.make("preparation", source)
    second = workplace.make("preparation", source)
    assert first.result == second.result
    name = first.result["dataset"].partition("/")[2]
    assert workplace.storage.get("datasets", name).verify() == []
    assert (first.progress.done, first.progress.unit) == (first.progress.total, "volumes")


def test_an_inspection_says_what_a_source_holds(workplace: Workplace) -> None:
    source = fill_source(types_pb2.DataSource(uri="phantom://cardiac?patients=5&slices=4"), ())
    record = workplace.make("inspection", source)
    artifact = workplace.storage.get("inspections", record.result["inspection"].partition("/")[2])
    found = inspection_message(artifact)
    assert (found.reader, found.volumes, found.slices) == ("phantom", 10, 40)
    assert found.source == source
    assert found.create_time.seconds > 0
    assert artifact.read("inspection.html").startswith(b"<!doctype html>")
    assert (record.progress.done, record.progress.total) == (10, 10)


def folder_of(workplace: Workplace, record: JobRecord) -> Path:
    """What outlives a job's attempts."""
    return Path(workplace.storage.join("jobs", record.id))


def damage(file: Path) -> None:
    """Writes nonsense into a file that looks from outside as it did before."""
    facts = file.stat()
    file.write_bytes(b"\0" * facts.st_size)
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def test_a_preparation_that_is_given_back_takes_up_what_it_prepared(
    workplace: Workplace, data_root: Path
) -> None:
    folder = acdc_folder(data_root / "many", patients=60)
    record = workplace.store.create("preparation", fill_source(local(folder), [str(data_root)]))
    carrier = threading.Thread(target=workplace.supervisor.run, args=(record.name,))
    carrier.start()
    kept = folder_of(workplace, record)
    eventually(lambda: list(kept.rglob("batches/000000.json")), timeout=60, interval=0.001)
    workplace.supervisor.stop()
    carrier.join()
    assert workplace.store.get(record.name).state == JobState.JOB_STATE_QUEUED

    # The first scan is done: it is not read again.
    damage(folder / "patient001" / "patient001_frame01.nii.gz")
    workplace.new_supervisor()
    resumed = workplace.finish(record.name)
    assert resumed.error is None
    assert resumed.attempt == 2
    assert workplace.storage.get("datasets", resumed.result["dataset"].partition("/")[2])
    assert not kept.exists()


def test_a_preparation_that_failed_keeps_no_pixels(workplace: Workplace, data_root: Path) -> None:
    folder = acdc_folder(data_root / "damaged")
    damage(folder / "patient004" / "patient004_frame09.nii.gz")
    record = workplace.run("preparation", fill_source(local(folder), [str(data_root)]))
    assert isinstance(record.error, DataError)
    assert "patient004_frame09" in record.error.message
    assert not folder_of(workplace, record).exists()


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("preparation", "specification.preparation.label_map"),
        ("training", "specification.data.preparation.label_map"),
    ],
)
def test_an_error_names_the_field_of_the_job_s_own_request(
    workplace: Workplace, kind: str, field: str
) -> None:
    """A training's is that of the preparation that it waited for."""
    asked = training_specification()
    asked.data.preparation.label_map[9] = 1
    record = workplace.run(kind, asked.data if kind == "preparation" else asked)
    assert isinstance(record.error, InvalidArgumentError)
    assert [violation.field for violation in record.error.violations] == [field]
    assert record.error.message.startswith(f"{field}: ")


def test_an_error_about_an_inspected_archive_names_the_field_too(
    workplace: Workplace, data_root: Path
) -> None:
    archive = zipped(
        data_root / "acdc.zip", {"p1/p1_frame01.nii.gz": b"", "p1/p1_frame01_gt.nii.gz": b""}
    )
    asked = local(archive)
    asked.options.structures.append("heart")
    record = workplace.run("inspection", fill_source(asked, [str(data_root)]))
    assert isinstance(record.error, InvalidArgumentError)
    assert [v.field for v in record.error.violations] == ["specification.options.structures"]


def generator_of(workplace: Workplace, record: JobRecord) -> Artifact:
    return workplace.storage.get("generators", record.result["generator"].partition("/")[2])


def test_a_training_waits_for_its_set(workplace: Workplace, trained: JobRecord) -> None:
    (child,) = trained.children
    preparation = workplace.store.get(child)
    assert preparation.kind.name == "preparation"
    generator = generator_message(generator_of(workplace, trained))
    assert preparation.result["dataset"] == generator.dataset
    assert trained.attempt == 2


def test_a_generator_says_how_it_was_made(workplace: Workplace, trained: JobRecord) -> None:
    artifact = generator_of(workplace, trained)
    assert artifact.verify() == []
    generator = generator_message(artifact)
    assert generator.training_job == trained.name
    assert generator.weights_digest == trained.result["weights_digest"]
    assert list(generator.classes) == ["background", "rv cavity", "myocardium", "lv cavity"]
    assert (generator.size, generator.channels, generator.images) == (32, 1, IMAGES)
    asked = cast(trainer_pb2.TrainingSpecification, trained.specification)
    assert (generator.source, generator.gan) == (asked.data, asked.gan)
    curve = json.loads(artifact.read("curve.json"))
    assert curve[-1] == {"images": IMAGES, **generator.metrics}


def test_a_generator_shows_what_it_learned(workplace: Workplace, trained: JobRecord) -> None:
    artifact = generator_of(workplace, trained)
    paths = [entry.path for entry in artifact.manifest.files]
    grids = [f"grids/{images:010d}.png" for images in (IMAGES // 2, IMAGES)]
    assert [path for path in paths if path.startswith("grids/")] == grids
    for path in ("grid.png", *grids):
        picture = Image.open(io.BytesIO(artifact.read(path)))
        picture.load()
        assert min(picture.size) > 400
    assert any(path.startswith("tensorboard/") for path in paths)


def test_the_graph_of_a_generator_draws_images_with_masks(
    workplace: Workplace, trained: JobRecord
) -> None:
    artifact = generator_of(workplace, trained)
    session = onnxruntime.InferenceSession(artifact.read("model.onnx"))
    latent = latents(artifact.manifest.digest, 0, 0, 3, LATENT_DIM)
    image, mask = session.run(None, {"latent": latent})
    assert (image.shape, image.dtype) == ((3, 1, 32, 32), np.uint8)
    assert (mask.shape, mask.dtype) == ((3, 32, 32), np.uint8)


def test_a_training_reports_progress_and_grids_and_cleans_up(
    workplace: Workplace, trained: JobRecord
) -> None:
    events = list(workplace.store.watch(trained.name))
    assert [event.message for event in events if event.message] == [
        f"sample grid at {images:,} images" for images in (IMAGES // 2, IMAGES)
    ]
    progress = trained.progress
    assert (progress.done, progress.total, progress.unit) == (IMAGES, IMAGES, "images")
    assert progress.metrics
    assert not (workplace.settings.home / "storage" / "jobs" / trained.id).exists()


def test_a_training_that_a_worker_gives_back_ends_with_the_same_weights(
    workplace: Workplace, trained: JobRecord
) -> None:
    name = workplace.store.create("training", trained.specification).name
    carrier = threading.Thread(target=workplace.supervisor.run, args=(name,))
    carrier.start()
    work = workplace.settings.home / "storage" / "jobs" / workplace.store.get(name).id
    # Progress is written too seldom to be waited for: the training might have ended by then.
    eventually(lambda: list(work.rglob("*.pt")), timeout=120, interval=0.001)
    workplace.supervisor.stop()
    carrier.join()
    assert workplace.store.get(name).state == JobState.JOB_STATE_QUEUED

    workplace.new_supervisor()
    resumed = workplace.finish(name)
    assert resumed.attempt == 2
    assert resumed.result["weights_digest"] == trained.result["weights_digest"]
    assert resumed.result["generator"] != trained.result["generator"]


def test_an_attempt_after_the_publication_finds_the_generator(
    workplace: Workplace, trained: JobRecord
) -> None:
    context = SimpleNamespace(
        name=trained.name, specification=trained.specification, storage=workplace.storage
    )
    again = work.training(cast(JobContext, context))
    assert isinstance(again, Done)
    assert again.result == trained.result


@pytest.mark.parametrize("kind", ["preparation", "training"])
def test_data_outside_the_roots_are_refused_in_the_worker_too(
    workplace: Workplace, kind: str
) -> None:
    outside = types_pb2.DataSource(uri="/etc", reader="acdc", preparation={"size": 32})
    asked = training_specification()
    asked.data.CopyFrom(outside)
    record = workplace.run(kind, outside if kind == "preparation" else asked)
    assert record.state == JobState.JOB_STATE_FAILED
    assert isinstance(record.error, PermissionDeniedError)
