"""The worker: takes the hints of one queue and runs one job at a time.

    python -m medsynth.platform.jobs.worker --queue gpu|light

Celery with one thread as its pool, so that the supervisor lives in the process that gets the
signals. SIGTERM lets the job write a checkpoint and go back to its queue. The process never
imports torch: jobs run in children.
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from celery import bootsteps, signals

from medsynth.errors import MedsynthError
from medsynth.platform.jobs.announce import TASK, make_app
from medsynth.platform.jobs.connection import connect
from medsynth.platform.jobs.kinds import KINDS, QUEUES, JobKind, load_kinds
from medsynth.platform.jobs.metrics import WorkerMetrics
from medsynth.platform.jobs.store import JobStore
from medsynth.platform.jobs.supervisor import Observer, Supervisor, redis_timeout
from medsynth.platform.telemetry import set_up_logging, start_metrics
from medsynth.settings import Settings, get_settings

_LOOK_SECONDS: Final = 0.1

_log = logging.getLogger(__name__)


class _LookOften(bootsteps.StartStopStep):  # type: ignore[misc]
    """Makes the worker look for the next hint soon after a job has ended.

    Celery's loop sleeps for up to a second unless something happens on a connection or a timer is
    due, and the end of a job is neither. An idle worker needs no timer: Redis wakes it.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:
        """Called again after each loss of the connection, which clears the timers."""
        consumer.timer.call_repeatedly(_LOOK_SECONDS, lambda: None)


def run_worker(
    queue: str,
    settings: Settings,
    *,
    kinds: Mapping[str, JobKind] = KINDS,
    observer: Observer | None = None,
    on_ready: Callable[[], object] = lambda: None,
) -> int:
    """Works until SIGTERM or SIGINT.

    Args:
        queue: `gpu` or `light`.
        settings: Redis, lease, grace.
        kinds: The kinds of jobs that exist.
        observer: Told what happens, for telemetry.
        on_ready: Called once the worker takes jobs.

    Returns:
        The exit status of the process.
    """
    name = f"{queue}@{socket.gethostname()}-{os.getpid()}"
    client = connect(settings.redis_url, timeout=redis_timeout(settings), retries=0)
    store = JobStore(client, settings, kinds=kinds)
    supervisor = Supervisor(store, settings, worker=name, observer=observer)
    app = make_app(settings.redis_url)

    def work(job: str) -> None:
        try:
            supervisor.run(job)
        except MedsynthError as error:
            _log.warning("%s was not run: %s", job, error)

    app.task(name=TASK)(work)
    app.steps["consumer"].add(_LookOften)

    # Signals hold their receivers weakly: these live as long as this function.
    def stop(**_: object) -> None:
        supervisor.stop()

    def ready(**_: object) -> None:
        _log.info("%s is ready", name)
        on_ready()

    def keep_logging(**_: object) -> None:
        """Celery sets up no logging of its own where a receiver is connected."""

    signals.worker_shutting_down.connect(stop)
    signals.worker_ready.connect(ready)
    signals.setup_logging.connect(keep_logging)
    worker = app.Worker(
        hostname=name,
        pool="threads",
        concurrency=1,
        queues=[queue],
        quiet=True,
        task_events=False,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    try:
        worker.start()
    finally:
        supervisor.close()
    return int(worker.exitcode or 0)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Runs the jobs of one queue, one at a time.")
    parser.add_argument("--queue", choices=QUEUES, required=True)
    parser.add_argument(
        "--kinds",
        default="",
        metavar="MODULE:NAME",
        help="the kinds of jobs that exist (default: medsynth's own)",
    )
    options = parser.parse_args(arguments)
    settings = get_settings()
    set_up_logging(settings, f"worker-{options.queue}")
    kinds = load_kinds(options.kinds) if options.kinds else KINDS
    return run_worker(
        options.queue,
        settings,
        kinds=kinds,
        observer=WorkerMetrics(),
        # Whoever waits for a worker asks for its metrics: they are there once it takes jobs.
        # (A worker gets ready again after each loss of the connection.)
        on_ready=cache(lambda: start_metrics(settings.metrics_address)),
    )


if __name__ == "__main__":
    sys.exit(main())
