"""What a stack consists of: its processes, and when they are ready."""

from __future__ import annotations

import glob
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

_START_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Process:
    """One process of the stack.

    Attributes:
        name: Of the process and its log.
        arguments: The program and its arguments.
        environment: Variables on top of the parent's own.
        ready: What answers once the process is ready: `redis://`, `grpc://` (health says SERVING)
            or `tcp://` (a connection is accepted) and `host:port`. Empty: ready at once.
        metrics: `host:port` at which it answers `/metrics`; empty: it does not.
        stage: Processes are stopped stage by stage, the lowest first.
        stop_seconds: How long it may take from SIGTERM on before it is killed.
        leftovers: Glob of what it leaves when it is killed: removed before it starts and after it
            ended.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: str = ""
    metrics: str = ""
    stage: int = 0
    stop_seconds: float = 10.0
    leftovers: str = ""


@dataclass(frozen=True)
class Plan:
    """A whole stack.

    Attributes:
        home: Its folder.
        settings: Settings that its clients need to reach it, by name.
        processes: What runs.
        start_seconds: How long all together may take until they are ready.
    """

    home: str
    settings: Mapping[str, Any]
    processes: tuple[Process, ...]
    start_seconds: float = _START_SECONDS

    def to_json(self) -> str:
        """Everything; `from_json` reverses it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Reverses `to_json`."""
        fields = json.loads(text)
        processes = tuple(
            Process(**{**process, "arguments": tuple(process["arguments"])})
            for process in fields.pop("processes")
        )
        return cls(processes=processes, **fields)


def remove(leftovers: str) -> None:
    """Removes the files that a glob finds; an empty one finds none."""
    for path in glob.glob(leftovers) if leftovers else ():
        Path(path).unlink(missing_ok=True)
