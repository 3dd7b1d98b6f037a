"""Is it any good? On the phantom."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.main_job import mean_dice

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def test_synthetic_phantoms_are_worth_most_of_the_real_ones(tmp_path: Path) -> None:
    dice = mean_dice(tmp_path)
    print(dice)
    assert dice["real"] >= 0.85
    assert dice["synthetic"] >= 0.8 * dice["real"]
