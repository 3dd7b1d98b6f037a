"""Reads drawn cases in watched processes, counts how they end, and keeps those that fail."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from medsynth.data.preparing import usable_cores
from tests.fuzz_readers.cases import Case, Tree
from tests.fuzz_readers.drawing import draw
from tests.fuzz_readers.reading import EXCEPTION, MEMORY, READ, REFUSED, Answer, read_case
from tests.fuzz_readers.samples import Sample
from tests.fuzz_readers.watching import CRASH, HANG, Limits, Outcome, WatchedReader

FAILURES: Final = (CRASH, HANG, MEMORY, EXCEPTION)
"""How reading may not end."""

_KEPT_OF_A_CAUSE: Final = 3


@dataclass
class Tally:
    """Of one format.

    Attributes:
        outcomes: Cases by how they ended.
        real: How many changed a real file.
        seconds: Of the slowest case, of processor time.
        mebibytes: Of the largest case, beyond what the process had before.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    real: int = 0
    seconds: float = 0.0
    mebibytes: float = 0.0


@dataclass
class Failure:
    """What went wrong in one way, maybe often.

    Attributes:
        outcome: One of `FAILURES`.
        cause: In one line.
        count: Cases.
        folders: Where the first of them are kept.
    """

    outcome: str
    cause: str
    count: int = 0
    folders: list[Path] = field(default_factory=list)

    def __str__(self) -> str:
        replays = [f"  make fuzz-readers REPLAY='{folder}'" for folder in self.folders]
        return "\n".join([f"{self.outcome}, {self.count} times: {self.cause}", *replays])


@dataclass
class Findings:
    """What came of it.

    Attributes:
        tallies: By format.
        failures: By outcome, format and cause.
    """

    tallies: defaultdict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    failures: dict[tuple[str, str, str], Failure] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """How many were read."""
        return sum(tally.outcomes.total() for tally in self.tallies.values())

    @property
    def failed(self) -> int:
        """How many of them ended as they may not."""
        return sum(failure.count for failure in self.failures.values())


def fuzz(
    samples: Sequence[Sample],
    *,
    seed: int,
    kept: Path,
    cases: int | None = None,
    stop: threading.Event | None = None,
    limits: Limits | None = None,
    read: Callable[[Path], Answer] = read_case,
    on_case: Callable[[Findings, Case, Outcome], None] = lambda findings, case, outcome: None,
) -> Findings:
    """Changes samples and reads them, on every core.

    Args:
        samples: Of every format.
        seed: The same seed and samples give the same cases.
        kept: Folder for cases that failed.
        cases: How many are read. None: until told to stop.
        stop: Ends the fuzzing before the next case.
        limits: What a case may cost.
        read: What reads a case.
        on_case: Told after each case.
    """
    findings, lock = Findings(), threading.Lock()
    numbers = itertools.count() if cases is None else iter(range(cases))
    stopped = stop or threading.Event()

    def work(scratch: Path) -> None:
        with WatchedReader(scratch, limits or Limits(), read) as reader:
            while not stopped.is_set():
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                case, tree, real = draw(samples, seed, number)
                folder = scratch / "case"
                case.save(folder, tree)
                outcome = reader.read(folder)
                with lock:
                    if (failure := _note(findings, case, outcome, real)) is not None:
                        _keep(failure, outcome, case, tree, kept)
                    on_case(findings, case, outcome)
                shutil.rmtree(folder, ignore_errors=True)

    with tempfile.TemporaryDirectory(prefix="medsynth-fuzz-") as name:
        places = [Path(name) / str(core) for core in range(usable_cores())]
        for place in places:
            place.mkdir()
        with ThreadPoolExecutor(len(places)) as pool:
            try:
                list(pool.map(work, places))
            except BaseException:
                stopped.set()
                raise
    return findings


def _note(findings: Findings, case: Case, outcome: Outcome, real: bool) -> Failure | None:
    """Counts a case; what went wrong, if it failed."""
    answer, tally = outcome.answer, findings.tallies[case.format]
    tally.outcomes[answer.outcome] += 1
    tally.real += real
    tally.seconds = max(tally.seconds, answer.seconds)
    tally.mebibytes = max(tally.mebibytes, outcome.mebibytes)
    if answer.outcome in (READ, REFUSED):
        return None
    key = (answer.outcome, case.format, answer.cause)
    failure = findings.failures.setdefault(key, Failure(answer.outcome, answer.cause))
    failure.count += 1
    return failure


def _keep(failure: Failure, outcome: Outcome, case: Case, tree: Tree, kept: Path) -> None:
    if len(failure.folders) == _KEPT_OF_A_CAUSE:
        return
    place = kept / f"{case.format}-{case.seed}-{case.number}".replace(" ", "-")
    shutil.rmtree(place, ignore_errors=True)
    case.save(place, tree)
    answer = outcome.answer
    (place / "outcome.txt").write_text(f"{answer.outcome}\n{answer.cause}\n\n{answer.detail}")
    failure.folders.append(place)
