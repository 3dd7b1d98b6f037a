"""Running the Lua scripts: each is one transition, or one reading that has to be of one moment."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import redis
from redis.commands.core import Script

from medsynth.platform.jobs.announce import Announce
from medsynth.platform.jobs.connection import domain_errors
from medsynth.settings import Settings

PREFIX = "medsynth:"
"""Begins every key (`lua/common.lua` lists them)."""

Argument = str | bytes | int


def job_key(name: str, part: str = "") -> str:
    """Key of a job's record, or of a part of it such as `events`."""
    return f"{PREFIX}job:{name}{':' + part if part else ''}"


@cache
def _source(name: str) -> str:
    folder = files(__package__) / "lua"
    return (folder / "common.lua").read_text() + (folder / f"{name}.lua").read_text()


class Scripts:
    """Runs scripts by name, and announces the jobs that they made claimable.

    Args:
        client: Where they run. After a restart of Redis they are loaded again.
        settings: What all of them are told.
        announce: Called for every job that became claimable.
    """

    def __init__(self, client: redis.Redis, settings: Settings, announce: Announce) -> None:
        self._client = client
        self._common = (settings.max_events, int(settings.announce_seconds * 1e6))
        self._announce = announce
        self._scripts: dict[str, Script] = {}

    def __call__(self, name: str, *arguments: Argument) -> tuple[str, list[Any]]:
        """Runs `lua/{name}.lua`.

        Returns:
            What it answered: a word, and values (strings as bytes).

        Raises:
            UnavailableError: Redis does not answer.
            ResourceExhaustedError: Redis is full.
        """
        if name not in self._scripts:
            self._scripts[name] = self._client.register_script(_source(name))
        with domain_errors():
            status, ready, *values = self._scripts[name](args=[*self._common, *arguments])
        for queue, job in zip(ready[::2], ready[1::2], strict=True):
            self._announce(queue.decode(), job.decode())
        return status.decode(), values
