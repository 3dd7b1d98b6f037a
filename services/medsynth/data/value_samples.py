"""The values of a channel over many volumes: extremes exactly, the rest from samples.

Samples are drawn at random places with a fixed seed: at even distances they would come from a few
columns of an image alone, since the distance divides the length of its rows.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.inspection import IntensitySummary

PERCENTS: Final = (0.5, 5, 25, 50, 75, 95, 99.5)
"""Of which the percentiles are told."""

_SAMPLED: Final = 2048
_MOST_SAMPLES: Final = 2_000_000
_BINS: Final = 64


class ValueSamples:
    """Values of one channel, of which a bounded number is kept."""

    def __init__(self) -> None:
        self._low = float("inf")
        self._high = float("-inf")
        self._samples: list[NDArray[np.float32]] = []
        self._held = 0
        self._every = 1
        self._places = np.random.Generator(np.random.Philox(0))

    def add(self, values: NDArray[np.float32]) -> None:
        """Adds the values of a volume, at least one."""
        self._low = min(self._low, float(values.min()))
        self._high = max(self._high, float(values.max()))
        flat = values.ravel()
        count = max(1, min(flat.size, _SAMPLED) // self._every)
        places = self._places.integers(0, flat.size, count) if count < flat.size else slice(None)
        self._samples.append(flat[places].copy())
        self._held += count
        if self._held > _MOST_SAMPLES:
            # Later volumes give as few as those before are left with.
            self._samples = [np.concatenate(self._samples)[::2].copy()]
            self._held, self._every = len(self._samples[0]), 2 * self._every

    def summary(self, channel: int) -> IntensitySummary:
        """What was added, at least one volume; as the values of this channel."""
        values = np.concatenate(self._samples).astype(np.float64)
        percentiles = np.percentile(values, PERCENTS)
        low, high = float(percentiles[0]), float(percentiles[-1])
        edges = np.linspace(low, high if high > low else low + max(1.0, abs(low)), _BINS + 1)
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
        return IntensitySummary(
            channel, self._low, self._high, PERCENTS,
            tuple(float(f"{value:.6g}") for value in percentiles),
            tuple(float(f"{edge:.6g}") for edge in edges),
            tuple(round(float(share), 6) for share in counts / len(values)),
        )  # fmt: skip
