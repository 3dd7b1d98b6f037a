"""A whole local stack for benches: every part in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from uuid import uuid4

import torch

from medsynth.client import Client
from medsynth.gans import networks
from medsynth.gans.averaging import AveragedWeights
from medsynth.gans.export import export_onnx
from medsynth.gans.presets import specification
from medsynth.local import stack
from medsynth.local.addresses import local_settings
from medsynth.platform.artifacts import GENERATORS, MODEL_FILE, generator_metadata
from medsynth.settings import Settings
from medsynth.storage import Artifact, Storage
from tests.bench.measure import Effort
from tests.sampler import graphs

CLASSES = ("background", "left ventricle", "myocardium", "right ventricle")


class Site:
    """What a bench needs to know of a running stack.

    Args:
        home: Its folder.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self.settings = local_settings(home)
        self.storage = Storage(self.settings.storage)

    @cached_property
    def client(self) -> Client:
        """Speaks to the services."""
        return make_client(self.settings)

    def pid(self, name: str) -> int:
        """The process of a part, such as `sampler` or `worker-gpu`."""
        pid = stack.status(self._home).processes[name].pid
        assert pid is not None
        return pid


def make_client(settings: Settings) -> Client:
    """A client of the services that the settings name."""
    return Client(
        trainer=settings.trainer_address,
        sampler=settings.sampler_address,
        evaluator=settings.evaluator_address,
        timeout=120.0,
    )


@contextmanager
def started(home: Path) -> Iterator[Site]:
    """A stack that runs within the block, tied to this process."""
    with _own_environment():
        running = stack.start(Settings(home=home), detach=False)
    site = Site(home)
    try:
        yield site
    finally:
        site.client.close()
        running.stop()


@contextmanager
def _own_environment() -> Iterator[None]:
    """Without the settings of another stack."""
    before = {name: os.environ.pop(name) for name in list(os.environ) if name[:9] == "MEDSYNTH_"}
    try:
        yield
    finally:
        os.environ.update(before)


def publish_untrained(effort: Effort, storage: Storage, preset: str, size: int) -> Artifact:
    """Publishes a generator with its initial weights: as fast as a trained one.

    Args:
        effort: With `TINY` it is some small graph instead, which takes no export.
        storage: Where generators are.
        preset: Name of a preset.
        size: Side in pixels.
    """
    identifier = f"{preset}-{size}-{uuid4().hex[:8]}"
    if effort is Effort.TINY:
        return graphs.publish(storage, identifier, size=size)
    chosen = specification(preset)
    generator, _ = networks.build(chosen, size, 1, len(CLASSES), seed=0)
    ready = AveragedWeights(generator, 0).ready(4, torch.Generator().manual_seed(0))
    draft = storage.draft(GENERATORS, identifier, "a1")
    model = Path(draft.path) / MODEL_FILE
    export_onnx(ready, model, channels=1, classes=len(CLASSES))
    draft.write(MODEL_FILE, model.read_bytes())
    metadata = generator_metadata(
        weights_digest="sha256:" + "0" * 64,
        training_job="trainingJobs/none",
        dataset="datasets/none",
        source={"uri": "phantom://cardiac"},
        gan=chosen.to_mapping(),
        size=size,
        channels=1,
        classes=CLASSES,
        images=0,
        metrics={},
    )
    return storage.publish(draft, metadata)
