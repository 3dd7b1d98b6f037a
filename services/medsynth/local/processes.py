"""The processes of the one-machine stack."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from medsynth.errors import FailedPreconditionError
from medsynth.local import triton
from medsynth.local.plan import Plan, Process
from medsynth.local.programs import redis_server
from medsynth.platform.jobs.kinds import QUEUES
from medsynth.settings import Settings

SERVICES: Final = ("trainer", "sampler", "evaluator")
_LOOPBACK: Final = "127.0.0.1"
_TRITON_METRICS_PORT: Final = 7722
_PATHS: Final = ("home", "storage_root", "model_repository", "weights_root", "pseudonym_key_file")


class _Ports:
    """Chooses ports of the loopback interface, each once."""

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def choose(self, preferred: int = 0) -> int:
        """The preferred port if it is free, else a free one."""
        held = _bind(preferred) or _bind(0)
        if held is None:
            raise FailedPreconditionError("no port of the loopback interface is free")
        self._held.append(held)
        port: int = held.getsockname()[1]
        return port

    def take(self, address: str, name: str) -> None:
        """Makes sure that an address that was asked for is free.

        Raises:
            FailedPreconditionError: Something listens there.
        """
        host, _, port = address.rpartition(":")
        held = _bind(int(port), host) if port.isdigit() else None
        if held is None:
            raise FailedPreconditionError(
                f"{name} is {address!r}, where nothing can listen: another process may hold it"
            )
        self._held.append(held)

    def release(self) -> None:
        for held in self._held:
            held.close()


def _bind(port: int, host: str = _LOOPBACK) -> socket.socket | None:
    listener = socket.socket()
    # As servers do: a port is free though connections of its last owner linger.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        return None
    return listener


def make_plan(settings: Settings) -> Plan:
    """The plan of a stack: loopback only, every path readable, unless the settings say otherwise.

    Redis and Triton are part of it unless their addresses are set. Services listen on their
    default ports where these are free, else on free ones.

    Raises:
        FailedPreconditionError: A program is missing, or an address that is set is taken.
    """
    home = settings.home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    values = _given(settings)
    ports = _Ports()
    try:
        processes = [
            *_redis(settings, home, ports, values),
            *_triton(settings, home, ports, values),
        ]
        for service in SERVICES:
            key = f"{service}_address"
            if key in values:
                ports.take(values[key], key)
            else:
                preferred = int(getattr(settings, key).rpartition(":")[2])
                values[key] = f"{_LOOPBACK}:{ports.choose(preferred)}"
        values.setdefault("data_roots", ["/"])
        values.setdefault("log_format", "text")
        environment = _environment(values)
        processes += [_service(name, settings, values, ports, environment) for name in SERVICES]
        processes += [_worker(queue, settings, ports, environment) for queue in QUEUES]
    finally:
        ports.release()
    return Plan(str(home), values, tuple(processes))


def _given(settings: Settings) -> dict[str, Any]:
    """The settings that were set, paths made absolute: the stack has its own working folder."""
    fields = settings.model_fields_set - {"listen_address", "metrics_address"}
    values = settings.model_dump(mode="json", include=fields)
    values["home"] = str(settings.home)
    for key in _PATHS:
        if values.get(key):
            values[key] = _absolute(values[key])
    if "data_roots" in values:
        values["data_roots"] = [_absolute(root) for root in values["data_roots"]]
    return values


def _absolute(path: str) -> str:
    return path if "://" in path else os.path.abspath(path)


def _environment(values: Mapping[str, Any]) -> dict[str, str]:
    direct = os.environ.get("no_grpc_proxy") or os.environ.get("no_proxy", "")  # noqa: SIM112
    return {
        # gRPC would ask an HTTP proxy even for this machine.
        "no_grpc_proxy": ",".join(filter(None, (direct, _LOOPBACK))),
        **{
            f"MEDSYNTH_{key.upper()}": value if isinstance(value, str) else json.dumps(value)
            for key, value in values.items()
            if value is not None
        },
    }


def _redis(settings: Settings, home: Path, ports: _Ports, values: dict[str, Any]) -> list[Process]:
    if "redis_url" in values:
        return []
    preferred = int(settings.redis_url.rpartition(":")[2].partition("/")[0])
    port = ports.choose(preferred)
    values["redis_url"] = f"redis://{_LOOPBACK}:{port}/0"
    folder = home / "redis"
    folder.mkdir(exist_ok=True)
    arguments = (
        *(str(redis_server()), "--bind", _LOOPBACK, "--port", str(port), "--dir", str(folder)),
        # What was acknowledged is on the disk: with `everysec`, even a kill could lose seconds.
        *("--appendonly", "yes", "--appendfsync", "always", "--save", "", "--daemonize", "no"),
        *("--maxmemory-policy", "noeviction"),
    )
    return [Process("redis", arguments, ready=f"redis://{_LOOPBACK}:{port}", stage=3)]


def _triton(settings: Settings, home: Path, ports: _Ports, values: dict[str, Any]) -> list[Process]:
    if "triton_url" in values:
        return []
    port = ports.choose(int(settings.triton_url.rpartition(":")[2]))
    metrics_port = ports.choose(_TRITON_METRICS_PORT)
    values["triton_url"] = f"{_LOOPBACK}:{port}"
    command = triton.triton_command(home / "triton", settings.models.resolve(), port, metrics_port)
    if triton.is_brought(Path(command.arguments[0])):
        values.setdefault("triton_backend", "python")
    return [
        Process(
            "triton",
            command.arguments,
            command.environment,
            ready=f"grpc://{_LOOPBACK}:{port}",
            metrics=f"{_LOOPBACK}:{metrics_port}",
            stage=2,
            leftovers=command.leftovers,
        )
    ]


def _service(
    name: str,
    settings: Settings,
    values: Mapping[str, Any],
    ports: _Ports,
    environment: Mapping[str, str],
) -> Process:
    address, metrics = values[f"{name}_address"], f"{_LOOPBACK}:{ports.choose()}"
    own = {"MEDSYNTH_LISTEN_ADDRESS": address, "MEDSYNTH_METRICS_ADDRESS": metrics}
    return Process(
        name,
        (sys.executable, "-P", "-m", f"medsynth.{name}.service"),
        {**environment, **own},
        ready=f"grpc://{address}",
        metrics=metrics,
        stage=1,
        stop_seconds=settings.rpc_grace + 10,
    )


def _worker(
    queue: str, settings: Settings, ports: _Ports, environment: Mapping[str, str]
) -> Process:
    metrics = f"{_LOOPBACK}:{ports.choose()}"
    return Process(
        f"worker-{queue}",
        (sys.executable, "-P", "-m", "medsynth.platform.jobs.worker", "--queue", queue),
        {**environment, "MEDSYNTH_METRICS_ADDRESS": metrics},
        ready=f"tcp://{metrics}",
        metrics=metrics,
        stage=0,
        stop_seconds=settings.yield_seconds + 10,
    )
