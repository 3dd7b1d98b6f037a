"""Numbers of a request, checked."""

from __future__ import annotations

import math
from typing import Any, Final

from medsynth.errors import InvalidArgumentError

LARGEST_SEED: Final = 2**63 - 1


def whole_number(value: Any, path: str, low: int, high: int) -> int:
    """An integer of a request, given as a number or as its decimal digits.

    Raises:
        InvalidArgumentError: It is none, or outside `low` to `high`.
    """
    number = value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:
        number = int(value)
    if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
        upper = "2^63-1" if high == LARGEST_SEED else str(high)
        raise InvalidArgumentError.field(path, value, f"an integer from {low} to {upper}")
    return number


def number_between(value: Any, path: str, low: float, high: float, unit: str = "") -> float:
    """A number of a request from `low` to `high`.

    Args:
        value: As it was sent.
        path: Of the field, for errors.
        low: The smallest.
        high: The largest.
        unit: Put before what is accepted, in errors.

    Raises:
        InvalidArgumentError: It is none, or outside.
    """
    accepted = f"{unit}a number from {low:g} to {high:g}"
    number = finite_number(value, path, accepted)
    if not low <= number <= high:
        raise InvalidArgumentError.field(path, value, accepted)
    return number


def finite_number(value: Any, path: str, accepted: str) -> float:
    """A number of a request that is neither infinite nor NaN.

    Raises:
        InvalidArgumentError: It is none; says what would be accepted.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidArgumentError.field(path, value, accepted)
    return float(value)
