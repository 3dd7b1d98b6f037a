"""How a child's OpenMP threads should wait for each other: asleep or spinning."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from tests.bench.contestant import Contestant
from tests.bench.measure import Bench, Context, Row, compared, interleaved
from tests.bench.training import medsynth_loop, task

_ASLEEP, _SPINNING = "OMP_WAIT_POLICY=PASSIVE", "OpenMP's default"


def measure(context: Context) -> Sequence[Row]:
    """The same training both ways, alone and beside one process that is always busy."""
    rows = []
    chosen, images, masks, classes, _ = task(context)
    shown = chosen.batch_size * context.effort.pick(3, 2, 1)
    work = (chosen, images, masks, classes, shown)
    with (
        Contestant(context.effort, {"OMP_WAIT_POLICY": "PASSIVE"}) as asleep,
        Contestant(context.effort, {"OMP_WAIT_POLICY": None}) as spinning,
    ):
        for neighbours, where in ((0, "alone"), (1, "beside a busy neighbour")):
            with _busy(neighbours):
                numbers = interleaved(
                    {
                        name: partial(process.call, medsynth_loop, "float32", *work)
                        for name, process in ((_ASLEEP, asleep), (_SPINNING, spinning))
                    },
                    context.effort.pick(2, 1, 1),
                    context.say,
                )
            what = f"a child's threads sleep at barriers, {where}"
            rows.append(compared(what, "images/s", numbers, _ASLEEP, _SPINNING))
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


BENCH = Bench("waiting", "OMP_WAIT_POLICY of children, with and without a neighbour", measure)
