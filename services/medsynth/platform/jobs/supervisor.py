"""Carries a job through one attempt: claim, child process, lease, outcome.

The supervisor is the only one that writes for the job, under the attempt that it claimed. It
renews the lease at a third of it, and kills the child before the lease can run out; so a job never
has two owners that write. A child that shows no sign of life is killed as well. It forwards
cancellations and the worker's shutdown, and ends the child with all that it started before it says
what became of the job.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final, TypeVar
from uuid import uuid4

from medsynth.errors import (
    AbortedError,
    MedsynthError,
    ResourceExhaustedError,
    UnavailableError,
    from_dict,
)
from medsynth.platform.jobs.channel import FINAL, pack, unpack
from medsynth.platform.jobs.kinds import ChildJob, parse_specification
from medsynth.platform.jobs.process import ChildProcess, Exited, Said
from medsynth.platform.jobs.progress import ProgressMeter
from medsynth.platform.jobs.record import Claim, JobRecord, state_name
from medsynth.platform.jobs.scratch import ScratchFolders
from medsynth.platform.jobs.store import JobStore
from medsynth.platform.telemetry import log_fields, with_log_fields
from medsynth.settings import Settings
from medsynth.v1 import jobs_pb2
from medsynth.v1.jobs_pb2 import JobState

T = TypeVar("T")

_PROGRESS_SECONDS: Final = 0.5
"""Progress is written at most so often; the last report always."""

_EXIT_SECONDS: Final = 10.0
"""A child that has said its last word has so long to end."""

_MAX_REPORTS: Final = 100
"""Messages that are kept while Redis does not answer."""

_MAX_TEXT: Final = 2000

_log = logging.getLogger(__name__)


class Observer:
    """Told what a supervisor does; telemetry overrides what it counts. Calls must not block."""

    def claimed(self, record: JobRecord, waited: float) -> None:
        """A job was claimed that had been ready for `waited` seconds."""

    def progressed(self, record: JobRecord, progress: jobs_pb2.Progress) -> None:
        """A job reported progress that was written."""

    def checkpointed(self, record: JobRecord) -> None:
        """A job can be resumed from where it is now."""

    def released(self, record: JobRecord, state: str) -> None:
        """An attempt is over; `state` is the job's next (`SUCCEEDED`, ...) or `LOST`."""


def redis_timeout(settings: Settings) -> float:
    """Seconds that one command of a supervisor may take, well within the lease."""
    return min(5.0, settings.lease_seconds / 10)


class Supervisor:
    """One slot: runs the jobs that it is told of, one after the other.

    Args:
        store: Its client should answer within `redis_timeout` and not retry.
        settings: Lease and grace.
        worker: Who claims, for people.
        observer: Told what happens.
        scratch: Where attempts get their scratch folders.
    """

    def __init__(
        self,
        store: JobStore,
        settings: Settings,
        *,
        worker: str,
        observer: Observer | None = None,
        scratch: ScratchFolders | None = None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._worker = worker
        self._observer = observer or Observer()
        self._scratch = scratch or ScratchFolders()
        self._stopping = False
        self._attempt: _Attempt | None = None

    def run(self, name: str) -> str:
        """Runs a job if it waits for a worker.

        Returns:
            The state that the job was left in, `LOST` if the lease was, or empty if there was
            nothing to do.
        """
        if self._stopping:
            self._announce_again(name)
            return ""
        token = uuid4().hex

        def take() -> tuple[float, Claim | None]:
            return time.monotonic(), self._store.claim(name, self._worker, token)

        claimed_at, claim = _insist(take, self._stopped)
        if claim is None:
            return ""
        with log_fields(job=name, attempt=claim.attempt, request_id=claim.record.request_id):
            return self._carry(claim, claimed_at)

    def stop(self) -> None:
        """Lets the child write a checkpoint and give the job back; claims nothing any more.

        May be called in a signal handler.
        """
        self._stopping = True
        attempt = self._attempt
        if attempt is not None:
            attempt.stop()

    def close(self) -> None:
        """Removes what the slot kept on this machine."""
        self._scratch.close()

    def _carry(self, claim: Claim, claimed_at: float) -> str:
        record = claim.record
        waited = time.time() - record.ready_time.timestamp()
        self._observer.claimed(record, max(waited, 0.0))
        _log.info("%s: attempt %d begins", claim.name, claim.attempt)
        self._attempt = attempt = _Attempt(
            self._store, self._settings, claim, claimed_at, self._observer
        )
        if self._stopping:
            attempt.stop()
        with ExitStack() as stack:
            try:
                scratch = stack.enter_context(self._scratch.attempt())
            except OSError as error:
                state = attempt.give_up(f"no scratch folder could be made: {error}")
            else:
                state = attempt.carry(str(scratch))
        self._attempt = None
        _log.info("%s: attempt %d leaves it %s", claim.name, claim.attempt, state)
        self._observer.released(record, state)
        return state

    def _stopped(self) -> bool:
        return self._stopping

    def _announce_again(self, name: str) -> None:
        kind = self._store.get(name).kind
        self._store.announce(kind.queue, name)


def _insist(act: Callable[[], T], give_up: Callable[[], bool]) -> T:
    """Repeats what Redis does not answer, until it does or there is no use in it."""
    pause = 0.05
    while True:
        try:
            return act()
        except (UnavailableError, ResourceExhaustedError) as error:
            if give_up():
                raise
            _log.warning("tried again in %.1f s: %s", pause, error)
            time.sleep(pause)
            pause = min(2 * pause, 2.0)


class _Stop:
    """The worker shuts down."""


class _Cancel:
    """The job is to be cancelled."""


class _Attempt:
    """One claimed job with its child."""

    def __init__(
        self,
        store: JobStore,
        settings: Settings,
        claim: Claim,
        claimed_at: float,
        observer: Observer,
    ) -> None:
        self._store = store
        self._settings = settings
        self._claim = claim
        self._observer = observer
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._over = threading.Event()
        self._lost = ""
        self._stop_asked = False
        self._stopping = False
        self._cancelling = False
        self._final: dict[str, Any] | None = None
        self._kill_at = float("inf")
        self._hangs_at = float("inf")
        self._hung = ""
        self._meter = ProgressMeter()
        self._unwritten: jobs_pb2.Progress | None = None
        self._written_at = float("-inf")
        self._refused = False
        self._unsaid: deque[str] = deque(maxlen=_MAX_REPORTS)
        self._renewed_at = claimed_at

    def stop(self) -> None:
        self._stop_asked = True
        self._inbox.put(_Stop())

    def give_up(self, reason: str) -> str:
        """Ends before there is a child: this machine cannot carry the job now."""
        _log.warning("%s: %s", self._claim.name, reason)
        return self._leave(lambda: self._store.lost(self._claim, reason))

    def carry(self, scratch: str) -> str:
        claim = self._claim
        try:
            self._child = ChildProcess(
                claim.record.kind.module,
                claim.name,
                self._inbox,
            )
        except OSError as error:
            return self.give_up(f"no child process could be started: {error}")
        keeper = threading.Thread(
            target=with_log_fields(self._keep), name=f"{claim.name} lease", daemon=True
        )
        try:
            keeper.start()
            self._child.channel.send("start", **self._introduction(scratch))
            self._lives()
            exited = self._attend()
            return self._conclude(exited)
        finally:
            self._child.kill()
            self._over.set()
            keeper.join()

    def _introduction(self, scratch: str) -> dict[str, Any]:
        record = self._claim.record
        return {
            "name": record.name,
            "kind": record.kind.name,
            "attempt": record.attempt,
            "message": record.kind.specification,
            "specification": pack(record.specification.SerializeToString(deterministic=True)),
            "scratch": scratch,
            "children": [
                {
                    "name": child.name,
                    "kind": child.kind.name,
                    "state": state_name(child.state),
                    "result": dict(child.result),
                    "error": child.error.to_dict() if child.error else None,
                }
                for child in self._claim.children
            ],
        }

    # The lease

    def _keep(self) -> None:
        """Renews the lease and looks for a cancellation; kills the child when the lease goes."""
        lease = self._settings.lease_seconds
        interval = min(1.0, lease / 6)
        # One more try could take two timeouts (to connect, and to get the answer).
        patience = lease - interval - 2 * redis_timeout(self._settings)
        while not self._over.wait(interval):
            if time.monotonic() - self._renewed_at > patience:
                self._lose("the lease could not be renewed in time")
                return
            try:
                state = self._look(time.monotonic() - self._renewed_at >= lease / 3)
            except AbortedError as error:
                self._lose(error.message)
                return
            except (UnavailableError, ResourceExhaustedError) as error:
                _log.warning("%s: the lease could not be renewed yet: %s", self._claim.name, error)
                continue
            except Exception:  # noqa: BLE001
                # Without this thread nobody would fence the child off.
                _log.exception("%s: the lease could not be renewed yet", self._claim.name)
                continue
            if state == JobState.JOB_STATE_CANCELLING:
                self._inbox.put(_Cancel())

    def _look(self, renew: bool) -> JobState:
        if not renew:
            return self._store.check(self._claim)
        began = time.monotonic()
        state = self._store.renew(self._claim)
        self._renewed_at = began
        return state

    def _lose(self, reason: str) -> None:
        _log.warning(
            "%s: attempt %d is fenced off: %s", self._claim.name, self._claim.attempt, reason
        )
        self._lost = reason
        self._child.kill()

    # The child

    def _attend(self) -> Exited:
        """Listens to the child until it has ended."""
        while True:
            item = self._next()
            if isinstance(item, Exited):
                return item
            if isinstance(item, Said):
                self._lives()
                self._hear(item.message)
            elif isinstance(item, _Stop) and not self._stopping:
                self._stopping = True
                self._tell_to_stop()
            elif isinstance(item, _Cancel) and not self._cancelling:
                self._cancelling = True
                self._tell_to_stop()
            self._write_reports(force=False)
            if time.monotonic() >= self._kill_at:
                _log.warning("%s: the child did not end in time and is killed", self._claim.name)
                self._kill_at = float("inf")
                self._child.kill()
            if item is None and time.monotonic() >= self._hangs_at:
                self._hangs_at = float("inf")
                self._hung = (
                    f"the child hung: no sign of life for {self._settings.hang_seconds:g} s"
                )
                _log.warning("%s: %s", self._claim.name, self._hung)
                self._child.kill()

    def _lives(self) -> None:
        if self._settings.hang_seconds > 0:
            self._hangs_at = time.monotonic() + self._settings.hang_seconds

    def _next(self) -> object:
        due = min(self._kill_at, self._hangs_at)
        if self._unwritten is not None or self._unsaid:
            due = min(due, self._written_at + _PROGRESS_SECONDS)
        timeout = None if due == float("inf") else max(due - time.monotonic(), 0.0)
        try:
            return self._inbox.get(timeout=timeout)
        except queue.Empty:
            return None

    def _tell_to_stop(self) -> None:
        self._child.channel.send("stop", cancel=self._cancelling)
        self._kill_at = min(self._kill_at, time.monotonic() + self._settings.yield_seconds)

    def _hear(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "progress":
            self._unwritten = self._meter.report(message, time.monotonic())
        elif kind == "checkpoint":
            self._observer.checkpointed(self._claim.record)
        elif kind == "message":
            self._unsaid.append(message["text"][:_MAX_TEXT])
        elif kind == "confirm":
            self._confirm()
        elif kind in FINAL:
            self._final = message
            self._kill_at = min(self._kill_at, time.monotonic() + _EXIT_SECONDS)

    def _confirm(self) -> None:
        try:
            state = _insist(lambda: self._look(renew=True), lambda: bool(self._lost))
        except MedsynthError as error:
            self._child.channel.send("refused", reason=error.message)
            return
        if state == JobState.JOB_STATE_CANCELLING:
            self._child.channel.send("refused", reason=f"{self._claim.name} is being cancelled")
        else:
            self._child.channel.send("confirmed")

    def _write_reports(self, *, force: bool) -> None:
        """Writes messages, and progress if it is due. What Redis does not take is kept."""
        due = time.monotonic() >= self._written_at + _PROGRESS_SECONDS
        try:
            while self._unsaid and (due or force or not self._refused):
                self._store.message(self._claim, self._unsaid[0])
                self._unsaid.popleft()
            progress = self._unwritten
            if progress is not None and (due or force):
                self._written_at = time.monotonic()
                self._store.progress(self._claim, progress)
                self._unwritten = None
                self._observer.progressed(self._claim.record, progress)
            self._refused = False
        except (UnavailableError, ResourceExhaustedError) as error:
            self._refused, self._written_at = True, time.monotonic()
            _log.warning("%s: a report is not written yet: %s", self._claim.name, error)
        except AbortedError as error:
            self._unsaid.clear()
            self._unwritten = None
            _log.warning("%s: a report is not written: %s", self._claim.name, error)

    # The outcome

    def _conclude(self, exited: Exited) -> str:
        # What a child finished is worth saying late: the attempt number fences it.
        if self._lost and self._final is None:
            return "LOST"
        self._write_reports(force=True)
        return self._leave(lambda: self._transition(exited))

    def _leave(self, act: Callable[[], JobState]) -> str:
        """Makes the last transition."""
        try:
            return state_name(_insist(act, lambda: self._stop_asked))
        except MedsynthError as error:
            _log.warning("%s: the outcome was not written: %s", self._claim.name, error)
            return "LOST"

    def _transition(self, exited: Exited) -> JobState:
        store, claim, final = self._store, self._claim, self._final or {}
        kind = final.get("type")
        if kind == "done":
            store.succeed(claim, final["result"])
            return JobState.JOB_STATE_SUCCEEDED
        if kind == "failed":
            return store.fail(claim, from_dict(final["error"]))
        if kind == "wait":
            return store.wait(claim, [self._child_job(child) for child in final["children"]])
        if kind == "broke":
            return store.lost(claim, final["reason"])
        if self._stopping and (kind == "yielded" or exited.status < 0):
            return store.yield_(claim, "worker shuts down")
        if kind == "yielded" and self._cancelling:
            return store.lost(claim, "")
        if kind == "yielded":
            return store.lost(claim, "the child yielded without being asked")
        return store.lost(claim, self._hung or str(exited))

    def _child_job(self, message: dict[str, Any]) -> ChildJob:
        kind = self._store.kinds[message["kind"]]
        specification = parse_specification(kind.specification, unpack(message["specification"]))
        return ChildJob(kind.name, specification, message["share_key"])
