"""The pipe between a worker's supervisor and a job's child process: JSON lines, both ways.

From the supervisor: `start` (once), `stop` (with `cancel`), `confirmed` or `refused` (answers).
From the child: `alive`, `progress`, `checkpoint`, `message`, `confirm`, and at last one of `done`,
`wait`, `yielded`, `failed`, `broke`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from typing import Any, Final

ALIVE: Final = "alive"
"""Type of the message that says that the job's function does something."""

LOG_FORMAT: Final = "%(levelname)s %(name)s: %(message)s"
"""How a child writes its log: time, job and attempt are added by the worker's."""

LOG_LINE: Final = re.compile(r"(DEBUG|INFO|WARNING|ERROR|CRITICAL) ([\w.]+): (.*)")
"""Level, logger and message of a line of that format."""

FINAL: Final = frozenset(("done", "wait", "yielded", "failed", "broke"))
"""Types of the last message of a child."""

_MAX_LINE: Final = 64 * 2**20


class Channel:
    """One end of the pipe. Many threads may send; one reads.

    Args:
        end: A connected stream socket; it belongs to the channel from here on.
    """

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._lock = threading.Lock()
        self._reader = end.makefile("rb")

    def send(self, type_: str, /, **fields: Any) -> bool:
        """Sends one message. Returns whether the other end is still there."""
        line = json.dumps({"type": type_, **fields}).encode() + b"\n"
        try:
            with self._lock:
                self._socket.sendall(line)
        except OSError:
            return False
        return True

    def messages(self) -> Iterator[dict[str, Any]]:
        """Every message of the other end, until it closes."""
        try:
            while (line := self._reader.readline(_MAX_LINE)).endswith(b"\n"):
                yield json.loads(line)
        except OSError:
            return

    def close(self) -> None:
        """Closes this end; the other sees it."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.close()
        self._socket.close()


def pack(content: bytes) -> str:
    """Bytes as text."""
    return base64.b64encode(content).decode()


def unpack(text: str) -> bytes:
    """Reverses `pack`."""
    return base64.b64decode(text)
