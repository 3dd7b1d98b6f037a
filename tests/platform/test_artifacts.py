from __future__ import annotations

import math
from pathlib import Path

import pytest

from medsynth.errors import DataError
from medsynth.platform.artifacts import (
    DATASETS,
    GENERATORS,
    dataset_message,
    dataset_metadata,
    generator_id,
    generator_message,
    generator_metadata,
)
from medsynth.storage import Artifact, Storage
from medsynth.v1 import types_pb2

WEIGHTS = "sha256:" + "ab" * 32


def publish(root: Path, collection: str, metadata: dict[str, object]) -> Artifact:
    storage = Storage(str(root))
    draft = storage.draft(collection, "one", "a1")
    draft.write("content", b"content")
    return storage.publish(draft, metadata)


def metadata(metrics: dict[str, float] | None = None) -> dict[str, object]:
    return generator_metadata(
        weights_digest=WEIGHTS,
        training_job="trainingJobs/t1",
        dataset="datasets/d1",
        source={"uri": "phantom://cardiac", "preparation": {"size": 32, "split_seed": 2**62}},
        gan=types_pb2.GanSpecification(preset="hinge", latent_dim=64),
        size=32,
        channels=1,
        classes=("background", "ventricle"),
        images=2**40,
        metrics=metrics or {"loss/generator": 0.25},
    )


def test_a_generator_comes_back_as_it_was_published(tmp_path: Path) -> None:
    published = publish(tmp_path, GENERATORS, metadata())
    found = Storage(str(tmp_path)).get(GENERATORS, "one")
    message = generator_message(found, deployed=True)
    assert message.name == "generators/one"
    assert message.digest == published.manifest.digest
    assert message.deployed
    assert message.create_time.ToDatetime().isoformat() in published.manifest.created
    assert message.source.preparation.split_seed == 2**62
    assert message.gan.latent_dim == 64
    assert list(message.classes) == ["background", "ventricle"]
    assert message.images == 2**40
    assert dict(message.metrics) == {"loss/generator": 0.25}


def test_scalars_that_are_not_finite_survive(tmp_path: Path) -> None:
    published = publish(tmp_path, GENERATORS, metadata({"a": math.nan, "b": math.inf}))
    message = generator_message(published)
    assert math.isnan(message.metrics["a"])
    assert message.metrics["b"] == math.inf


def test_metadata_never_says_what_the_manifest_says() -> None:
    assert not {"name", "digest", "create_time", "deployed"} & metadata().keys()


def test_a_dataset_comes_back_and_ignores_further_facts(tmp_path: Path) -> None:
    split = types_pb2.DatasetSplit(name="train", patients=3, slices=2**40, digest=WEIGHTS)
    dataset = types_pb2.Dataset(channels=2, size=64, classes=["background"], splits=[split])
    fields = {**dataset_metadata(dataset), "preparation_version": 3}
    message = dataset_message(publish(tmp_path, DATASETS, fields))
    assert message.name == "datasets/one"
    assert message.splits[0] == split
    assert (message.channels, message.size) == (2, 64)


def test_metadata_of_something_else_is_refused(tmp_path: Path) -> None:
    artifact = publish(tmp_path, GENERATORS, {"size": "large"})
    with pytest.raises(DataError, match="generators/one does not describe a Generator"):
        generator_message(artifact)


def test_ids_tell_jobs_and_weights_apart() -> None:
    first = generator_id("wgan-gp", WEIGHTS, "trainingJobs/1")
    assert first == generator_id("wgan-gp", WEIGHTS, "trainingJobs/1")
    assert first.startswith("wgan-gp-")
    assert len(first) == len("wgan-gp-") + 12
    assert first != generator_id("wgan-gp", WEIGHTS, "trainingJobs/2")
    assert first != generator_id("wgan-gp", "sha256:00", "trainingJobs/1")
