"""What benches share: how much they do, how they compare, and what they report."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeVar

if TYPE_CHECKING:
    from tests.bench.site import Site

T = TypeVar("T")


class Effort(Enum):
    """How much a bench does.

    `TINY` shows that it works, and its numbers mean nothing; `HUGE` goes as far as is promised.
    """

    FULL = 0
    QUICK = 1
    TINY = 2
    HUGE = 3

    def pick(self, full: T, quick: T, tiny: T, huge: T | None = None) -> T:
        """The value that belongs to this effort; that of `FULL` where there is none for `HUGE`."""
        return (full, quick, tiny, full if huge is None else huge)[self.value]


@dataclass(frozen=True)
class Bar:
    """What has to be reached.

    Attributes:
        side: Which way it is meant.
        value: The bar.
        of: What is held against it: the ratio, or our own number in its unit.
    """

    side: Literal["at least", "at most"]
    value: float
    of: Literal["ratio", "ours"] = "ratio"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: What was measured.
        ours: Median of our number.
        unit: Of both numbers.
        against: What ours is compared with; empty: with nothing.
        other: Median of the other number.
        ratio: Ours over the other, or the other over ours where less is better and the bar asks
            how much less: what the line's `what` says.
        bar: What has to be reached; None: the line informs.
    """

    what: str
    ours: float
    unit: str
    against: str = ""
    other: float | None = None
    ratio: float | None = None
    bar: Bar | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the bar is reached; None without one."""
        if self.bar is None:
            return None
        value = self.ratio if self.bar.of == "ratio" else self.ours
        if value is None:
            return None
        return value >= self.bar.value if self.bar.side == "at least" else value <= self.bar.value


@dataclass(frozen=True)
class Context:
    """What a bench is given.

    Attributes:
        effort: How much to do.
        folder: Empty; for the bench alone, and removed after it.
        say: Shows a line of progress.
        site: Gives the stack that all benches share; the first call starts it.
    """

    effort: Effort
    folder: Path
    say: Callable[[str], None]
    site: Callable[[], Site]


@dataclass(frozen=True)
class Bench:
    """One entry of the registry.

    Attributes:
        name: What `--only` takes.
        summary: One line for `--help`.
        run: Measures.
    """

    name: str
    summary: str
    run: Callable[[Context], Sequence[Row]]


def interleaved(
    contestants: Mapping[str, Callable[[], float]],
    repeats: int,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, list[float]]:
    """Measures all of them in turn, as often as asked (A B A B ...), after one warm-up each.

    So that whatever else the machine does meets all of them alike.

    Args:
        contestants: Each measures itself once and returns its number.
        repeats: Measurements of each.
        say: Shows progress.

    Returns:
        The numbers of each, in order.
    """
    for name, measure in contestants.items():
        say(f"warming up: {name}")
        measure()
    numbers: dict[str, list[float]] = {name: [] for name in contestants}
    for repeat in range(repeats):
        for name, measure in contestants.items():
            numbers[name].append(measure())
            say(f"{name}: {numbers[name][-1]:.4g} ({repeat + 1} of {repeats})")
    return numbers


def median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median of the ratios of measurements that were made one after the other."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def compared(
    what: str,
    unit: str,
    numbers: Mapping[str, Sequence[float]],
    ours: str,
    other: str,
    bar: Bar | None = None,
    *,
    turned: bool = False,
) -> Row:
    """The line that compares two contestants.

    Args:
        what: What was measured.
        unit: Of the numbers.
        numbers: From `interleaved`.
        ours: Which is ours.
        other: Which is the other.
        bar: On the ratio.
        turned: Whether the ratio is the other over ours: how many times faster, from seconds.
    """
    pair = (numbers[other], numbers[ours]) if turned else (numbers[ours], numbers[other])
    return Row(
        what,
        statistics.median(numbers[ours]),
        unit,
        other,
        statistics.median(numbers[other]),
        median_ratio(*pair),
        bar,
    )


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


P99: Final = 0.99
