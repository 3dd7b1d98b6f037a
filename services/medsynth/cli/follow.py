"""Waits for a job and shows its progress and that of the jobs that it waits for."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

from medsynth.cli.exits import InterruptedWaitError, JobNotSucceededError
from medsynth.cli.progress import Display, make_display
from medsynth.cli.waiting import why_it_waits
from medsynth.errors import MedsynthError

if TYPE_CHECKING:
    from medsynth.client import Client, Job
    from medsynth.v1.jobs_pb2 import JobEvent

    News: TypeAlias = tuple[str, JobEvent | MedsynthError | None]

J = TypeVar("J", bound="Job")

_PATIENCE_SECONDS = 5.0


def follow(
    client: Client, job: J, display: Display | None = None, patience: float = _PATIENCE_SECONDS
) -> J:
    """Waits until a job has ended.

    Args:
        client: Where the job is. It is closed if the wait is interrupted.
        job: The job.
        display: Where progress is shown. None: as fits stderr.
        patience: Seconds without news after which it is said why a job that is queued waits.

    Returns:
        The job, which has succeeded.

    Raises:
        JobNotSucceededError: It failed or was cancelled.
        InterruptedWaitError: Ctrl-C; the job goes on.
    """
    from medsynth.client import error_of

    shown = display or make_display()
    try:
        _show(client, job, shown, patience)
        ended = client.job(job.name)
    except KeyboardInterrupt as interrupt:
        raise InterruptedWaitError([job.name]) from interrupt
    finally:
        shown.close()
    error = error_of(ended)
    if error is not None:
        raise JobNotSucceededError(job.name, error)
    return cast(J, ended)


def _show(client: Client, job: Job, display: Display, patience: float) -> None:
    """Feeds the display from one thread for each job until the first job's events end."""
    news: queue.SimpleQueue[News] = queue.SimpleQueue()
    watched: set[str] = set()
    queued: dict[str, str] = {}

    def watch(name: str) -> None:
        try:
            for event in client.watch(name):
                news.put((name, event))
            news.put((name, None))
        except MedsynthError as error:
            news.put((name, error))

    def begin(name: str) -> None:
        if name not in watched:
            watched.add(name)
            display.add(name, kind_of(name))
            threading.Thread(target=watch, args=(name,), daemon=True).start()

    from medsynth.client import has_ended
    from medsynth.v1 import jobs_pb2

    begin(job.name)
    while True:
        try:
            name, event = news.get(timeout=patience)
        except queue.Empty:
            for waiting, told in queued.items():
                reason = why_it_waits(client, waiting)
                if reason not in ("", told):
                    display.event(waiting, jobs_pb2.JobEvent(message=reason))
                    queued[waiting] = reason
            continue
        if isinstance(event, MedsynthError):
            # A child may be deleted while it is watched; the job itself says what became of it.
            if name == job.name:
                raise event
        elif event is None:
            if name == job.name:
                return
        else:
            display.event(name, event)
            if event.WhichOneof("event") != "state_change":
                continue
            if event.state_change.to == jobs_pb2.JOB_STATE_QUEUED:
                queued[name] = ""
            else:
                queued.pop(name, None)
            if event.state_change.to == jobs_pb2.JOB_STATE_WAITING:
                for child in client.job(name).status.children:
                    if child not in watched and not has_ended(client.job(child)):
                        begin(child)


def kind_of(job: str) -> str:
    """`synthetic dataset` for a job named `syntheticDatasetJobs/...`."""
    collection = job.partition("/")[0].removesuffix("Jobs")
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in collection)
