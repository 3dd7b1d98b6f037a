"""Student's t interval."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from medsynth.errors import InvalidArgumentError
from medsynth.metrics import confidence_interval


def test_equals_scipy() -> None:
    values = [0.71, 0.74, 0.69, 0.77]
    result = confidence_interval(values)
    low, high = stats.t.interval(
        0.95, len(values) - 1, loc=sum(values) / 4, scale=stats.sem(values)
    )
    assert (result.low, result.high) == pytest.approx((low, high), rel=1e-12)
    assert result.mean == pytest.approx(0.7275)


def test_known_quantile() -> None:
    """Two repeats: the 97.5 % quantile of t with one degree of freedom is 12.7062."""
    result = confidence_interval([0.0, 2.0])
    assert result.high == pytest.approx(1 + 12.7062, abs=1e-4)


def test_what_was_not_scored_is_left_out() -> None:
    assert confidence_interval([0.5, math.nan, 0.7]) == confidence_interval([0.5, 0.7])


def test_one_or_no_repeat_has_no_interval() -> None:
    one = confidence_interval([0.5])
    assert (one.mean, one.low, one.high, one.repeats) == (0.5, None, None, 1)
    none = confidence_interval([math.nan])
    assert math.isnan(none.mean)
    assert (none.low, none.high, none.repeats) == (None, None, 0)


@pytest.mark.parametrize(("values", "confidence"), [([1.0, math.inf], 0.95), ([1.0], 1.0)])
def test_refuses(values: list[float], confidence: float) -> None:
    with pytest.raises(InvalidArgumentError):
        confidence_interval(values, confidence)
