"""The three services, and workers, as processes of their own beside a Redis of the tests."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc

from medsynth.local.probe import answers
from medsynth.local.processes import SERVICES
from medsynth.settings import Settings
from tests.redis_server import free_port
from tests.support import calls_under_way, eventually


class Services:
    """Running processes that share one home.

    Attributes:
        home: Their folder; each has its log in it.
        addresses: Where the services listen, by name.

    Args:
        home: New or empty.
        redis_url: Where the jobs are.
        settings: Further settings of all processes.
    """

    def __init__(self, home: Path, redis_url: str, **settings: Any) -> None:
        self.home = home
        self.addresses = {name: f"127.0.0.1:{free_port()}" for name in SERVICES}
        self._metrics = {name: f"127.0.0.1:{free_port()}" for name in SERVICES}
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("MEDSYNTH_")}
        given = {
            "home": home,
            "redis_url": redis_url,
            "triton_backend": "python",
            "weights_download": "false",
            "device": "cpu",
            "log_format": "text",
            **{f"{name}_address": address for name, address in self.addresses.items()},
            **settings,
        }
        self._environment = {
            **inherited,
            "OMP_NUM_THREADS": "1",
            **{f"MEDSYNTH_{name.upper()}": str(value) for name, value in given.items()},
        }
        self.settings = Settings(
            home=home, redis_url=redis_url, storage_root=str(given.get("storage_root", ""))
        )
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Returns once all services answer."""
        for name in SERVICES:
            self._start(
                name,
                ["-m", f"medsynth.{name}.service"],
                MEDSYNTH_METRICS_ADDRESS=self._metrics[name],
            )
        for name, address in self.addresses.items():
            eventually(
                lambda name=name, at=address: self._up(name) and answers(f"grpc://{at}"), 120
            )

    def start_worker(
        self, queue: str, limit: tuple[int, int] | None = None, **environment: str
    ) -> None:
        """Starts a worker, or replaces the one of its queue.

        Args:
            queue: `gpu` or `light`.
            limit: A resource, such as `resource.RLIMIT_FSIZE`, and how much of it the worker and
                its children may use.
            environment: Variables on top of those of all processes.
        """
        self.stop_worker(queue)
        command = ["-m", "medsynth.platform.jobs.worker", "--queue", queue]
        self._start(queue, command, **environment)
        if limit is not None:
            # From outside: what runs after a fork beside gRPC's threads may hang.
            resource.prlimit(self.pid(queue), limit[0], (limit[1], limit[1]))

    def stop_worker(self, queue: str) -> None:
        process = self._processes.pop(queue, None)
        if process is not None:
            process.terminate()
            process.wait(60)

    def stop(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait(60)
        self._processes.clear()

    def alive(self) -> bool:
        """Whether every process that was started still runs."""
        return all(process.poll() is None for process in self._processes.values())

    def channel(self, name: str) -> grpc.Channel:
        return grpc.insecure_channel(self.addresses[name])

    def log(self, name: str) -> str:
        return (self.home / f"{name}.log").read_text(errors="replace")

    def calls_under_way(self, name: str) -> int:
        """Calls of a service that began and have not ended, by its own count."""
        return calls_under_way(self._metrics[name])

    def memory(self, name: str) -> int:
        """Resident bytes of a process."""
        status = Path(f"/proc/{self._processes[name].pid}/status").read_text()
        return 1024 * int(status.partition("VmRSS:")[2].split()[0])

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def _up(self, name: str) -> bool:
        assert self._processes[name].poll() is None, self.log(name)
        return True

    def _start(
        self,
        name: str,
        command: Sequence[str],
        **environment: str,
    ) -> None:
        with (self.home / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, *command],
                env={**self._environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
