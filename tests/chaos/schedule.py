"""What happens in a run of chaos, and when: drawn from a seed, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

FAULTS: Final = (
    "kill child",
    "freeze child",
    "kill worker",
    "stop worker",
    "freeze worker",
    "kill trainer",
    "kill sampler",
    "kill evaluator",
    "stop redis",
    "kill redis",
    "fill redis",
    "kill triton",
    "lose messages",
    "double messages",
    "cancel queued",
    "cancel running",
    "cancel waiting",
    "cancel recovering",
    "drop watchers",
    "tear checkpoint",
)
"""Every fault there is; `injectors` says what each does."""

JOBS: Final = ("training", "preparation", "drawing", "echo", "publishing", "failing", "parent")
"""Every sort of job there is; `work` says what each is."""

_WEIGHTS: Final = {"echo": 4, "publishing": 2, "parent": 3}
PACE: Final = 2.0
"""Seconds from one fault to the next, on average."""

_JOB_SECONDS: Final = 3.0
_ONCE: Final = frozenset(("stop redis", "kill redis", "fill redis", "kill triton"))
"""What stops everything else for a while, and so is drawn less often."""


@dataclass(frozen=True)
class Step:
    """Something that happens.

    Attributes:
        at: Seconds after the beginning.
        what: One of `FAULTS` or `JOBS`.
        draw: From 0 to 1: chooses among what there is then (a worker, a job, a GAN).
        number: Its place in the schedule.
    """

    at: float
    what: str
    draw: float
    number: int

    @property
    def is_fault(self) -> bool:
        """Whether it breaks something, rather than begins a job."""
        return self.what in FAULTS


def schedule(
    seed: int,
    seconds: float,
    faults: Sequence[str] = FAULTS,
    jobs: Sequence[str] = JOBS,
    pace: float = PACE,
) -> tuple[Step, ...]:
    """The steps of a run, in their order.

    Args:
        seed: Of everything that is drawn.
        seconds: Length of the run.
        faults: Those that happen.
        jobs: Those that are made.
        pace: Seconds from one fault to the next, on average.
    """
    drawn = random.Random(seed)
    ordered = sorted([*_faults(drawn, seconds, faults, pace), *_jobs(drawn, seconds, jobs)])
    return tuple(Step(at, what, drawn.random(), n) for n, (at, what) in enumerate(ordered))


def _faults(
    drawn: random.Random, seconds: float, kinds: Sequence[str], pace: float
) -> Iterator[tuple[float, str]]:
    """Each kind comes in each round, in an order of its own; the heavy ones in every other."""
    at, round_ = 0.0, 0
    while kinds:
        light = [kind for kind in kinds if kind not in _ONCE or round_ % 2 == 0]
        for what in drawn.sample(light, len(light)):
            at += drawn.expovariate(1 / pace)
            if at >= seconds:
                return
            yield at, what
        round_ += 1


def _jobs(
    drawn: random.Random, seconds: float, kinds: Sequence[str]
) -> Iterator[tuple[float, str]]:
    """One of each at once, then one now and then."""
    weights = [_WEIGHTS.get(kind, 1) for kind in kinds]
    for kind in kinds:
        yield 0.0, kind
    at = 0.0
    while kinds:
        at += drawn.expovariate(1 / _JOB_SECONDS)
        if at >= seconds:
            return
        yield at, drawn.choices(kinds, weights)[0]
