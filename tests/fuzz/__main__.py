"""Fuzzes the three services for a time: `make fuzz MINUTES=10 SEED=1`.

Starts Redis, Triton and the services in a temporary folder; sends requests that are built from the
contract's descriptors; checks every answer. Exits with 1 if one of them was not as it should be.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.fuzz.fuzzing import Findings, fuzz, servers
from tests.redis_server import free_port
from tests.triton_server import TritonServer

EXAMPLES = 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default: 10)")
    parser.add_argument(
        "--seed",
        type=int,
        default=None,
        help="sends the same requests again, with the same code (default: by time)",
    )
    parser.add_argument("--no-triton", action="store_true", help="let nothing answer for Triton")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    seed = int(time.time()) % 10**6 if options.seed is None else options.seed
    stop = threading.Event()
    timer = threading.Timer(60 * options.minutes, stop.set)
    timer.daemon = True
    began = time.monotonic()

    shown = 0

    def show(findings: Findings, method: str) -> None:
        nonlocal shown
        minutes = (time.monotonic() - began) / 60
        calls, failures = findings.counts.total(), len(findings.failures)
        for failure in findings.failures[shown:]:
            print(f"\n{failure}\n", file=sys.stderr)
        shown = failures
        print(
            f"\r{minutes:5.1f} min  {calls:8,} calls  {failures} failures  {method:<32}",
            end="",
            file=sys.stderr,
            flush=True,
        )

    with tempfile.TemporaryDirectory(prefix="medsynth-fuzz-") as name:
        folder = Path(name)
        triton = None if options.no_triton else TritonServer(folder)
        url = f"127.0.0.1:{free_port()}" if triton is None else triton.url
        try:
            if triton is not None:
                triton.start()
            with servers(folder, url, triton.models if triton else None) as services:
                timer.start()
                findings = fuzz(services, seed=seed, examples=EXAMPLES, stop=stop, on_round=show)
        finally:
            timer.cancel()
            if triton is not None:
                triton.stop()
    print(file=sys.stderr)
    print(_json(findings, seed) if options.json else _table(findings, seed))
    return 1 if findings.failures else 0


def _json(findings: Findings, seed: int) -> str:
    counts: dict[str, dict[str, int]] = {}
    for (method, code), count in sorted(findings.counts.items()):
        counts.setdefault(method, {})[code] = count
    document = {
        "seed": seed,
        "calls": findings.counts.total(),
        "counts": counts,
        "memory": {name: {"before": a, "after": b} for name, (a, b) in findings.memory.items()},
        "failures": findings.failures,
    }
    return json.dumps(document, indent=2)


def _table(findings: Findings, seed: int) -> str:
    codes: Counter[str] = Counter()
    for (_, code), count in findings.counts.items():
        codes[code] += count
    columns = [code for code, _ in codes.most_common()]
    rows = [["method", *columns]]
    rows += [
        [method, *(str(findings.counts[method, code] or "-") for code in columns)]
        for method in sorted({method for method, _ in findings.counts})
    ]
    rows.append(["all", *(str(codes[code]) for code in columns)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    lines += ["", f"seed {seed}: {findings.counts.total():,} calls"]
    for name, (before, after) in findings.memory.items():
        lines.append(f"{name}: {before / 2**20:.0f} MiB resident before, {after / 2**20:.0f} after")
    lines.append(f"{len(findings.failures)} failures")
    lines += ["", *findings.failures] if findings.failures else []
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
