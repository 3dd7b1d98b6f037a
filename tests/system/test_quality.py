"""Is it any good? `make run`, as a newcomer types it, on the phantom and on real files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
ACDC = ROOT.parent / "shared" / "data" / "acdc"


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


def test_synthetic_phantoms_are_worth_most_of_the_real_ones(tmp_path: Path) -> None:
    dice = mean_dice(tmp_path)
    print(dice)
    assert dice["real"] >= 0.85
    assert dice["synthetic"] >= 0.8 * dice["real"]


@pytest.mark.skipif(not ACDC.is_dir(), reason="no real data beside the checkout (../shared/data)")
def test_a_unet_learns_real_hearts(tmp_path: Path) -> None:
    dice = mean_dice(tmp_path, f"DATA={ACDC}", "IMAGES=2000")
    print(dice)
    assert dice["real"] >= 0.75
