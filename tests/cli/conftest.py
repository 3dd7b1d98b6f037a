from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from medsynth.cli.app import run
from medsynth.settings import get_settings
from tests.cli.services import Services
from tests.client.servers import serving


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)


Medsynth = Callable[..., Ran]


@pytest.fixture
def medsynth(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Medsynth]:
    """Runs commands in a home of their own, without services."""
    monkeypatch.setenv("MEDSYNTH_HOME", str(tmp_path / "home"))
    for service in ("TRAINER", "SAMPLER", "EVALUATOR"):
        monkeypatch.setenv(f"MEDSYNTH_{service}_ADDRESS", "127.0.0.1:1")
    get_settings.cache_clear()

    def command(*arguments: object) -> Ran:
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    yield command
    get_settings.cache_clear()


@pytest.fixture
def services(medsynth: Medsynth, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """The services that the commands find."""
    made = Services()
    with serving(trainer=made, sampler=made, evaluator=made) as address:
        for service in ("TRAINER", "SAMPLER", "EVALUATOR"):
            monkeypatch.setenv(f"MEDSYNTH_{service}_ADDRESS", address)
        get_settings.cache_clear()
        yield made
        made.leave.set()
