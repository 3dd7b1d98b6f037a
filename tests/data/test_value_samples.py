from __future__ import annotations

import numpy as np
import pytest

from medsynth.data import value_samples
from medsynth.data.value_samples import PERCENTS, ValueSamples


@pytest.mark.parametrize("slices", [1, 3, 4, 50])
@pytest.mark.parametrize("side", [256, 512])
def test_samples_come_from_the_whole_image(slices: int, side: int) -> None:
    samples = ValueSamples()
    columns = np.arange(side, dtype=np.float32)
    samples.add(np.broadcast_to(columns, (slices, side, side)))
    found = samples.summary(0)
    assert (found.low, found.high) == (0, side - 1)
    expected = np.percentile(columns, PERCENTS)
    assert np.abs(found.percentiles - expected).max() < 0.06 * side
    assert max(found.counts) < 3 / len(found.counts)


def test_every_volume_counts_alike_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_samples, "_MOST_SAMPLES", 20_000)
    samples = ValueSamples()
    for k in range(500):
        samples.add(np.full((1, 64, 64), k, np.float32))
    found = samples.summary(0)
    expected = np.percentile(np.arange(500), PERCENTS)
    assert np.abs(found.percentiles - expected).max() < 25


def test_few_values_are_all_taken() -> None:
    samples = ValueSamples()
    samples.add(np.arange(100, dtype=np.float32).reshape(1, 10, 10))
    assert samples.summary(0).percentiles == pytest.approx(np.percentile(np.arange(100), PERCENTS))


def test_the_same_volumes_give_the_same_summary() -> None:
    values = np.random.Generator(np.random.Philox(1)).normal(size=(3, 90, 90)).astype(np.float32)
    summaries = []
    for _ in range(2):
        samples = ValueSamples()
        samples.add(values)
        samples.add(values * 2)
        summaries.append(samples.summary(3))
    assert summaries[0] == summaries[1]
    assert summaries[0].channel == 3
    assert sum(summaries[0].counts) == pytest.approx(1, abs=1e-4)
