"""A real redis-server of the tests' own."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import redis

from medsynth.local.programs import redis_server
from medsynth.platform.jobs.connection import connect
from tests.support import eventually


def free_port() -> int:
    """A port of the loopback interface that nothing listens on now.

    Outgoing connections get none of these, so that it is still free a little later, or again.
    """
    while True:
        port = random.SystemRandom().randrange(12_000, 30_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class RedisServer:
    """A redis-server on the loopback interface; may be stopped, killed and started again.

    Args:
        folder: Where it keeps its files, for itself alone.
        append_only: Whether a start finds what was there before.
    """

    def __init__(self, folder: Path, *, append_only: bool = False) -> None:
        self._folder = folder
        self._append_only = append_only
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    @property
    def client(self) -> redis.Redis:
        return connect(self.url)

    def start(self) -> None:
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(str(redis_server()), "--port", str(self._port), "--bind", "127.0.0.1"),
                    *("--dir", str(self._folder), "--save", "", "--daemonize", "no"),
                    *("--appendonly", "yes" if self._append_only else "no"),
                    *("--appendfsync", "always"),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually(self._answers)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            os.kill(self._process.pid, how)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "redis.log").read_text()
        try:
            return bool(connect(self.url, retries=0).ping())
        except redis.ConnectionError:
            return False
