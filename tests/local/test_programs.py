from __future__ import annotations

from pathlib import Path

import pytest

from medsynth.errors import FailedPreconditionError
from medsynth.local import programs


def make(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o755)
    return path


def test_path_comes_before_what_setup_brought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "RUNTIME", tmp_path / "runtime")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    brought = make(tmp_path / "runtime/pytriton/tritonserver/bin/tritonserver")
    assert programs.tritonserver() == brought
    installed = make(tmp_path / "bin/tritonserver")
    assert programs.tritonserver() == installed


def test_a_missing_program_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "RUNTIME", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    for find in (programs.redis_server, programs.tritonserver):
        with pytest.raises(FailedPreconditionError, match="make setup"):
            find()
