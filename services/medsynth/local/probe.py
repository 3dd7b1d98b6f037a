"""Waits until processes answer, and prints the name of each as it does.

    python -m medsynth.local.probe NAME=URL...

A process of its own: the stack's parent starts processes by fork, beside which gRPC's threads
cannot live.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from typing import Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_PAUSE: Final = 0.02
_PATIENCE: Final = 2.0
_OPTIONS: Final = (
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 100),
    ("grpc.enable_http_proxy", 0),
)


def answers(url: str) -> bool:
    """Whether what is behind a URL of `Process.ready` answers now."""
    kind, _, address = url.partition("://")
    if kind == "grpc":
        return _serves(address)
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=_PATIENCE) as connection:
            if kind == "tcp":
                return True
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _serves(address: str) -> bool:
    request = health_pb2.HealthCheckRequest()
    with grpc.insecure_channel(address, options=_OPTIONS) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=_PATIENCE)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def wait(name: str, url: str) -> None:
    """Returns once it answers, after printing its name."""
    while not answers(url):
        time.sleep(_PAUSE)
    print(name, flush=True)


def main(arguments: list[str]) -> int:
    """Waits for all of them at once."""
    threads = []
    for argument in arguments:
        name, _, url = argument.partition("=")
        threads.append(threading.Thread(target=wait, args=(name, url)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
