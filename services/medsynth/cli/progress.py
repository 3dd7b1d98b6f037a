"""Progress of jobs on stderr: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Protocol

from medsynth.cli.output import duration, error_console, remark, state_name

if TYPE_CHECKING:
    from rich.progress import TaskID

    from medsynth.v1.jobs_pb2 import JobEvent, Progress

_LINE_SECONDS = 5.0
_RUNNING = "RUNNING"


class Display(Protocol):
    """Shows what happens to jobs."""

    def add(self, job: str, title: str, state: str = "QUEUED") -> None:
        """Begins to show a job, or other work.

        Args:
            job: Name that its events are shown under.
            title: What it is, in a word or two.
            state: State that it is in.
        """

    def event(self, job: str, event: JobEvent) -> None:
        """Shows an event of a job that was added."""

    def close(self) -> None:
        """Ends the display; what it shows stays."""


def make_display() -> Display:
    """Bars if stderr is a terminal, else lines."""
    return Bars() if sys.stderr.isatty() else Lines()


def amount(progress: Progress) -> str:
    """`1,200 of 50,000 images`."""
    total = f" of {progress.total:,}" if progress.total else ""
    return f"{progress.done:,}{total} {progress.unit}".rstrip()


def rate(progress: Progress) -> str:
    """`310 images/s`, or nothing while it is not known."""
    if progress.rate <= 0:
        return ""
    shown = f"{progress.rate:,.0f}" if progress.rate >= 10 else f"{progress.rate:.2g}"
    return f"{shown} {progress.unit}/s"


def time_left(progress: Progress) -> str:
    """`4:05 left`, or nothing while it is not known."""
    return f"{duration(progress.seconds_left)} left" if progress.seconds_left > 0 else ""


class Lines:
    """A line for each change of state and each message, and for a job's progress now and then."""

    def __init__(self) -> None:
        self._next_line: dict[str, float] = {}
        self._complete: set[str] = set()

    def add(self, job: str, title: str, state: str = "QUEUED") -> None:
        """Nothing: the job's first event says it."""

    def event(self, job: str, event: JobEvent) -> None:
        """Prints the event, unless it is progress and the last line is too fresh."""
        kind = event.WhichOneof("event")
        if kind == "state_change":
            change = event.state_change
            reason = f" ({change.reason})" if change.reason else ""
            remark(f"{job}  {state_name(change.to).lower()}{reason}")
        elif kind == "message":
            remark(f"{job}  {event.message}")
        elif kind == "progress" and self._is_due(job, event.progress):
            progress = event.progress
            parts = (progress.phase, amount(progress), rate(progress), time_left(progress))
            remark("  ".join((job, *(part for part in parts if part))))

    def close(self) -> None:
        """Nothing is left to do."""

    def _is_due(self, job: str, progress: Progress) -> bool:
        """Every few seconds, and once more for the end."""
        now = time.monotonic()
        ends = 0 < progress.total <= progress.done and job not in self._complete
        if not ends and now < self._next_line.get(job, 0.0):
            return False
        if ends:
            self._complete.add(job)
        self._next_line[job] = now + _LINE_SECONDS
        return True


class Bars:
    """A bar for each job, with amount, rate and time left as the services report them."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
        from rich.table import Column

        # The terminal is narrow and the words matter more than the bar.
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=6)),
            TextColumn("{task.fields[amount]}", table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[rate]}", table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[left]}", table_column=Column(no_wrap=True)),
            console=error_console(),
            expand=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._titles: dict[str, str] = {}
        self._states: dict[str, str] = {}
        self._progress.start()

    def add(self, job: str, title: str, state: str = "QUEUED") -> None:
        """Begins a bar."""
        self._titles[job], self._states[job] = title, state
        self._tasks[job] = self._progress.add_task(
            self._title(job), total=None, amount="", rate="", left=""
        )

    def event(self, job: str, event: JobEvent) -> None:
        """Moves the job's bar, or prints the message above the bars."""
        task = self._tasks[job]
        kind = event.WhichOneof("event")
        if kind == "message":
            self._progress.console.print(f"{job}  {event.message}", markup=False)
        elif kind == "state_change":
            state = self._states[job] = state_name(event.state_change.to)
            self._progress.update(task, description=self._title(job), rate="", left="")
            if state == "SUCCEEDED":
                self._progress.update(task, total=1.0, completed=1.0)
            elif state in ("FAILED", "CANCELLED"):
                self._progress.stop_task(task)
        elif kind == "progress":
            progress = event.progress
            self._progress.update(
                task,
                description=self._title(job, progress.phase),
                total=float(progress.total) or None,
                completed=float(progress.done),
                amount=amount(progress),
                rate=rate(progress),
                left=time_left(progress),
            )

    def close(self) -> None:
        """Leaves the bars as they are."""
        self._progress.stop()

    def _title(self, job: str, phase: str = "") -> str:
        state = self._states[job]
        title = self._titles[job]
        if state == _RUNNING:
            return f"{title}: {phase}" if phase and phase != title else title
        return f"{title}: {state.lower()}"
