"""`python -m tests.bench`: measures what medsynth promises, side by side with the alternative."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from medsynth.cli.output import emit, remark, table
from tests.bench.measure import Context, Effort, Row
from tests.bench.registry import BENCHES
from tests.bench.site import Site, started

_NOTES = """
Each line stands for one claim. What is compared by its rate is measured in the same run, in turn
(A B A B ...), after a warm-up; the numbers are medians, and the ratio is the median of the ratios
of neighbouring measurements, so that whatever else the machine does meets both alike. Peaks of
memory are of one run each, and p50 and p99 are quantiles of many calls. A bar that is not reached
is shown and is no error: the exit status is 1 only if a bench did not run to its end.

  python -m tests.bench --only sample --only train     two of them
  python -m tests.bench --quick                        fewer repeats, smaller sets
  python -m tests.bench --huge --only prepare-memory   the largest sets that are promised
  python -m tests.bench --json > bench.json            for scripts; progress goes to stderr

Measure on a machine that does nothing else: with busy neighbours even ratios move by a tenth.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    listed = "\n".join(f"  {bench.name:<12} {bench.summary}" for bench in BENCHES.values())
    parser = argparse.ArgumentParser(
        prog="make bench",
        description=f"Measures speed and memory.\n\nBenches:\n{listed}",
        epilog=_NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", action="append", choices=BENCHES, metavar="NAME", help="this bench; repeatable"
    )
    effort = parser.add_mutually_exclusive_group()
    effort.add_argument("--quick", action="store_true", help="fewer repeats, smaller sets")
    effort.add_argument(
        "--tiny", action="store_true", help="shows that they work; the numbers mean nothing"
    )
    effort.add_argument("--huge", action="store_true", help="the largest sets that are promised")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    options = parser.parse_args(arguments)
    chosen = next(
        (effort for effort in Effort if getattr(options, effort.name.lower(), False)), Effort.FULL
    )
    names = [name for name in BENCHES if options.only is None or name in options.only]
    rows, failed = run(names, chosen)
    if options.json:
        emit(document(rows, chosen))
    else:
        show(rows)
    for name in failed:
        remark(f"{name} did not run to its end: see above")
    return 1 if failed else 0


def run(names: Sequence[str], effort: Effort) -> tuple[list[tuple[str, Row]], list[str]]:
    """Runs benches one after the other, each in a folder of its own; progress goes to stderr.

    Returns:
        Their lines, each with the name of its bench, and the names of those that failed.
    """
    began = time.monotonic()
    rows: list[tuple[str, Row]] = []
    failed = []
    with ExitStack() as opened:

        @cache
        def site() -> Site:
            remark("starting a stack")
            home = opened.enter_context(tempfile.TemporaryDirectory(prefix="medsynth-bench-"))
            return opened.enter_context(started(Path(home)))

        for name in names:

            def say(line: str, name: str = name) -> None:
                remark(f"[{time.monotonic() - began:4.0f} s, {name}] {line}")

            say(BENCHES[name].summary)
            with tempfile.TemporaryDirectory(prefix="medsynth-bench-") as folder:
                context = Context(effort, Path(folder), say, site)
                try:
                    rows += [(name, row) for row in BENCHES[name].run(context)]
                except Exception:  # noqa: BLE001 - what the others measured is shown all the same
                    traceback.print_exc()
                    failed.append(name)
    return rows, failed


def document(rows: Sequence[tuple[str, Row]], effort: Effort) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "effort": effort.name.lower(),
        "machine": {"processor": platform.machine(), "cores": len(os.sched_getaffinity(0))},
        "rows": [{"bench": name, **asdict(row), "reached": row.reached} for name, row in rows],
    }


def show(rows: Sequence[tuple[str, Row]]) -> None:
    """Prints the table."""
    table(
        ("what", "ours", "against", "other", "ratio", "bar", "reached"),
        [_cells(row) for _, row in rows],
        numbers=("ours", "other", "ratio"),
    )


def _cells(row: Row) -> tuple[str, ...]:
    bar = "" if row.bar is None else f"{row.bar.side} {row.bar.value:g}"
    if row.bar is not None and row.bar.of == "ours":
        bar += f" {row.unit}"
    return (
        row.what,
        f"{row.ours:.4g} {row.unit}",
        row.against,
        "" if row.other is None else f"{row.other:.4g} {row.unit}",
        "" if row.ratio is None else f"{row.ratio:.2f}",
        bar,
        {True: "yes", False: "NO", None: ""}[row.reached],
    )


if __name__ == "__main__":
    sys.exit(main())
