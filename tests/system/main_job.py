"""`make run` as a newcomer types it, and what it says that the images are worth."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def mean_dice(folder: Path, *variables: str) -> dict[str, float]:
    """Mean Dice of each regime after `make run`."""
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    with subprocess.Popen(
        ["make", "--silent", "run", f"OUT={folder / 'out'}", *variables],
        cwd=ROOT,
        env={**environment, "MEDSYNTH_HOME": str(folder / "home")},
        start_new_session=True,
    ) as run:
        try:
            assert run.wait() == 0
        finally:
            # A test that is out of time must not leave its stack to those after it.
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGINT)
    report = json.loads((folder / "out" / "report.json").read_text())
    return {
        score["comparison"]: score["value"]
        for score in report["scores"]
        if score["metric"] == "dice" and score["label"] == "mean"
    }
