"""Confidence intervals over repeats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from medsynth.errors import InvalidArgumentError


@dataclass(frozen=True)
class Interval:
    """A mean and the interval that holds the true mean with the asked confidence.

    Attributes:
        mean: Mean of the scored repeats; NaN when none was scored.
        low: Lower end; None with fewer than two scored repeats.
        high: Upper end; None with fewer than two scored repeats.
        repeats: Scored repeats.
    """

    mean: float
    low: float | None
    high: float | None
    repeats: int


def confidence_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Student's t interval of the mean over repeats, such as seeds.

    mean ± t((1 + confidence) / 2; n - 1) s / √n with s the standard deviation of divisor n - 1.
    It speaks of the repeats' own spread: another data set is not part of it.

    Args:
        values: One score for each repeat; NaN means not scored and is left out.
        confidence: Above 0 and below 1.

    Returns:
        The interval. Of a single repeat only the mean is known.

    Raises:
        InvalidArgumentError: `confidence` is outside its range, or a value is infinite.
    """
    if not 0.0 < confidence < 1.0:
        raise InvalidArgumentError.field("confidence", confidence, "a number above 0 and below 1")
    if any(math.isinf(value) for value in values):
        raise InvalidArgumentError.field("values", list(values), "finite numbers or NaN")
    scored = [float(value) for value in values if not math.isnan(value)]
    count = len(scored)
    if count == 0:
        return Interval(math.nan, None, None, 0)
    mean = math.fsum(scored) / count
    if count == 1:
        return Interval(mean, None, None, 1)

    from scipy.special import stdtrit

    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in scored) / (count - 1))
    reach = float(stdtrit(count - 1, (1.0 + confidence) / 2.0)) * deviation / math.sqrt(count)
    return Interval(mean, mean - reach, mean + reach, count)
