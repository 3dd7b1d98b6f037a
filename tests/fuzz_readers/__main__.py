"""Fuzzes the readers of image files for a time: `make fuzz-readers MINUTES=10 SEED=1`.

Changes real files, and files that the formats' own libraries wrote: bytes, headers, names, the
shape of folders. Reads each as a job does, in a process with bounds on time and memory. Exits with
1 if one of them crashed, hung, took too much memory, or raised what is no error of the project's;
such a case is kept, and `make fuzz-readers REPLAY=FOLDER` reads it again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from medsynth.cli.output import emit, remark, table
from tests.fuzz_readers.cases import Case
from tests.fuzz_readers.fuzzing import FAILURES, Findings, fuzz
from tests.fuzz_readers.reading import READ, REFUSED
from tests.fuzz_readers.samples import gather
from tests.fuzz_readers.watching import Limits, Outcome, WatchedReader

_SHARED: Final = Path(__file__).resolve().parents[3] / "shared" / "data"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = _parse(arguments)
    limits = Limits(options.deadline, options.memory)
    if options.replay:
        return _replay(options.replay, limits)
    seed = int(time.time()) % 10**6 if options.seed is None else options.seed
    remark("writing the samples")
    samples = gather(options.data if options.data.is_dir() else None)
    real = sum(sample.real for sample in samples)
    remark(f"seed {seed}: {len(samples)} samples, {real} of them of real files")
    stop = threading.Event()
    timer = threading.Timer(60 * options.minutes, stop.set)
    timer.daemon = True
    timer.start()
    try:
        findings = fuzz(
            samples,
            seed=seed,
            kept=options.keep,
            cases=options.cases,
            stop=stop,
            limits=limits,
            on_case=_progress(),
        )
    finally:
        timer.cancel()
    print(file=sys.stderr)
    if options.json:
        emit(_document(findings, seed))
    else:
        _show(findings, seed)
    return 1 if findings.failed else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz-readers", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default: 10)")
    parser.add_argument("--cases", type=int, help="how many at most (default: no limit)")
    parser.add_argument("--seed", type=int, help="draws the same cases again (default: by time)")
    parser.add_argument(
        "--data", type=Path, default=_SHARED, metavar="FOLDER", help="real sets (../shared/data)"
    )
    parser.add_argument("--replay", type=Path, metavar="FOLDER", help="reads a case that was kept")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="for cases that fail",
        default=Path(tempfile.gettempdir()) / "medsynth-fuzz-readers",
    )  # fmt: skip
    parser.add_argument(
        "--deadline", type=float, default=Limits.seconds, help="seconds for a case (%(default)s)"
    )
    parser.add_argument(
        "--memory", type=int, default=Limits.mebibytes, help="MiB for a case (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args(arguments)


def _replay(folder: Path, limits: Limits) -> int:
    with (
        tempfile.TemporaryDirectory(prefix="medsynth-fuzz-") as name,
        WatchedReader(Path(name), limits) as reader,
    ):
        outcome = reader.read(folder.resolve())
    answer = outcome.answer
    print(f"{answer.outcome}: {answer.seconds:.1f} s, {outcome.mebibytes:.0f} MiB {answer.cause}")
    print(answer.detail)
    return 1 if answer.outcome in FAILURES else 0


def _progress() -> Any:
    began, shown = time.monotonic(), 0.0

    def show(findings: Findings, case: Case, outcome: Outcome) -> None:
        nonlocal shown
        now = time.monotonic()
        if outcome.answer.outcome in FAILURES:
            remark(f"\n{outcome.answer.outcome}: {case.format}: {outcome.answer.cause}")
        elif now - shown < 1:
            return
        shown = now
        print(
            f"\r{(now - began) / 60:5.1f} min  {findings.cases:8,} cases  "
            f"{findings.failed} failures  {case.format:<18}",
            end="",
            file=sys.stderr,
            flush=True,
        )

    return show


def _document(findings: Findings, seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "cases": findings.cases,
        "formats": {
            name: {
                "outcomes": dict(tally.outcomes),
                "real": tally.real,
                "seconds": round(tally.seconds, 2),
                "mebibytes": round(tally.mebibytes),
            }
            for name, tally in findings.tallies.items()
        },
        "failures": [
            {
                "outcome": failure.outcome,
                "cause": failure.cause,
                "count": failure.count,
                "folders": [str(folder) for folder in failure.folders],
            }
            for failure in findings.failures.values()
        ],
    }


def _show(findings: Findings, seed: int) -> None:
    columns = (READ, REFUSED, *FAILURES)
    titles = ("cases", "real files", *columns, "slowest", "largest")
    table(
        ("format", *titles),
        [
            (
                name,
                f"{tally.outcomes.total():,}",
                f"{tally.real:,}",
                *(f"{tally.outcomes[outcome] or '-'}" for outcome in columns),
                f"{tally.seconds:.1f} s",
                f"{tally.mebibytes:.0f} MiB",
            )
            for name, tally in findings.tallies.items()
        ],
        numbers=titles,
    )
    print(f"\nseed {seed}: {findings.cases:,} cases, {findings.failed} failures")
    for failure in findings.failures.values():
        print(f"\n{failure}")


if __name__ == "__main__":
    sys.exit(main())
