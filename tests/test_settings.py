"""Settings come from the environment, and from nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from medsynth.settings import Settings

SERVICES = Path(__file__).parents[1] / "services" / "medsynth"


def test_environment_overrides_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEDSYNTH_HOME", str(tmp_path))
    monkeypatch.setenv("MEDSYNTH_DATA_ROOTS", '["/scans", "s3://bucket"]')
    settings = Settings()
    assert settings.data_roots == ("/scans", "s3://bucket")
    assert settings.storage == str(tmp_path / "storage")
    assert settings.models == tmp_path / "models"


def test_a_value_out_of_range_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDSYNTH_LEASE_SECONDS", "-1")
    with pytest.raises(ValidationError, match="lease_seconds"):
        Settings()


def test_the_readme_says_how_long_everything_is_kept() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    kept = [name for name in Settings.model_fields if name.startswith("keep_")]
    assert [name for name in kept if f"`MEDSYNTH_{name.upper()}`" not in readme] == []


def test_every_setting_is_used() -> None:
    sources = "\n".join(
        path.read_text() for path in SERVICES.rglob("*.py") if path.name != "settings.py"
    )
    derived = {"storage_root": "storage", "model_repository": "models", "weights_root": "weights"}
    unused = [
        name
        for name in Settings.model_fields
        if not re.search(rf"\b{derived.get(name, name)}\b", sources)
    ]
    assert unused == []
