"""Breaks a real stack at random for a while, and says what was lost: nothing.

python -m tests.chaos --minutes 20 --seed 7
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from tests.chaos.report import document, show
from tests.chaos.run import Scenario, run
from tests.chaos.schedule import FAULTS, JOBS, PACE

_ABOUT: Final = """\
Starts a stack of its own in a temporary folder (Redis, Triton, the three services, two workers
for each queue), keeps jobs of every sort going through it, and breaks it: kills, freezes and stops
processes, fills Redis, loses and doubles messages, tears checkpoints, cancels jobs, cuts
connections. What was killed is started again. At last everything may finish, and is checked: every
job that was acknowledged exists and has ended as it should; every history is one that the state
machine has; every file is what its digest says; equal trainings gave equal weights; nothing is left
behind.
"""

_EXAMPLES: Final = """\
examples:
  python -m tests.chaos                          two minutes with a new seed, which is printed
  python -m tests.chaos --minutes 20 --seed 7    the same jobs and faults each time
  python -m tests.chaos --faults "kill redis" "kill worker" --jobs echo parent
  python -m tests.chaos --keep                   leaves the stack's folder, with its logs

Exit status: 0 if nothing was lost, else 1. What is drawn from the seed is the sequence of jobs
and faults and when each comes; what a fault meets depends on how fast the machine is.
"""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        *("-m", "--minutes"), type=float, default=2.0, help="how long things are broken (2)"
    )
    parser.add_argument("-s", "--seed", type=int, help="of all that is drawn (a new one)")
    parser.add_argument(
        *("-p", "--pace"), type=float, default=PACE, metavar="SECONDS",
        help=f"time from one fault to the next, on average ({PACE:g})",
    )  # fmt: skip
    parser.add_argument(
        *("--faults",), nargs="+", choices=FAULTS, default=FAULTS, metavar="FAULT",
        help=f"what is broken (everything): {', '.join(FAULTS)}",
    )  # fmt: skip
    parser.add_argument(
        *("--jobs",), nargs="+", choices=JOBS, default=JOBS, metavar="JOB",
        help=f"what goes on meanwhile (everything): {', '.join(JOBS)}",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--keep", action="store_true", help="leave the folder of the stack")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs, prints, and returns the exit status."""
    options = parse(arguments)
    seed = random.SystemRandom().randrange(10_000) if options.seed is None else options.seed
    progress, out = Console(stderr=True), Console()

    def say(line: str) -> None:
        progress.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {line}", soft_wrap=True)

    say(f"seed {seed}, {options.minutes:g} minutes")
    scenario = Scenario(60 * options.minutes, seed, options.faults, options.jobs, options.pace)
    folder = Path(tempfile.mkdtemp(prefix="chaos-")).resolve()
    try:
        outcome = run(scenario, folder, say)
    finally:
        if options.keep:
            say(f"the stack's folder is {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        print(json.dumps(document(outcome), indent=2))
    else:
        show(outcome, out)
    return 1 if outcome.lost else 0


if __name__ == "__main__":
    sys.exit(main())
