"""The outcome of a run, for people and for programs."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from tests.chaos.run import Outcome


def document(outcome: Outcome) -> dict[str, Any]:
    """Everything, for programs."""
    return {
        "seed": outcome.seed,
        "seconds": outcome.seconds,
        "faults": dict(sorted(outcome.faults.items())),
        "idle": dict(sorted(outcome.idle.items())),
        "jobs": {f"{kind} {state}": n for (kind, state), n in sorted(outcome.jobs.items())},
        "acknowledged": outcome.acknowledged,
        "attempts": outcome.attempts,
        "lost": list(outcome.lost),
    }


def show(outcome: Outcome, console: Console) -> None:
    """Prints two tables and what was lost."""
    faults = Table("fault", "injected", "found nothing", title="Faults by kind")
    for fault in sorted(outcome.faults.keys() | outcome.idle.keys()):
        faults.add_row(fault, str(outcome.faults[fault]), str(outcome.idle[fault] or ""))
    faults.add_row("all", str(outcome.faults.total()), str(outcome.idle.total()), style="bold")
    console.print(faults)

    states = sorted({state for _, state in outcome.jobs})
    jobs = Table("kind", *states, title="Jobs by kind and state")
    for kind in sorted({kind for kind, _ in outcome.jobs}):
        jobs.add_row(kind, *(str(outcome.jobs[kind, state] or "") for state in states))
    console.print(jobs)

    console.print(
        f"seed {outcome.seed}: {outcome.jobs.total()} jobs in {outcome.attempts} attempts, "
        f"{outcome.acknowledged} of them promised to clients",
        soft_wrap=True,
    )
    console.print(f"lost: {len(outcome.lost)}", style="bold red" if outcome.lost else "bold green")
    for sentence in outcome.lost:
        console.print(f"  {sentence}", soft_wrap=True, markup=False)
