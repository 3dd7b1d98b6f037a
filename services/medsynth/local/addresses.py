"""Where the stack of one machine is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from medsynth.local.lock import holder
from medsynth.local.parent import STATE
from medsynth.settings import Settings, get_settings


def read_state(home: Path) -> dict[str, Any] | None:
    """What a stack that is ready wrote about itself; None: none is ready there."""
    if holder(home) is None:
        return None
    try:
        state: dict[str, Any] = json.loads((home / STATE).read_text())
    except FileNotFoundError:
        return None
    return state


def local_settings(home: Path | None = None) -> Settings:
    """The settings for a client on this machine.

    Those of the stack that runs in the home folder, if one does, where the environment does not
    say otherwise.

    Args:
        home: The stack's folder. None: as in the settings.
    """
    settings = get_settings() if home is None else Settings(home=home)
    state = read_state(settings.home)
    if state is None:
        return settings
    given = {key: getattr(settings, key) for key in settings.model_fields_set}
    return Settings(**{**state["settings"], **given})
