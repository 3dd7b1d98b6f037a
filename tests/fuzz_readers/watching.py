"""A child process that reads cases, watched from outside: deadline, memory, and how it ends."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.fuzz_readers.reading import MEMORY, Answer, read_case, serve
from tests.processes import peak, processor_seconds, reserved, resident, restart_peak

CRASH, HANG = "crash", "hang"

_READY_SECONDS: Final = 120.0
_AGES: Final = 2000
"""Cases after which a process is replaced."""

_LOG_TAIL: Final = 20_000
_LOOK_SECONDS: Final = 0.5
_WAIT: Final = 5
_ABORT_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Limits:
    """What reading a case may cost.

    Attributes:
        seconds: Of processor time, or of `_WAIT` times as much by the clock.
        mebibytes: Of memory, beyond what the process had before.
    """

    seconds: float = 30.0
    mebibytes: int = 1024


@dataclass(frozen=True)
class Outcome:
    """How reading a case ended, as seen from outside.

    Attributes:
        answer: Of the process, or what became of it: `CRASH`, `HANG`, or `MEMORY` where it took
            more than it may.
        mebibytes: The most memory that it took, beyond what it had before.
    """

    answer: Answer
    mebibytes: float


class WatchedReader:
    """Reads cases in a process that is replaced when it crashes or hangs.

    Args:
        folder: Empty; for its log.
        limits: What a case may cost.
        read: What reads; a function of a module.
    """

    def __init__(
        self, folder: Path, limits: Limits, read: Callable[[Path], Answer] = read_case
    ) -> None:
        self._log = folder / "log.txt"
        self._limits = limits
        self._read = read
        self._age = 0
        self._process: multiprocessing.process.BaseProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def read(self, folder: Path) -> Outcome:
        """Reads a case.

        Args:
            folder: Where it was saved.
        """
        if self._process is None or self._age >= _AGES:
            self._end()
            self._start()
        process, pipe = self._process, self._pipe
        assert process is not None
        assert process.pid is not None
        self._age += 1
        before = resident(process.pid)
        try:
            restart_peak(process.pid)
            pipe.send(folder)
            answer = self._answer(process.pid)
        except (EOFError, OSError):
            process.join()
            answer = Answer(CRASH, f"the process ended: {_ending(process.exitcode)}")
        taken = max(peak(process.pid) - before, 0.0)
        if answer.outcome in (HANG, CRASH):
            process.join(_ABORT_SECONDS)
            self._end()
            answer = replace(answer, detail=self._tail())
        elif taken > self._limits.mebibytes:
            answer = Answer(MEMORY, f"more than {self._limits.mebibytes} MiB", answer.detail)
        return Outcome(answer, taken)

    def _answer(self, pid: int) -> Answer:
        """What the process says, if it does so in time.

        Processor time counts, so that no verdict depends on how busy the machine is; a process
        that waits uses none, and gets more of the clock's.
        """
        began, used = time.monotonic(), processor_seconds(pid)
        while not self._pipe.poll(_LOOK_SECONDS):
            seconds = processor_seconds(pid) - used
            waited = time.monotonic() - began
            if seconds > self._limits.seconds or waited > _WAIT * self._limits.seconds:
                # Its handler writes to the log where it was.
                os.kill(pid, signal.SIGABRT)
                return Answer(HANG, f"no answer within {self._limits.seconds:g} s")
        answer: Answer = self._pipe.recv()
        return answer

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._log.unlink(missing_ok=True)
        self._process = context.Process(
            target=serve,
            args=(theirs, self._log, self._read),
            daemon=True,
        )
        self._process.start()
        theirs.close()
        if not self._pipe.poll(_READY_SECONDS):
            raise RuntimeError(f"the process that reads did not start: {self._tail()}")
        self._pipe.recv()
        assert self._process.pid is not None
        # What has no bounds of its own ends here, before it takes the machine's memory.
        most = int(reserved(self._process.pid) + 2 * self._limits.mebibytes) * 2**20
        resource.prlimit(self._process.pid, resource.RLIMIT_AS, (most, most))
        resource.prlimit(self._process.pid, resource.RLIMIT_CORE, (0, 0))
        self._age = 0

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
            self._process = None

    def _tail(self) -> str:
        try:
            return self._log.read_text(errors="replace")[-_LOG_TAIL:]
        except FileNotFoundError:
            return ""


def _ending(status: int | None) -> str:
    if status is None or status >= 0:
        return f"exit status {status}"
    return signal.Signals(-status).name
