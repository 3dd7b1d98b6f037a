"""Training the U-Net under one fixed recipe.

Whatever a U-Net is trained on (real, augmented, synthetic or mixed images), network, loss,
optimiser, schedule, batch and number of steps are the same, and the checkpoint is chosen on real
validation patients: then the difference between two scores is the difference between the images.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from monai.losses.dice import DiceCELoss
from numpy.typing import NDArray
from torch import Tensor

from medsynth.errors import AbortedError, InvalidArgumentError
from medsynth.levels import Labels, Pixels, holds_levels
from medsynth.metrics import dice_scores
from medsynth.networks import choose_device
from medsynth.segmentation.augmentation import augment_pairs
from medsynth.segmentation.prediction import predict
from medsynth.segmentation.unet import DROPOUT, RESIDUAL_UNITS, WIDTHS, UNet, to_network

BATCH = 16
LEARNING_RATE = 8e-3
WEIGHT_DECAY = 1e-2
WARM_UP = 0.05
"""Share of the steps in which the learning rate rises from 0."""
LAST_RATE = 0.01
"""Share of the learning rate that the cosine ends at."""
AVERAGE = 0.98
"""Decay of the averaged weights for each step."""
VALIDATIONS = 10
"""Times that the averaged weights are validated, evenly over the steps."""

RECIPE = (
    f"residual U-Net {'-'.join(map(str, WIDTHS))} x {RESIDUAL_UNITS}, dropout {DROPOUT}, "
    f"Dice + cross-entropy, AdamW {LEARNING_RATE:g}, weight decay {WEIGHT_DECAY:g}, cosine, "
    f"batch {BATCH}, weights averaged ({AVERAGE:g}), checkpoint by real validation Dice"
)
"""The recipe in words, for a score's protocol. The number of steps is not in it."""

ValidationSet = tuple[Pixels, Labels, Sequence[str]]
"""Images (N, C, S, S), masks (N, S, S), and the volume of each slice."""


def train_unet(
    images: Pixels,
    masks: Labels,
    classes: int,
    *,
    validation: ValidationSet,
    steps: int,
    seed: int = 0,
    augment: bool = False,
    device: str | torch.device = "auto",
    on_progress: Callable[[int, int, Mapping[str, float]], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> UNet:
    """Trains a U-Net on pairs of image and mask.

    The same arguments give the same weights on the same CPU with the same number of threads.
    Everything random comes from `seed`; the caller's random state is left as it was.

    Args:
        images: uint8, or uint16 for 16 bits (N, C, S, S), N >= 1, C from 1 to 8, any S.
        masks: uint8 labels (N, S, S) from 0 to classes - 1.
        classes: Labels with the background, 2 to 256.
        validation: Real images, masks and volumes, of patients that are in no other split. The
            averaged weights with the highest volume-wise mean Dice there are kept; the last ones
            when nothing there can be scored.
        steps: Optimisation steps of 16 pairs, 1 or more.
        seed: 0 to 2^63-1.
        augment: Whether pairs are rotated, shifted and mirrored.
        device: `auto` (a GPU if there is one), `cpu` or `cuda`.
        on_progress: Called with steps done, steps in all and metrics (`loss`, `dice`: those of the
            last validation) after every hundredth of the steps.
        should_stop: Asked before every step.

    Returns:
        The network in evaluation mode on `device`, with `history` and `chosen_step`.

    Raises:
        InvalidArgumentError: An argument is outside its range or does not fit the others.
        AbortedError: `should_stop` said so. Nothing is kept.
    """
    _check("images", images, masks, classes)
    valid_images, valid_masks, volumes = validation
    _check("validation", valid_images, valid_masks, classes)
    if valid_images.shape[1] != images.shape[1]:
        raise InvalidArgumentError.field(
            "validation", valid_images.shape, f"images of {images.shape[1]} channels"
        )
    if len(volumes) != len(valid_images):
        raise InvalidArgumentError.field("validation", len(volumes), "a volume for each slice")
    if steps < 1:
        raise InvalidArgumentError.field("steps", steps, "an integer of at least 1")
    if not 0 <= seed < 2**63:
        raise InvalidArgumentError.field("seed", seed, "an integer from 0 to 2^63-1")
    place = choose_device(str(device))

    def validated(unet: UNet) -> float:
        return dice_scores(predict(unet, valid_images), valid_masks, classes, volumes).mean

    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        torch.manual_seed(seed)
        run = _Run(UNet(images.shape[1], classes), steps, place)
        generator = torch.Generator().manual_seed(seed)
        report_every = max(1, steps // 100)
        metrics: dict[str, float] = {}
        for step, chosen in enumerate(_batches(len(images), steps, generator), start=1):
            if should_stop is not None and should_stop():
                raise AbortedError(f"The U-Net's training was stopped at step {step - 1}.")
            batch = to_network(torch.from_numpy(images[chosen]).to(place))
            truth = torch.from_numpy(masks[chosen]).to(place).long()
            if augment:
                batch, truth = augment_pairs(batch, truth, generator)
            run.step(batch, truth)
            if step * VALIDATIONS // steps > (step - 1) * VALIDATIONS // steps:
                metrics = run.validate(step, validated)
            if on_progress is not None and (step % report_every == 0 or step == steps):
                on_progress(step, steps, metrics)
    return run.best()


class _Run:
    """Network, averaged network, optimiser and the best weights so far."""

    def __init__(self, unet: UNet, steps: int, device: torch.device) -> None:
        self._unet = unet.to(device=device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self._average: UNet = copy.deepcopy(self._unet).eval().requires_grad_(False)
        self._loss = DiceCELoss(
            include_background=False, to_onehot_y=True, softmax=True, batch=True
        )
        self._optimiser = torch.optim.AdamW(
            self._unet.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True
        )
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimiser, lambda step: _rate(step, steps)
        )
        self._steps = 0
        self._losses: list[Tensor] = []
        self._history: list[dict[str, float]] = []
        self._best_dice = -1.0
        self._best_step = 0
        self._best_state: dict[str, Tensor] = {}

    def step(self, images: Tensor, masks: Tensor) -> None:
        loss = self._loss(self._unet(images), masks[:, None])
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()
        self._schedule.step()
        self._losses.append(loss.detach())
        self._steps += 1
        self._take_into_average()

    def _take_into_average(self) -> None:
        # The first steps are forgotten sooner, so that a short run is not held at its start.
        share = 1.0 - min(AVERAGE, self._steps / (self._steps + 10.0))
        theirs = self._unet.state_dict()
        with torch.no_grad():
            for name, ours in self._average.state_dict().items():
                if ours.is_floating_point():
                    ours.lerp_(theirs[name], share)
                else:
                    ours.copy_(theirs[name])

    def validate(self, step: int, score: Callable[[UNet], float]) -> dict[str, float]:
        """Scores the averaged weights and keeps them if none were better."""
        dice = score(self._average)
        metrics = {"loss": float(torch.stack(self._losses).mean()), "dice": dice}
        self._losses.clear()
        self._history.append({"step": float(step), **metrics})
        if not dice <= self._best_dice:
            self._best_dice = -1.0 if math.isnan(dice) else dice
            self._best_step = step
            self._best_state = copy.deepcopy(self._average.state_dict())
        return metrics

    def best(self) -> UNet:
        self._average.load_state_dict(self._best_state)
        self._average.history = self._history
        self._average.chosen_step = self._best_step
        return self._average


def _rate(step: int, steps: int) -> float:
    """Share of the learning rate at a step: a linear rise, then a cosine."""
    rise = min(1.0, (step + 1) / max(1.0, WARM_UP * steps))
    fall = 0.5 * (1.0 + math.cos(math.pi * step / steps))
    return rise * (LAST_RATE + (1.0 - LAST_RATE) * fall)


def _batches(count: int, steps: int, generator: torch.Generator) -> Iterator[NDArray[np.int64]]:
    """Indices of each step's pairs: shuffled passes one after the other."""
    waiting = torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        while len(waiting) < BATCH:
            waiting = torch.cat([waiting, torch.randperm(count, generator=generator)])
        yield waiting[:BATCH].numpy()
        waiting = waiting[BATCH:]


def _check(name: str, images: Pixels, masks: Labels, classes: int) -> None:
    if not holds_levels(images) or images.ndim != 4 or not len(images) or 0 in images.shape:
        raise InvalidArgumentError.field(
            name, f"{images.dtype} {images.shape}", "uint8 or uint16 images (N, C, S, S), N >= 1"
        )
    if masks.dtype != np.uint8 or masks.shape != (len(images), *images.shape[2:]):
        raise InvalidArgumentError.field(
            "masks" if name == "images" else name,
            f"{masks.dtype} {masks.shape}",
            f"uint8 masks of shape {(len(images), *images.shape[2:])}",
        )
    if int(masks.max()) >= classes:
        raise InvalidArgumentError.field(
            "masks" if name == "images" else name,
            int(masks.max()),
            f"labels from 0 to {classes - 1}",
        )
