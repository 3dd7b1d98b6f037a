from __future__ import annotations

from pathlib import Path

import pytest

from medsynth.storage import Storage

REAL_ACDC = Path(__file__).resolve().parents[3] / "shared" / "data" / "acdc"


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path / "storage"))


@pytest.fixture
def real_acdc() -> Path:
    if not REAL_ACDC.is_dir():
        pytest.skip("no ../shared/data/acdc beside the checkout")
    return REAL_ACDC
