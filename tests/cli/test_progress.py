from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest

from medsynth.cli.progress import Bars, Lines, amount, rate, time_left
from medsynth.v1.jobs_pb2 import JobEvent, JobState, Progress, StateChange

HALF = Progress(
    done=25_000,
    total=50_000,
    unit="images",
    rate=312.5,
    seconds_left=80,
    phase="U-Net on real (1 of 4)",
)


def change(state: str) -> JobEvent:
    return JobEvent(state_change=StateChange(to=JobState.Value(f"JOB_STATE_{state}")))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Terminal]:
    """Makes stderr a terminal; pytest takes stderr back between fixtures and tests."""

    def make() -> Terminal:
        made = Terminal()
        monkeypatch.setattr(sys, "stderr", made)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "120")
        return made

    return make


def test_progress_for_people() -> None:
    assert amount(HALF) == "25,000 of 50,000 images"
    assert rate(HALF) == "312 images/s"
    assert time_left(HALF) == "1:20 left"
    assert rate(Progress(rate=0.25, unit="steps")) == "0.25 steps/s"
    assert (rate(Progress()), time_left(Progress())) == ("", "")
    assert amount(Progress(done=3)) == "3"
    assert time_left(Progress(seconds_left=7260)) == "2:01:00 left"


def test_lines_are_few_and_the_last_is_among_them(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.add("trainingJobs/t", "training")
    for done in range(1, 1001):
        progress = Progress(done=done, total=1000, unit="images")
        lines.event("trainingJobs/t", JobEvent(progress=progress))
    printed = capsys.readouterr().err.splitlines()
    assert printed[0] == "trainingJobs/t  1 of 1,000 images"
    assert printed[-1] == "trainingJobs/t  1,000 of 1,000 images"
    assert len(printed) < 10


def test_lines_of_one_job_do_not_hide_those_of_another(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = Lines()
    for job in ("trainingJobs/t", "preparationJobs/p"):
        lines.event(job, JobEvent(progress=HALF))
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_line_says_why_the_state_changed(capsys: pytest.CaptureFixture[str]) -> None:
    event = change("RECOVERING")
    event.state_change.reason = "lease ran out"
    Lines().event("trainingJobs/t", event)
    assert capsys.readouterr().err == "trainingJobs/t  recovering (lease ran out)\n"


def test_bars_show_amount_rate_and_time_left(terminal: Callable[[], Terminal]) -> None:
    screen = terminal()
    bars = Bars()
    bars.add("evaluationJobs/e", "evaluation")
    bars.event("evaluationJobs/e", change("RUNNING"))
    bars.event("evaluationJobs/e", JobEvent(progress=HALF))
    bars.event("evaluationJobs/e", JobEvent(message="[patient007] left out"))
    bars.close()
    shown = screen.getvalue()
    assert "evaluation: U-Net on real (1 of 4)" in shown
    assert "25,000 of 50,000 images" in shown
    assert "312 images/s" in shown
    assert "1:20 left" in shown
    assert "[patient007] left out" in shown


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED", "CANCELLED", "WAITING"])
def test_bars_end_with_the_state_of_the_job(terminal: Callable[[], Terminal], state: str) -> None:
    screen = terminal()
    bars = Bars()
    bars.add("trainingJobs/t", "training")
    bars.event("trainingJobs/t", change(state))
    bars.close()
    assert f"training: {state.lower()}" in screen.getvalue()
    assert ("✓" in screen.getvalue()) == (state == "SUCCEEDED")
