"""Preparations and trainings, in child processes of a supervisor."""

from __future__ import annotations

import io
import json
import threading
from types import SimpleNamespace
from typing import cast

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from medsynth.errors import PermissionDeniedError
from medsynth.gans.latents import latents
from medsynth.platform.artifacts import generator_message
from medsynth.platform.jobs.child import Done, JobContext
from medsynth.platform.sources import fill_source
from medsynth.trainer import work
from medsynth.trainer.requests import fill_training
from medsynth.v1 import trainer_pb2, types_pb2
from medsynth.v1.jobs_pb2 import JobState
from tests.support import eventually
from tests.workplace import Workplace

SOURCE = types_pb2.DataSource(
    uri="phantom://cardiac?patients=6&slices=4", preparation=types_pb2.Preparation(size=32)
)


def specification(**fields: object) -> trainer_pb2.TrainingSpecification:
    gan = types_pb2.GanSpecification(
        preset="hinge",
        batch_size=8,
        generator_filters=8,
        discriminator_filters=8,
        latent_dim=16,
        **fields.pop("gan", {}),
    )
    settings = {"images": 64, "grid_images": 32, "checkpoint_images": 16, **fields}
    return fill_training(trainer_pb2.TrainingSpecification(data=SOURCE, gan=gan, **settings), ())


def test_a_preparation_makes_its_set_once(workplace: Workplace) -> None:
    source = fill_source(SOURCE, ())
    first = workplace.make("preparation", source)
    second = workplace.make("preparation", source)
    assert first.result == second.result
    name = first.result["dataset"].partition("/")[2]
    assert workplace.storage.get("datasets", name).verify() == []
    assert (first.progress.done, first.progress.unit) == (first.progress.total, "volumes")


def test_a_training_waits_for_its_set_and_publishes_a_generator(workplace: Workplace) -> None:
    record = workplace.make("training", specification())
    assert [name.partition("/")[0] for name in record.children] == ["preparationJobs"]
    assert record.progress.done == 64

    artifact = workplace.storage.get("generators", record.result["generator"].partition("/")[2])
    assert artifact.verify() == []
    generator = generator_message(artifact)
    assert generator.training_job == record.name
    assert generator.weights_digest == record.result["weights_digest"]
    assert list(generator.classes) == ["background", "rv cavity", "myocardium", "lv cavity"]
    assert (generator.size, generator.channels, generator.images) == (32, 1, 64)
    assert generator.source == record.specification.data
    assert generator.gan == record.specification.gan
    assert generator.metrics

    curve = json.loads(artifact.read("curve.json"))
    assert curve[-1]["images"] == 64
    paths = [entry.path for entry in artifact.manifest.files]
    assert [path for path in paths if path.startswith("grids/")] == [
        "grids/0000000032.png",
        "grids/0000000064.png",
    ]
    assert any(path.startswith("tensorboard/") for path in paths)
    for path in ("grid.png", "grids/0000000032.png"):
        assert Image.open(io.BytesIO(artifact.read(path))).size[0] > 400

    session = onnxruntime.InferenceSession(artifact.read("model.onnx"))
    image, mask = session.run(None, {"latent": latents(generator.digest, 0, 0, 3, 16)})
    assert (image.shape, image.dtype) == ((3, 1, 32, 32), np.uint8)
    assert (mask.shape, mask.dtype) == ((3, 32, 32), np.uint8)
    assert not (workplace.settings.home / "storage" / "jobs" / record.id).exists()


def test_a_training_that_a_worker_gives_back_ends_with_the_same_weights(
    workplace: Workplace,
) -> None:
    asked = specification(images=4000, checkpoint_images=1000, grid_images=4000)
    whole = workplace.make("training", asked)

    name = workplace.store.create("training", asked).name
    carrier = threading.Thread(target=workplace.supervisor.run, args=(name,))
    carrier.start()
    eventually(lambda: 0 < workplace.store.get(name).progress.done < 4000, timeout=60)
    workplace.supervisor.stop()
    carrier.join()
    assert workplace.store.get(name).state == JobState.JOB_STATE_QUEUED

    workplace.new_supervisor()
    resumed = workplace.finish(name)
    assert resumed.attempt == 2
    assert resumed.result["weights_digest"] == whole.result["weights_digest"]
    assert resumed.result["generator"] != whole.result["generator"]


def test_an_attempt_after_the_publication_finds_the_generator(workplace: Workplace) -> None:
    record = workplace.make("training", specification())
    context = SimpleNamespace(
        name=record.name, specification=record.specification, storage=workplace.storage
    )
    again = work.training(cast(JobContext, context))
    assert isinstance(again, Done)
    assert again.result == record.result


@pytest.mark.parametrize("kind", ["preparation", "training"])
def test_data_outside_the_roots_are_refused_in_the_worker_too(
    workplace: Workplace, kind: str
) -> None:
    outside = types_pb2.DataSource(uri="/etc", reader="acdc", preparation={"size": 32})
    asked = specification()
    asked.data.CopyFrom(outside)
    record = workplace.run(kind, outside if kind == "preparation" else asked)
    assert record.state == JobState.JOB_STATE_FAILED
    assert isinstance(record.error, PermissionDeniedError)
