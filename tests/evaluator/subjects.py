"""What the tests evaluate."""

from __future__ import annotations

import json
from pathlib import Path

from medsynth.data.prepared import PreparedSet
from medsynth.data.writers import SampleWriter
from medsynth.platform import artifacts
from medsynth.platform.sources import fill_source
from medsynth.storage import Artifact
from medsynth.v1 import types_pb2
from tests.sampler import graphs
from tests.workplace import Workplace

SOURCE = types_pb2.DataSource(
    uri="phantom://cardiac?patients=6&slices=4", preparation=types_pb2.Preparation(size=32)
)
LEARNED = types_pb2.DataSource(
    uri="phantom://cardiac?patients=6&slices=4&seed=1",
    preparation=types_pb2.Preparation(size=32),
)
"""What the generator says that it learned from."""

CLASSES = ("background", "rv cavity", "myocardium", "lv cavity")
CURVE = [{"images": 100.0 * step, "loss/generator": 1.0 / step} for step in (1, 2, 3)]


def publish_generator(workplace: Workplace, identifier: str = "tiny") -> Artifact:
    """A generator of noise, which says that it learned from the phantom; no set is prepared."""
    storage = workplace.storage
    found = storage.find(artifacts.GENERATORS, identifier)
    if found is not None:
        return found
    draft = storage.draft(artifacts.GENERATORS, identifier, "a1")
    draft.write(artifacts.MODEL_FILE, graphs.graph(1, len(CLASSES), 32))
    draft.write(artifacts.CURVE_FILE, json.dumps(CURVE).encode())
    metadata = artifacts.generator_metadata(
        weights_digest="sha256:" + "0" * 64,
        training_job="trainingJobs/1",
        dataset="datasets/deleted",
        source=fill_source(LEARNED, ()),
        gan=types_pb2.GanSpecification(preset="hinge", latent_dim=graphs.DIM),
        size=32,
        channels=1,
        classes=CLASSES,
        images=300,
        metrics={},
    )
    return storage.publish(draft, metadata)


def prepared_set(workplace: Workplace) -> tuple[str, PreparedSet]:
    """Name and content of the phantom's prepared set."""
    name = workplace.make("preparation", fill_source(SOURCE, ())).result["dataset"]
    artifact = workplace.storage.get(artifacts.DATASETS, name.rpartition("/")[2])
    return name, PreparedSet.open(artifact, workplace.settings.home / "cache")


def write_folder(workplace: Workplace, name: str, *, masks: bool = True, size: int = 32) -> Path:
    """A folder with the training images of the phantom, as if somebody had made them."""
    folder: Path = workplace.settings.home / "folders" / name
    if folder.exists():
        return folder
    train = prepared_set(workplace)[1].split("train")
    assert train.masks is not None
    with SampleWriter(folder, "png", {}) as writer:
        images = train.images[:, :, :size, :size]
        writer.write(0, images, train.masks[:, :size, :size] if masks else None)
    return folder
