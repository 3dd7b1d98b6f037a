"""What the environment that a worker gives its children does for training on a CPU."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from medsynth.gans.presets import specification
from medsynth.platform.jobs.process import ENVIRONMENT
from tests.bench.contestant import Contestant
from tests.bench.measure import Bench, Context, Row, compared, interleaved
from tests.bench.training import medsynth_loop, task

_BATCH = 16
_OURS, _NONE = "a child's environment", "none of it"


def measure(context: Context) -> Sequence[Row]:
    """Small networks and batches, as in `make run`: many barriers, and many small steps."""
    _, images, masks, classes, _ = task(context)
    filters = context.effort.pick(32, 32, 8)
    chosen = specification(
        "hinge",
        {
            "batch_size": _BATCH,
            "generator_filters": filters,
            "discriminator_filters": filters,
        },
    )
    rows = []
    with (
        Contestant(context.effort, ENVIRONMENT) as ours,
        Contestant(context.effort, dict.fromkeys(ENVIRONMENT)) as none,
    ):
        for neighbours, where, steps in (
            (0, "alone on the machine", context.effort.pick(60, 30, 1)),
            (1, "beside a busy neighbour", context.effort.pick(4, 2, 1)),
        ):
            work = (chosen, images, masks, classes, _BATCH * steps)
            with _busy(neighbours):
                numbers = interleaved(
                    {
                        name: partial(process.call, medsynth_loop, "float32", *work)
                        for name, process in ((_OURS, ours), (_NONE, none))
                    },
                    context.effort.pick(5, 2, 1),
                    context.say,
                )
            rows.append(compared(f"training {where}", "images/s", numbers, _OURS, _NONE))
    return rows


@contextmanager
def _busy(count: int) -> Iterator[None]:
    neighbours = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)
    ]
    try:
        yield
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()


BENCH = Bench("environment", "what the environment of a worker's children is good for", measure)
