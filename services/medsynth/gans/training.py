"""The training loop: progress, scalars, sample grids, checkpoints, and stopping between steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import nn

from medsynth.errors import FailedPreconditionError, ResourceExhaustedError
from medsynth.gans import checkpoint
from medsynth.gans.adversarial import METRICS, AdversarialTraining
from medsynth.gans.arithmetic import Arithmetic, choose_arithmetic
from medsynth.gans.dataset import ResidentDataset
from medsynth.gans.latents import latents
from medsynth.gans.sampling import generate
from medsynth.gans.scalars import ScalarLog
from medsynth.gans.specification import TrainingRun
from medsynth.levels import Labels, Pixels
from medsynth.manifest import digest_of
from medsynth.networks import choose_device, weights_digest

__all__ = ["TrainingResult", "TrainingRun", "TrainingStopped", "train"]

GRID = 36
"""Images in a sample grid."""

_REPORTS = 200
"""Points of the curve that a training of medium length gets."""
_FARTHEST_REPORT = 2_000
"""Images between two reports at most, however long the training is."""

OnProgress = Callable[[int, Mapping[str, float]], None]
OnGrid = Callable[[int, Pixels, "Labels | None"], None]


class TrainingStopped(Exception):  # noqa: N818
    """The training was told to stop, and did after writing a checkpoint.

    Args:
        images: Real images that the discriminator had been shown.
    """

    def __init__(self, images: int) -> None:
        super().__init__(f"stopped after {images} images")
        self.images = images


@dataclass(frozen=True)
class TrainingResult:
    """What a training leaves.

    Attributes:
        generator: Averaged weights with re-estimated batch statistics, in `eval` mode.
        weights_digest: `sha256:...` over its named tensors.
        curve: Points in order: `images` and the means of the metrics since the point before.
        metrics: Of the last point.
        images: Real images that the discriminator was shown.
        precision: `float32`, `bfloat16` or `float16`.
    """

    generator: nn.Module
    weights_digest: str
    curve: list[dict[str, float]]
    metrics: dict[str, float]
    images: int
    precision: str


def train(
    run: TrainingRun,
    images: Pixels,
    masks: Labels | None,
    classes: int,
    *,
    device: str = "auto",
    checkpoints: Path | None = None,
    on_progress: OnProgress = lambda done, metrics: None,
    on_grid: OnGrid | None = None,
    on_checkpoint: Callable[[], None] = lambda: None,
    log_dir: Path | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> TrainingResult:
    """Trains a GAN, from the newest intact checkpoint if there is one.

    On a CPU a training that was stopped any number of times ends with the same weights, bit for
    bit, as one that was left alone.

    Args:
        run: What to train and for how long.
        images: uint8, or uint16 for 16 bits (N, C, S, S), S 32, 64, 128 or 256, C 1 to 8.
        masks: Labels, uint8 (N, S, S), or None.
        classes: Number of labels, background included; 0 without masks.
        device: `auto`, `cpu` or `cuda`.
        checkpoints: Folder of the checkpoints of this one training. None: none are written.
        on_progress: Called with images done (never more than asked for) and metrics: the losses and
            mean logits of both sides. First before the first step, without metrics.
        on_grid: Called with the images done and samples of fixed latents: images of as
            many bits (36, C, S, S) and masks (36, S, S) or None.
        on_checkpoint: Called after each checkpoint.
        log_dir: Folder of TensorBoard scalars. None: none are written.
        should_stop: Asked before each step.

    Raises:
        TrainingStopped: `should_stop` said so; a checkpoint was written, if there is a folder.
        InvalidArgumentError: A setting or the images' size is not accepted.
        DataError: Images, masks and classes do not belong together.
        FailedPreconditionError: The folder holds another training's checkpoints, or the losses are
            no longer finite.
        ResourceExhaustedError: The disk or the GPU's memory is full.
    """
    run.validate()
    chosen = choose_device(device)
    dataset = ResidentDataset(images, masks, classes, chosen)
    saved = _saved_state(run, dataset, checkpoints)
    arithmetic = _arithmetic(run, chosen, saved)
    with _threads(saved, arithmetic), _memory_errors(), ScalarLog(log_dir) as scalars:
        game = AdversarialTraining(
            run.specification, dataset, arithmetic, run.seed, run.foreground_share
        )
        curve = _Curve(_report_interval(run), arithmetic.device)
        if saved is not None:
            game.restore(saved["game"])
            curve.restore(saved["curve"])
        scalars.begin(curve.points)
        on_progress(min(game.images, run.images), {})

        def save() -> None:
            if checkpoints is not None:
                state = _state(run, game, curve, arithmetic, dataset)
                checkpoint.write(checkpoints, game.images, state)
                on_checkpoint()

        def show() -> None:
            if on_grid is not None:
                noise = latents("grid", run.seed, 0, GRID, run.specification.latent_dim)
                on_grid(game.images, *generate(game.ready_generator(run.seed), noise, dataset.bits))

        while game.images < run.images:
            if should_stop():
                save()
                raise TrainingStopped(game.images)
            before = game.images
            curve.add(game.step())
            ended = game.images >= run.images
            if ended or _crossed(before, game.images, curve.interval):
                point = curve.close(game.images)
                scalars.write(point)
                on_progress(min(game.images, run.images), _metrics(point))
            if ended or _crossed(before, game.images, run.grid_images):
                show()
            if ended or _crossed(before, game.images, run.checkpoint_images):
                save()
        generator = game.ready_generator(run.seed)
    return TrainingResult(
        generator,
        weights_digest(generator),
        curve.points,
        _metrics(curve.points[-1]),
        game.images,
        arithmetic.precision,
    )


class _Curve:
    """Means of the metrics between reports, kept on the device until a report is due."""

    def __init__(self, interval: int, device: torch.device) -> None:
        self.interval = interval
        self.points: list[dict[str, float]] = []
        self._sums = torch.zeros(len(METRICS), device=device)
        self._steps = 0

    def add(self, values: torch.Tensor) -> None:
        self._sums += values
        self._steps += 1

    def close(self, images: int) -> dict[str, float]:
        means = (self._sums / self._steps).tolist()
        point = {"images": float(images), **dict(zip(METRICS, means, strict=True))}
        self._sums.zero_()
        self._steps = 0
        if not all(isfinite(value) for value in means):
            raise FailedPreconditionError(
                f"the training diverged: a loss is no longer finite after {images} images. Lower "
                "the learning rates, or use precision float32",
                reason="TRAINING_DIVERGED",
            )
        self.points.append(point)
        return point

    def state(self) -> dict[str, Any]:
        return {"points": self.points, "sums": self._sums, "steps": self._steps}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.points = list(state["points"])
        self._sums.copy_(state["sums"])
        self._steps = state["steps"]


def _metrics(point: Mapping[str, float]) -> dict[str, float]:
    return {name: point[name] for name in METRICS}


def _report_interval(run: TrainingRun) -> int:
    return min(max(run.images // _REPORTS, run.specification.images_per_step), _FARTHEST_REPORT)


def _crossed(before: int, after: int, interval: int) -> bool:
    return before // interval != after // interval


def _identity(run: TrainingRun, dataset: ResidentDataset) -> str:
    return digest_of(
        {
            "gan": run.specification.to_mapping(),
            "seed": run.seed,
            "precision": run.precision,
            "foreground_share": run.foreground_share,
            "classes": dataset.classes,
            "data": dataset.digest,
        }
    )


def _state(
    run: TrainingRun,
    game: AdversarialTraining,
    curve: _Curve,
    arithmetic: Arithmetic,
    dataset: ResidentDataset,
) -> dict[str, Any]:
    return {
        "training": _identity(run, dataset),
        "device": arithmetic.device.type,
        "precision": arithmetic.precision,
        "threads": torch.get_num_threads(),
        "game": game.state(),
        "curve": curve.state(),
    }


def _saved_state(
    run: TrainingRun, dataset: ResidentDataset, folder: Path | None
) -> dict[str, Any] | None:
    saved = None if folder is None else checkpoint.read_newest(folder)
    if saved is not None and saved["training"] != _identity(run, dataset):
        raise FailedPreconditionError(
            "the checkpoints belong to a training with other settings or other data",
            reason="CHECKPOINT_OF_ANOTHER_TRAINING",
        )
    return saved


def _arithmetic(
    run: TrainingRun, device: torch.device, saved: Mapping[str, Any] | None
) -> Arithmetic:
    if saved is not None and saved["device"] == device.type:
        return Arithmetic(device, saved["precision"])
    return choose_arithmetic(device, run.precision)


@contextmanager
def _threads(saved: Mapping[str, Any] | None, arithmetic: Arithmetic) -> Iterator[None]:
    """On a CPU sums depend on the number of threads: a training keeps the one it began with."""
    before = torch.get_num_threads()
    if saved is not None and arithmetic.device.type == "cpu":
        torch.set_num_threads(saved["threads"])
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _memory_errors() -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ResourceExhaustedError(
            "the GPU's memory is full: lower batch_size or the numbers of filters",
            reason="OUT_OF_DEVICE_MEMORY",
        ) from error
