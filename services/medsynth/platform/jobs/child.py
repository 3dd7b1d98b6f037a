"""What runs in a job's child process.

A module that runs jobs ends with `run({kind: function, ...})` and is started by a worker, as
`python -m MODULE NAME FD`. The function gets a `JobContext` and returns `Done`, `WaitFor` or
`Yielded`; a `MedsynthError` that it raises ends the job as FAILED, save for two: an
`UnavailableError` is tried again later (and counted, as crashes are), and an `AbortedError` after
the child was told to stop is the same as `Yielded`. Full disks, read-only storage and exhausted
memory become such errors (`medsynth.platform.faults`); on a full disk a job that has something to
resume from rests and is tried again.

The child holds no connection to Redis: everything passes through the worker's supervisor, so that
a child whose worker lost the lease cannot write anything. When the pipe closes, the worker is
gone, and the child kills itself.
"""

from __future__ import annotations

import ctypes
import faulthandler
import logging
import os
import queue
import shutil
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn
from uuid import uuid4

from fsspec.implementations.local import LocalFileSystem

from medsynth.errors import (
    AbortedError,
    FailedPreconditionError,
    MedsynthError,
    UnavailableError,
    from_dict,
)
from medsynth.platform.faults import DISK_FULL, machine_error
from medsynth.platform.jobs.channel import ALIVE, LOG_FORMAT, Channel, pack, unpack
from medsynth.platform.jobs.gpu_memory import gpu_memory
from medsynth.platform.jobs.kinds import FOLDERS, ChildJob, parse_specification
from medsynth.platform.jobs.liveness import Liveness
from medsynth.settings import Settings, get_settings
from medsynth.storage import Artifact, Draft, Storage

__all__ = ["ChildJob", "ChildResult", "Done", "JobContext", "WaitFor", "Yielded", "run"]

_PR_SET_PDEATHSIG: Final = 1
_ORPHANED: Final = 70
_CHECKPOINTS: Final = "checkpoints"
_PULSE_SECONDS: Final = 15.0


@dataclass(frozen=True)
class Done:
    """The job has succeeded. `result` is what its resource shows: names and digests."""

    result: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class WaitFor:
    """The job goes on, from its beginning, once these have ended. At least one."""

    children: Sequence[ChildJob]


@dataclass(frozen=True)
class Yielded:
    """The job stopped because it was told to, and can resume from where it is."""


Function = Callable[["JobContext"], Done | WaitFor | Yielded]


@dataclass(frozen=True)
class ChildResult:
    """A job that this one waited for, and what it made."""

    name: str
    kind: str
    result: Mapping[str, str]


class JobContext:
    """What a job's function knows and may do.

    Attributes:
        name: `trainingJobs/{id}`.
        kind: Name of the job's kind.
        attempt: Number of the attempt, from 1.
        attempt_name: Name for what the attempt writes, unlike that of any other.
        specification: What is to be done, with every default filled in: the kind's message.
        settings: The operator's settings.
        storage: Where artifacts are.
        scratch: An empty local folder that is removed after the attempt.
    """

    def __init__(self, channel: Channel, start: Mapping[str, Any], settings: Settings) -> None:
        self.name: str = start["name"]
        self.kind: str = start["kind"]
        self.attempt: int = start["attempt"]
        self.attempt_name = f"a{self.attempt}-{uuid4().hex[:8]}"
        self.specification: Any = parse_specification(
            start["message"], unpack(start["specification"])
        )
        self.settings = settings
        self.storage = Storage(settings.storage)
        self.scratch = Path(start["scratch"])
        self._children: list[dict[str, Any]] = start["children"]
        self._channel = channel
        self._stop = threading.Event()
        self._cancelled = False
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._confirming = threading.Lock()

    @property
    def work_folder(self) -> Path:
        """Folder for what outlives the attempt, such as checkpoints; the job's own.

        It lies in the storage, in `jobs/{id}`. On a storage that is no file system of this
        machine it lies in the home folder instead, and is found again by attempts on this
        machine alone.
        """
        folder = self._work_place()
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def checkpoints(self) -> Path:
        """Folder in the work folder for what took hours to make: `rest` spares it."""
        return self.work_folder / _CHECKPOINTS

    def _work_place(self) -> Path:
        parts = (FOLDERS, self.name.partition("/")[2])
        if isinstance(self.storage.fs, LocalFileSystem):
            return Path(self.storage.join(*parts))
        return self.settings.home.joinpath("work", *parts)

    def progress(
        self,
        done: int,
        total: int,
        unit: str,
        metrics: Mapping[str, float] | None = None,
        phase: str = "",
    ) -> None:
        """Says how far the job is. May be called as often as is convenient.

        Args:
            done: In `unit`, 0 to `total`.
            total: In `unit`.
            unit: `images`, `volumes` or `steps`.
            metrics: Last value of each scalar. The memory of a GPU is added where one is used.
            phase: What the job does now, for people.
        """
        values = {key: float(value) for key, value in (metrics or {}).items()} | gpu_memory()
        self._channel.send(
            "progress", done=int(done), total=int(total), unit=unit, metrics=values, phase=phase
        )

    def checkpointed(self) -> None:
        """Says that the job can be resumed from where it is now."""
        self._channel.send("checkpoint")

    def message(self, text: str) -> None:
        """Adds a sentence for people to the job's events."""
        self._channel.send("message", text=text)

    def stop_requested(self) -> bool:
        """Whether to write a checkpoint and return `Yielded` soon: a shutdown or a cancellation."""
        return self._stop.is_set()

    def confirm(self) -> None:
        """Makes sure that this attempt still holds the job, before something final.

        Raises:
            AbortedError: It does not, or the job is being cancelled.
        """
        with self._confirming:
            self._channel.send("confirm")
            answer = self._answers.get()
        if answer["type"] == "refused":
            raise AbortedError(answer["reason"], reason="LEASE_LOST")

    def publish(self, draft: Draft, metadata: Mapping[str, Any]) -> Artifact:
        """Publishes an artifact, if this attempt still holds the job.

        Raises:
            AbortedError: It does not, or another attempt published something else.
        """
        self.confirm()
        return self.storage.publish(draft, metadata)

    def rest(self, error: MedsynthError) -> bool:
        """Rests where the disk is full and the job would lose what it can resume from.

        A job without checkpoints fails at once instead, and gives back the room that it took in
        its work folder. So does every job with any other error, which keeps it.

        Returns:
            Whether the job should have another attempt.
        """
        if error.reason != DISK_FULL:
            return False
        kept = (self._work_place() / _CHECKPOINTS).rglob("*")
        if not any(path.is_file() for path in kept):
            shutil.rmtree(self._work_place(), ignore_errors=True)
            return False
        seconds = self.settings.full_disk_seconds
        self.message(f"{error.message}. Tried again in {seconds:g} s, from the last checkpoint")
        self._stop.wait(seconds)
        return True

    def child_results(self, kind: str) -> list[ChildResult]:
        """What the jobs of a kind that this one waited for have made, in the order of asking.

        Raises:
            MedsynthError: One of them failed: its error.
            FailedPreconditionError: One of them was cancelled.
        """
        results = []
        for child in self._children:
            if child["kind"] != kind:
                continue
            if child["state"] == "FAILED":
                raise from_dict(child["error"])
            if child["state"] != "SUCCEEDED":
                raise FailedPreconditionError(
                    f"{child['name']}, which this job needs, was cancelled",
                    reason="CHILD_CANCELLED",
                    metadata={"name": child["name"]},
                )
            results.append(ChildResult(child["name"], kind, child["result"]))
        return results

    def _pulse(self, thread: int, interval: float) -> None:
        """Says that the function's thread lives, as long as it does."""
        liveness = Liveness(thread)
        pause = threading.Event()
        while not pause.wait(interval):
            if liveness.seen():
                self._channel.send(ALIVE)

    def _listen(self) -> None:
        for message in self._channel.messages():
            if message["type"] == "stop":
                self._cancelled = self._cancelled or message["cancel"]
                self._stop.set()
            else:
                self._answers.put(message)
        _die()


def _die() -> NoReturn:
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(_ORPHANED)


def _die_with_worker() -> None:
    """Asks the kernel for a SIGKILL at the worker's death, in case no Python code runs then."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _outcome(context: JobContext, functions: Mapping[str, Function]) -> dict[str, Any]:
    """Runs the job's function. Returns the child's last message."""
    try:
        result = functions[context.kind](context)
    except Exception as error:
        places = f"{context.storage.root} or {context.scratch}"
        known = error if isinstance(error, MedsynthError) else machine_error(error, places)
        if known is None:
            raise
        if isinstance(known, AbortedError) and context.stop_requested():
            return {"type": "yielded"}
        traceback.print_exc()
        if isinstance(known, AbortedError | UnavailableError):
            return {"type": "broke", "reason": known.message}
        if not context.rest(known):
            return {"type": "failed", "error": known.to_dict()}
        if context.stop_requested():
            return {"type": "yielded"}
        return {"type": "broke", "reason": known.message}
    if isinstance(result, Done):
        return {"type": "done", "result": dict(result.result)}
    if isinstance(result, Yielded):
        return {"type": "yielded"}
    children = [
        {
            "kind": child.kind,
            "specification": pack(child.specification.SerializeToString(deterministic=True)),
            "share_key": child.share_key,
        }
        for child in result.children
    ]
    return {"type": "wait", "children": children}


def _start_threads(context: JobContext) -> None:
    threading.Thread(target=context._listen, name="supervisor", daemon=True).start()
    if context.settings.hang_seconds > 0:
        interval = min(_PULSE_SECONDS, context.settings.hang_seconds / 4)
        own = threading.get_ident()
        threading.Thread(target=context._pulse, args=(own, interval), daemon=True).start()


def run(functions: Mapping[str, Function]) -> NoReturn:
    """Runs the job that the command line names, and ends the process.

    Args:
        functions: What to call, by the kind of job.
    """
    if len(sys.argv) != 3:
        sys.exit("started by a worker alone: python -m MODULE NAME FD")
    faulthandler.enable()
    # Whether and when to stop is the supervisor's word, not that of a signal to the whole group.
    # (A handler that does nothing, since a program started from here would inherit SIG_IGN.)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    _die_with_worker()
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    channel = Channel(socket.socket(fileno=int(sys.argv[2])))
    start = next(channel.messages(), None)
    if start is None:
        _die()
    try:
        context = JobContext(channel, start, get_settings())
        _start_threads(context)
        outcome = _outcome(context, functions)
    except Exception as error:
        channel.send("broke", reason=f"{type(error).__name__}: {error}"[:300])
        raise
    channel.send(outcome.pop("type"), **outcome)
    sys.exit(0)
