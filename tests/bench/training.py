"""Training images per second over hand-written loops, and bfloat16 over float32."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from medsynth.gans.arithmetic import has_bfloat16
from medsynth.gans.presets import specification
from medsynth.gans.specification import GanSpecification, TrainingRun
from medsynth.gans.training import train
from medsynth.networks import choose_device
from medsynth.platform.jobs.process import ENVIRONMENT
from tests.bench import training_loops
from tests.bench.contestant import Contestant
from tests.bench.measure import Bar, Bench, Context, Row, compared, interleaved
from tests.bench.training_loops import Bytes

CLASSES = 4
_FLOAT32, _BFLOAT16 = "medsynth, float32", "medsynth, bfloat16"
_TUNED, _PLAIN = "PyTorch loop, every one-line setting", "PyTorch loop as it comes"

Loop = Callable[[GanSpecification, Bytes, Bytes, int, int], float]


def medsynth_loop(
    precision: str,
    specification: GanSpecification,
    images: Bytes,
    masks: Bytes,
    classes: int,
    shown: int,
) -> float:
    """Images per second of `medsynth.gans.train`, from its first step to its last report."""
    reports: list[float] = []
    run = TrainingRun(
        specification, shown, precision=precision, checkpoint_images=10**9, grid_images=10**9
    )
    train(
        run,
        images,
        masks,
        classes,
        device="cpu",
        on_progress=lambda done, metrics: reports.append(time.perf_counter()),
    )
    return shown / (reports[-1] - reports[0])


def task(context: Context) -> tuple[GanSpecification, Bytes, Bytes, int, int]:
    """`dcgan` at 64 px with batches of 64: what the loops take."""
    filters = context.effort.pick(64, 64, 8)
    batch = context.effort.pick(64, 64, 4)
    chosen = specification(
        "dcgan",
        {
            "batch_size": batch,
            "generator_filters": filters,
            "discriminator_filters": filters,
        },
    )
    random = np.random.default_rng(0)
    count, size = 8 * batch, context.effort.pick(64, 64, 32)
    images = random.integers(0, 256, (count, 1, size, size)).astype(np.uint8)
    masks = random.integers(0, CLASSES, (count, size, size)).astype(np.uint8)
    return chosen, images, masks, CLASSES, batch * context.effort.pick(8, 3, 1)


def measure(context: Context) -> Sequence[Row]:
    """Each in a process of its own: ours and the tuned loop in a worker's child's environment."""
    loops: Mapping[str, Loop] = {
        _FLOAT32: partial(medsynth_loop, "float32"),
        _TUNED: training_loops.tuned,
        _PLAIN: training_loops.plain,
    }
    halved = has_bfloat16(choose_device("cpu"))
    if halved:
        loops = {**loops, _BFLOAT16: partial(medsynth_loop, "bfloat16")}
    with (
        Contestant(context.effort, ENVIRONMENT) as ours,
        Contestant(context.effort, ENVIRONMENT) as tuned,
        Contestant(context.effort) as plain,
    ):
        work = task(context)
        processes = {_TUNED: tuned, _PLAIN: plain}
        numbers = interleaved(
            {
                name: partial(processes.get(name, ours).call, loop, *work)
                for name, loop in loops.items()
            },
            context.effort.pick(5, 3, 1),
            context.say,
        )
    what = "dcgan 64 px, batch 64: images trained per second"
    unit = "images/s"
    rows = [
        compared(what, unit, numbers, _FLOAT32, _TUNED, Bar("at least", 1.0)),
        compared(what, unit, numbers, _FLOAT32, _PLAIN, Bar("at least", 1.1)),
    ]
    if halved:
        bar = Bar("at least", 1.3)
        rows.append(compared(f"{what}, bfloat16", unit, numbers, _BFLOAT16, _FLOAT32, bar))
    return rows


BENCH = Bench("train", "training over hand-written PyTorch loops", measure)
