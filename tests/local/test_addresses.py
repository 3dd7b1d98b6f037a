from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from medsynth.local import stack
from medsynth.local.addresses import local_settings
from medsynth.local.plan import Plan, Process
from medsynth.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose stack says that its services are elsewhere."""
    idle = Process("idle", (sys.executable, "-c", "import signal; signal.pause()"))
    addresses = {"trainer_address": "127.0.0.1:1", "sampler_address": "127.0.0.1:2"}
    stack.start(plan=Plan(str(tmp_path), {**addresses, "data_roots": ["/"]}, (idle,)))
    yield tmp_path
    stack.stop(tmp_path)


def test_a_running_stack_says_where_it_is_unless_the_environment_does(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDSYNTH_SAMPLER_ADDRESS", "elsewhere:3")
    settings = local_settings(home)
    assert settings.trainer_address == "127.0.0.1:1"
    assert settings.sampler_address == "elsewhere:3"
    assert settings.evaluator_address == Settings().evaluator_address
    assert settings.data_roots == ("/",)
    assert settings.home == home
    stack.stop(home)
    assert local_settings(home).trainer_address == Settings().trainer_address


def test_without_a_stack_there_are_the_settings(tmp_path: Path) -> None:
    assert local_settings(tmp_path / "nowhere") == Settings(home=tmp_path / "nowhere")
