"""A real tritonserver of the tests' own."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from medsynth.local.probe import answers
from medsynth.local.triton import triton_command
from tests.redis_server import free_port
from tests.support import eventually


class TritonServer:
    """A tritonserver on the loopback interface; may be stopped, killed and started again.

    Attributes:
        models: Its model repository.
        url: Its gRPC endpoint, `host:port`.

    Args:
        folder: Where it keeps its files, for itself alone.
    """

    def __init__(self, folder: Path) -> None:
        self.models = folder / "models"
        self._log = folder / "triton.log"
        self._port = free_port()
        self.url = f"127.0.0.1:{self._port}"
        self._command = triton_command(folder / "triton", self.models, self._port, free_port())
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def leftovers(self) -> str:
        """Glob of the shared memory that it uses."""
        return self._command.leftovers

    def start(self) -> None:
        """Returns once it answers."""
        self._command.remove_leftovers()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command.arguments,
                env={**os.environ, **self._command.environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        eventually(self._answers, timeout=60)

    def stop(self) -> None:
        """SIGTERM."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, for the server and for the processes of its models."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, how)
            self._process.wait()
            self._process = None
            self._command.remove_leftovers()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        return answers(f"grpc://{self.url}")
