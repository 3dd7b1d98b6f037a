"""One running stack for all system tests: every process that `medsynth up` starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

MEDSYNTH = Path(sys.executable).with_name("medsynth")


@dataclass(frozen=True)
class Stack:
    """A stack in a home of its own, and the command that talks to it."""

    home: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Runs `medsynth` and checks its exit code."""
        done = subprocess.run(
            [str(MEDSYNTH), *arguments],
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert done.returncode == code, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What `medsynth ... --json` prints: one document, nothing else."""
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    @cached_property
    def addresses(self) -> dict[str, str]:
        """Where the services listen, by name."""
        return dict(self.json("status")["addresses"])


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home = tmp_path_factory.mktemp("home")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("MEDSYNTH_")}
    running = Stack(home, {**inherited, "MEDSYNTH_HOME": str(home), "COLUMNS": "120"})
    running.run("up", "--detach")
    try:
        yield running
    finally:
        running.run("down")
