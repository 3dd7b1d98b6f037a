"""A Triton and a Redis of their own, which a test may kill."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

import redis

from medsynth.local.programs import redis_server
from medsynth.local.triton import remove_shared_memory, triton_command
from medsynth.sampler.triton import Triton
from tests.support import eventually


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class TritonServer:
    """tritonserver as the one-machine stack starts it."""

    def __init__(self, folder: Path) -> None:
        self.models = folder / "models"
        port = free_port()
        self.url = f"127.0.0.1:{port}"
        self._folder = folder
        self._log = folder / "triton.log"
        self._command = triton_command(folder, self.models, port, free_port())
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command.arguments,
                env={**os.environ, **self._command.environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        client = Triton(self.url)
        assert client.wait_until_live(60), self._log.read_text()[-2000:]
        client.close()

    def kill(self) -> None:
        """SIGKILL, for the server and for the processes of its models."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
            remove_shared_memory(self._folder)


class RedisServer:
    """redis-server on a port of its own, which keeps nothing."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        command = [str(redis_server()), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        with (folder / "redis.log").open("wb") as log:
            self._process = subprocess.Popen([*command, "--dir", str(folder)], stdout=log)
        self.client = redis.Redis.from_url(self.url)
        eventually(self._answers)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False

    def stop(self) -> None:
        self.client.close()
        self._process.kill()
        self._process.wait()
