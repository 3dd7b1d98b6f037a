"""The Fréchet distance over the textbook's: the square root of the product by SciPy."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from medsynth.metrics import frechet_distance
from tests.bench.measure import Bar, Bench, Context, Row, compared, interleaved

Features = NDArray[np.float32]
_OURS, _OTHER = "medsynth.metrics", "scipy.linalg.sqrtm"


def by_sqrtm(real: Features, fake: Features) -> float:
    """The distance as the usual implementations have it."""
    mean = real.mean(axis=0, dtype=np.float64) - fake.mean(axis=0, dtype=np.float64)
    ours = np.cov(real, rowvar=False, dtype=np.float64)
    theirs = np.cov(fake, rowvar=False, dtype=np.float64)
    root = scipy.linalg.sqrtm(ours @ theirs).real
    return float(mean @ mean + np.trace(ours) + np.trace(theirs) - 2.0 * np.trace(root))


def measure(context: Context) -> Sequence[Row]:
    """Both on the same features, whose spectrum falls off as that of Inception features does."""
    width = context.effort.pick(2048, 2048, 32)
    cases = [(context.effort.pick(5000, 2500, 80), 8.0), (context.effort.pick(200, 200, 10), 50.0)]
    rows = []
    for count, bar in cases:
        real, fake = _features(count, width, 0), _features(count, width, 1)
        numbers = interleaved(
            {
                _OURS: lambda: _seconds(frechet_distance, real, fake),  # noqa: B023
                _OTHER: lambda: _seconds(by_sqrtm, real, fake),  # noqa: B023
            },
            context.effort.pick(3, 1, 1),
            context.say,
        )
        what = f"Fréchet distance, 2 x {count:,} features of {width:,}: times faster"
        bound = Bar("at least", bar)
        rows.append(compared(what, "s", numbers, _OURS, _OTHER, bound, turned=True))
    return rows


def _features(count: int, width: int, seed: int) -> Features:
    random = np.random.default_rng(seed)
    scales = np.arange(1, width + 1) ** -0.5
    mixed = random.standard_normal((count, width)) * scales
    return np.asarray(np.abs(mixed + 0.1 * seed), np.float32)


def _seconds(
    distance: Callable[[Features, Features], float], real: Features, fake: Features
) -> float:
    began = time.perf_counter()
    distance(real, fake)
    return time.perf_counter() - began


BENCH = Bench("frechet", "the Fréchet distance over SciPy's sqrtm", measure)
