"""How tritonserver is started on one machine."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from medsynth.errors import FailedPreconditionError
from medsynth.local.plan import remove
from medsynth.local.programs import RUNTIME, tritonserver

_EXIT_SECONDS: Final = 5


@dataclass(frozen=True)
class Command:
    """What to run.

    Attributes:
        arguments: The program and its arguments.
        environment: Variables on top of those that are there.
        leftovers: Glob of the shared memory that it leaves when it is killed.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    leftovers: str = ""

    def remove_leftovers(self) -> None:
        """Frees that memory; for when it does not run."""
        remove(self.leftovers)


def is_brought(program: Path) -> bool:
    """Whether `make setup` brought a program; its tritonserver has the Python backend alone."""
    return RUNTIME in program.parents


def triton_command(folder: Path, models: Path, port: int, metrics_port: int) -> Command:
    """The command of a tritonserver that serves what it is told to load, on loopback.

    Args:
        folder: Where it may keep files of its own; made if need be.
        models: The model repository; made if need be.
        port: Of its gRPC endpoint.
        metrics_port: Of its Prometheus endpoint.

    Raises:
        FailedPreconditionError: There is no tritonserver, or none for this Python.
    """
    program = tritonserver()
    models.mkdir(parents=True, exist_ok=True)
    arguments = [
        *(str(program), f"--model-repository={models}", "--model-control-mode=explicit"),
        # With strict readiness, one generator that does not load takes the server away from all.
        "--strict-readiness=false",
        *("--allow-http=false", "--grpc-address=127.0.0.1", f"--grpc-port={port}"),
        *("--metrics-address=127.0.0.1", f"--metrics-port={metrics_port}"),
        *("--log-format=ISO8601", f"--exit-timeout-secs={_EXIT_SECONDS}"),
    ]
    if not is_brought(program):
        return Command(tuple(arguments), {})
    backends = _lay_out_backends(program, folder / "backends")
    status = folder.stat()
    prefix = f"medsynth-{status.st_dev:x}-{status.st_ino:x}-"
    arguments += [
        f"--backend-directory={backends}",
        f"--backend-config=python,shm-region-prefix-name={prefix}",
    ]
    return Command(tuple(arguments), _environment(), f"/dev/shm/{prefix}*")


def _lay_out_backends(program: Path, folder: Path) -> Path:
    """The brought server looks for the stub of its Python backend beside the backend's library."""
    root = program.parents[1]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = root / "python_backend_stubs" / version / "triton_python_backend_stub"
    if not stub.is_file():
        known = sorted(path.name for path in (root / "python_backend_stubs").iterdir())
        raise FailedPreconditionError(
            f"the tritonserver of `make setup` runs models with Python {', '.join(known)}; this is "
            f"Python {version}: use one of those, or put a tritonserver on PATH",
            reason="PROGRAM_MISSING",
        )
    target = folder / "python"
    target.mkdir(parents=True, exist_ok=True)
    for file in (*(root / "backends" / "python").iterdir(), stub):
        link = target / file.name
        if not link.exists() or not link.samefile(file):
            link.unlink(missing_ok=True)
            link.symlink_to(file)
    return folder


def _environment() -> dict[str, str]:
    libraries = [
        str(RUNTIME / "nvidia_pytriton.libs"),
        str(sysconfig.get_config_var("LIBDIR")),
        os.environ.get("LD_LIBRARY_PATH", ""),
    ]
    # The stub ignores PYTHONPATH and PYTHONHOME: it takes the environment of the first `python3`
    # on PATH.
    path = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return {
        "LD_LIBRARY_PATH": ":".join(filter(None, libraries)),
        "PATH": ":".join(path),
    }
