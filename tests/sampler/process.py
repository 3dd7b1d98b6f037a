"""A sampler in a process of its own, as a cluster runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from medsynth.sampler.deployment import Deployment
from tests.redis_server import free_port
from tests.triton_server import TritonServer


@dataclass(frozen=True)
class SamplerProcess:
    """A running sampler.

    Attributes:
        pid: Its process.
        address: Where it listens.
        metrics: Where it shows its metrics.
    """

    pid: int
    address: str
    metrics: str

    @property
    def resident_mib(self) -> float:
        """Memory that it holds now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024


def environment(
    deployment: Deployment,
    triton: TritonServer,
    redis_url: str,
    home: Path,
    address: str,
    metrics: str,
) -> dict[str, str]:
    """This process's environment with the settings of a sampler."""
    return {
        **os.environ,
        "MEDSYNTH_HOME": str(home),
        "MEDSYNTH_STORAGE_ROOT": deployment.storage.root,
        "MEDSYNTH_MODEL_REPOSITORY": str(triton.models),
        "MEDSYNTH_TRITON_URL": triton.url,
        "MEDSYNTH_TRITON_BACKEND": "python",
        "MEDSYNTH_REDIS_URL": redis_url,
        "MEDSYNTH_SAMPLER_ADDRESS": address,
        "MEDSYNTH_METRICS_ADDRESS": metrics,
    }


@contextmanager
def running_sampler(
    deployment: Deployment, triton: TritonServer, redis_url: str, home: Path
) -> Iterator[SamplerProcess]:
    """A sampler over a deployment's storage and a Triton, for the length of the block."""
    address, metrics = (f"127.0.0.1:{free_port()}" for _ in range(2))
    with subprocess.Popen(
        [sys.executable, "-m", "medsynth.sampler.service"],
        env=environment(deployment, triton, redis_url, home, address, metrics),
    ) as process:
        try:
            yield SamplerProcess(process.pid, address, metrics)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
