"""From what a child says about its progress to what the record shows: rate and seconds left."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from medsynth.v1 import jobs_pb2

_WINDOW: Final = 15.0
"""Seconds over which the rate is taken."""


class ProgressMeter:
    """Keeps the last reports of one attempt.

    The rate begins anew with each phase, each unit, and whenever `done` falls.
    """

    def __init__(self) -> None:
        self._points: deque[tuple[float, int]] = deque()
        self._series: tuple[str, str] = ("", "")

    def report(self, message: Mapping[str, Any], now: float) -> jobs_pb2.Progress:
        """Takes one report.

        Args:
            message: `done`, `total`, `unit`, `phase` and `metrics`.
            now: Monotonic time in seconds.

        Returns:
            The same with units a second (0: not known) and seconds left (0: not known, or done).
        """
        done, total = message["done"], message["total"]
        series = (message["unit"], message["phase"])
        if series != self._series or (self._points and done < self._points[-1][1]):
            self._points.clear()
            self._series = series
        self._points.append((now, done))
        while len(self._points) > 2 and self._points[0][0] < now - _WINDOW:
            self._points.popleft()
        first_time, first_done = self._points[0]
        elapsed = now - first_time
        rate = (done - first_done) / elapsed if elapsed > 0 else 0.0
        left = max(total - done, 0) / rate if rate > 0 else 0.0
        return jobs_pb2.Progress(
            done=done,
            total=total,
            unit=message["unit"],
            rate=rate,
            seconds_left=left,
            phase=message["phase"],
            metrics=message["metrics"],
        )
