"""How long a job waits for an idle worker, and a training for its first step."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from medsynth.client import Client
from medsynth.v1 import jobs_pb2, trainer_pb2, types_pb2
from tests.bench.measure import Bar, Bench, Context, Row
from tests.bench.site import Site
from tests.support import children, eventually

_LOOK_SECONDS = 0.005
_DATA = "phantom://cardiac?patients=8&slices=4"


def measure(context: Context) -> Sequence[Row]:
    """One training after the other, each on a worker that has nothing else to do."""
    queued, begun = [], []
    site = context.site()
    context.say("preparing a set")
    site.client.wait(site.client.prepare(_DATA, size=32))
    for number in range(context.effort.pick(9, 3, 1)):
        waited, started_after = _start(site)
        context.say(f"{number + 1}: child after {waited * 1e3:.0f} ms, step {started_after:.1f} s")
        queued.append(waited * 1e3)
        begun.append(started_after)
    return [
        Row(
            "a queued job on an idle worker: until its child starts, p50",
            statistics.median(queued),
            "ms",
            bar=Bar("at most", 300.0, of="ours"),
        ),
        Row(
            "a training: from its child's start to its first step, p50",
            statistics.median(begun),
            "s",
            bar=Bar("at most", 6.0, of="ours"),
        ),
    ]


def _start(site: Site) -> tuple[float, float]:
    """Seconds from the job's creation to its child, and from there to the first step."""
    worker = site.pid("worker-gpu")
    eventually(lambda: not children(worker), interval=_LOOK_SECONDS)
    gan = types_pb2.GanSpecification(
        preset="dcgan", generator_filters=8, discriminator_filters=8, batch_size=8
    )
    job = site.client.train(_DATA, gan, images=10**6, size=32)
    child = eventually(lambda: children(worker), interval=_LOOK_SECONDS)[0]
    born = _born(child)
    first = _first_step(site.client, job)
    site.client.cancel(job.name)
    for _ in site.client.watch(job.name):
        pass  # Until it has ended.
    created = job.status.create_time.ToNanoseconds() / 1e9
    return born - created, first - born


def _first_step(client: Client, job: trainer_pb2.TrainingJob) -> float:
    """When the training said that its first step is next; seconds since 1970."""
    for event in client.watch(job.name):
        if event.HasField("progress") and event.progress.phase == "training":
            return _seconds(event)
    raise AssertionError(f"{job.name} ended before it trained")


def _seconds(event: jobs_pb2.JobEvent) -> float:
    return event.time.ToNanoseconds() / 1e9


def _born(pid: int) -> float:
    """When a process was started, to the next hundredth of a second; seconds since 1970."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    since_boot = (ticks + 1) / os.sysconf("SC_CLK_TCK")
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + since_boot


BENCH = Bench("start", "from a job's creation to its child, and on to its first step", measure)
