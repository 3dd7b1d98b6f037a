"""`medsynth jobs ...`: jobs of every kind."""

from __future__ import annotations

from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from medsynth.cli.flags import Json, examples

if TYPE_CHECKING:
    from medsynth.client import Job

app = typer.Typer(no_args_is_help=True, help="Jobs of every kind: what runs, ran or waits.")

Name = Annotated[
    str, typer.Argument(metavar="JOB", help="trainingJobs/ID (or another kind), or the ID alone.")
]


class Kind(StrEnum):
    """The kinds of jobs, as a flag takes them."""

    PREPARATION = "preparation"
    INSPECTION = "inspection"
    TRAINING = "training"
    SYNTHETIC_DATASET = "synthetic-dataset"
    EVALUATION = "evaluation"

    @property
    def collection(self) -> str:
        """First part of the names of such jobs."""
        first, *rest = self.value.split("-")
        return first + "".join(word.capitalize() for word in rest) + "Jobs"


class State(StrEnum):
    """The states of jobs, as a flag takes them."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    RECOVERING = "recovering"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@app.command("list")
@examples(
    "medsynth jobs list --kind training --state running --state queued",
)
def list_jobs(
    kind: Annotated[list[Kind] | None, typer.Option(help="Only these kinds.")] = None,
    state: Annotated[list[State] | None, typer.Option(help="Only in these states.")] = None,
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=100_000, help="The newest so many.")
    ] = 20,
    as_json: Json = False,
) -> None:
    """List jobs, newest first."""
    from medsynth.cli.connect import connect
    from medsynth.cli.output import emit, local_time, remark, state_name, table, to_json
    from medsynth.v1.jobs_pb2 import JobState

    states = [JobState.Value(f"JOB_STATE_{chosen.name}") for chosen in state or []]
    with connect() as client:
        collections = [chosen.collection for chosen in kind or []]
        found = list(islice(client.jobs(collections, states), limit))
    if as_json:
        emit({"jobs": [to_json(job) for job in found]})
        return
    if not found:
        remark("no jobs")
        return
    rows = [
        (job.name, state_name(job.status.state), _progress(job), local_time(job.status.create_time))
        for job in found
    ]
    table(("job", "state", "progress", "created"), rows)


@app.command("show")
@examples(
    "medsynth jobs show trainingJobs/0a1b2c",
)
def show(name: Name, as_json: Json = False) -> None:
    """Show a job: its state, what was asked for with every default, and what came of it.

    For one that waits in a queue it says what for.
    """
    from medsynth.cli.connect import connect
    from medsynth.cli.output import details, emit, remark, to_json
    from medsynth.cli.waiting import why_it_waits

    with connect() as client:
        job = client.job(name)
        reason = "" if as_json else why_it_waits(client, job.name)
    if as_json:
        emit(to_json(job))
        return
    details(to_json(job))
    if reason:
        remark(f"{job.name}  {reason}")


@app.command("watch")
@examples(
    "medsynth jobs watch trainingJobs/0a1b2c",
)
def watch(name: Name, as_json: Json = False) -> None:
    """Follow a job until it ends; exits 3 if it failed, 4 if it was cancelled."""
    from medsynth.cli.connect import connect
    from medsynth.cli.follow import follow
    from medsynth.cli.output import emit, say, to_json

    with connect() as client:
        job = follow(client, client.job(name))
    if as_json:
        emit(to_json(job))
    else:
        say(_made(job) or job.name)


@app.command("cancel")
@examples(
    "medsynth jobs cancel trainingJobs/0a1b2c",
)
def cancel(name: Name, as_json: Json = False) -> None:
    """Ask a job to stop. One that has ended stays as it is."""
    from medsynth.cli.connect import connect
    from medsynth.cli.output import emit, say, state_name, to_json

    with connect() as client:
        job = client.cancel(name)
    if as_json:
        emit(to_json(job))
    else:
        say(f"{job.name} {state_name(job.status.state).lower()}")


@app.command("delete")
@examples(
    "medsynth jobs delete trainingJobs/0a1b2c",
)
def delete(name: Name, as_json: Json = False) -> None:
    """Delete the record of a job that has ended. What it made stays."""
    from medsynth.cli.connect import connect
    from medsynth.cli.output import emit, say

    with connect() as client:
        full_name = name if "/" in name else client.job(name).name
        client.delete_job(full_name)
    if as_json:
        emit({"deleted": full_name})
    else:
        say(f"{full_name} deleted")


def print_detached(job: Job, as_json: bool) -> None:
    """Prints a job that was started and is not waited for."""
    from medsynth.cli.output import emit, remark, say, state_name

    if as_json:
        emit({"job": job.name, "state": state_name(job.status.state)})
        return
    say(job.name)
    remark(f"follow it:  medsynth jobs watch {job.name}")
    remark(f"cancel it:  medsynth jobs cancel {job.name}")


def _progress(job: Job) -> str:
    from medsynth.cli.progress import amount, time_left

    progress = job.status.progress
    parts = (amount(progress) if progress.total else "", time_left(progress))
    return ", ".join(part for part in parts if part)


def _made(job: Job) -> str:
    for field in ("generator", "dataset", "inspection", "report", "uri"):
        if field in job.DESCRIPTOR.fields_by_name:
            return str(getattr(job, field))
    return ""
