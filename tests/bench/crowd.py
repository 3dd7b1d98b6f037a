"""Many `Sample` calls at the same time over one."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from medsynth.client import Client
from medsynth.settings import Settings
from tests.bench.contestant import Contestant
from tests.bench.measure import P99, Bench, Context, Row, interleaved, median_ratio, quantile
from tests.bench.site import make_client, publish_untrained


def measure(context: Context) -> Sequence[Row]:
    """The same images in all, through one call and through many at once."""
    calls = context.effort.pick(200, 200, 3)
    each = context.effort.pick(128, 64, 8)
    crowd, alone = f"{calls} calls at once", "1 call"
    firsts: dict[str, list[float]] = {crowd: [], alone: []}
    site = context.site()
    with Contestant(context.effort) as caller:
        generator = publish_untrained(context.effort, site.storage, "dcgan", 32)
        name = f"generators/{generator.manifest.id}"

        def once(label: str, at_once: int, count: int) -> float:
            rate, waits = caller.call(draw, site.settings, name, at_once, count)
            firsts[label] += waits
            return rate

        numbers = interleaved(
            {
                crowd: partial(once, crowd, calls, each),
                alone: partial(once, alone, 1, calls * each),
            },
            context.effort.pick(3, 1, 1),
            context.say,
        )
    rows = [
        Row(
            f"images per second through {crowd}",
            statistics.median(numbers[crowd]),
            "images/s",
            alone,
            statistics.median(numbers[alone]),
            median_ratio(numbers[crowd], numbers[alone]),
        )
    ]
    for word, share in (("p50", 0.5), ("p99", P99)):
        # The first of each was the warm-up.
        many, one = quantile(firsts[crowd][calls:], share), quantile(firsts[alone][1:], share)
        what = f"time to the first batch with {crowd}, {word}"
        rows.append(Row(what, many * 1e3, "ms", alone, one * 1e3, many / one))
    return rows


def draw(settings: Settings, generator: str, calls: int, count: int) -> tuple[float, list[float]]:
    """Draws through so many calls at once.

    Returns:
        Images per second of all together, and the seconds until the first batch of each.
    """
    with make_client(settings) as client, ThreadPoolExecutor(calls) as threads:
        began = time.perf_counter()
        waits = [threads.submit(_call, client, generator, count, seed) for seed in range(calls)]
        firsts = [wait.result() for wait in waits]
        seconds = time.perf_counter() - began
    return calls * count / seconds, firsts


def _call(client: Client, generator: str, count: int, seed: int) -> float:
    began, first, got = time.perf_counter(), 0.0, 0
    for batch in client.sample(generator, count, seed=seed):
        first = first or time.perf_counter() - began
        got += len(batch.images)
    assert got == count
    return first


BENCH = Bench("crowd", "200 Sample calls at once over one", measure)
