from __future__ import annotations

from typing import Any

import pytest

from medsynth.platform.jobs.progress import ProgressMeter


def report(done: int, phase: str = "") -> dict[str, Any]:
    return {"done": done, "total": 100, "unit": "steps", "phase": phase, "metrics": {"loss": 2.0}}


def test_rate_and_seconds_left() -> None:
    meter = ProgressMeter()
    first = meter.report(report(10), 0.0)
    assert (first.rate, first.seconds_left) == (0, 0)
    second = meter.report(report(20), 5.0)
    assert second.rate == pytest.approx(2)
    assert second.seconds_left == pytest.approx(40)
    assert (second.done, second.total, second.unit) == (20, 100, "steps")
    assert dict(second.metrics) == {"loss": 2.0}


def test_the_rate_is_that_of_the_last_seconds() -> None:
    meter = ProgressMeter()
    for second in range(100):
        meter.report(report(0), float(second))
    fast = [meter.report(report(done), 100.0 + done) for done in range(1, 30)]
    assert fast[-1].rate == pytest.approx(1)


def test_the_rate_begins_anew_with_a_phase_and_when_done_falls() -> None:
    meter = ProgressMeter()
    meter.report(report(0), 0.0)
    assert meter.report(report(50), 1.0).rate == 50
    assert meter.report(report(1, "evaluating"), 2.0).rate == 0
    meter.report(report(90, "evaluating"), 3.0)
    assert meter.report(report(80, "evaluating"), 4.0).rate == 0


def test_what_is_done_takes_no_time() -> None:
    meter = ProgressMeter()
    meter.report(report(0), 0.0)
    assert meter.report(report(100), 1.0).seconds_left == 0
