"""Peak memory for a large synthetic data set over that for a small one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from uuid import uuid4

from tests.bench.measure import Bar, Bench, Context, Row
from tests.bench.site import Site
from tests.processes import peak, restart_peak
from tests.sampler import graphs
from tests.support import children

_PARTS = ("worker's child", "worker", "sampler")


def measure(context: Context) -> Sequence[Row]:
    """Images of 32 px as PNG pairs, and the same number as a stream out of the sampler."""
    small, large = context.effort.pick((1000, 10_000), (500, 3000), (4, 8))
    site = context.site()
    generator = graphs.publish(site.storage, f"small-{uuid4().hex[:8]}")
    name = f"generators/{generator.manifest.id}"
    _draw(site, name, small)
    context.say(f"drawing {small:,} images")
    before = _draw(site, name, small)
    context.say(f"drawing {large:,} images")
    after = _draw(site, name, large)
    return [
        Row(
            f"peak memory of the {part}: {large:,} images over {small:,}",
            after[part],
            "MiB",
            f"{small:,} images",
            before[part],
            after[part] / before[part],
            Bar("at most", 1.1),
        )
        for part in _PARTS
    ]


def _draw(site: Site, generator: str, count: int) -> dict[str, float]:
    """Draws a data set and a stream. Returns the peak of each process in MiB."""
    worker, sampler = site.pid("worker-light"), site.pid("sampler")
    for pid in (worker, sampler):
        restart_peak(pid)
    with ChildPeak(worker) as child:
        site.client.wait(site.client.create_synthetic_dataset(generator, count=count))
    assert sum(len(batch.images) for batch in site.client.sample(generator, count)) == count
    return dict(zip(_PARTS, (child.mebibytes, peak(worker), peak(sampler)), strict=True))


class ChildPeak:
    """Follows the largest child of a process within a `with` block.

    Args:
        parent: The process.
    """

    def __init__(self, parent: int) -> None:
        self.mebibytes = 0.0
        self._parent = parent
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> ChildPeak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._over.wait(0.02):
            for child in children(self._parent):
                self.mebibytes = max(self.mebibytes, peak(child))


BENCH = Bench("memory", "peak memory for a large data set over a small one", measure)
