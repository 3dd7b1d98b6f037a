"""A small run of the whole program, on a stack without Triton and PyTorch; `make chaos` has all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

FAULTS = (
    *("kill child", "kill worker", "stop worker", "kill trainer", "kill sampler"),
    *("kill evaluator", "kill redis", "lose messages", "double messages", "cancel running"),
    "drop watchers",
)
JOBS = ("preparation", "echo", "publishing", "failing", "parent")


def test_nothing_is_lost() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.chaos"),
            *("--minutes", "0.15", "--pace", "0.7", "--seed", "3", "--json"),
            *("--faults", *FAULTS, "--jobs", *JOBS),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["lost"] == []
    assert outcome["seed"] == 3
    assert outcome["acknowledged"] >= len(JOBS)
    assert sum(outcome["faults"].values()) > 3
    ends = {key.partition(" ")[2] for key in outcome["jobs"]}
    assert ends <= {"SUCCEEDED", "FAILED", "CANCELLED"}
