"""Is it any good? On real files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.main_job import ROOT, mean_dice

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ACDC = ROOT.parent / "shared" / "data" / "acdc"


@pytest.mark.skipif(not ACDC.is_dir(), reason="no real data beside the checkout (../shared/data)")
def test_a_unet_learns_real_hearts(tmp_path: Path) -> None:
    dice = mean_dice(tmp_path, f"DATA={ACDC}", "IMAGES=2000")
    print(dice)
    assert dice["real"] >= 0.75
