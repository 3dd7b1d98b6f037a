"""The gRPC server that every service is."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import CollectorRegistry

from medsynth.errors import FailedPreconditionError
from medsynth.platform.rpc.interceptor import CallInterceptor
from medsynth.platform.rpc.metrics import RpcMetrics
from medsynth.settings import Settings

_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING

_KEEPALIVE: Final = (
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Clients may ask as often, also between calls.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)

_RESERVED: Final = 16
"""Threads for health and reflection alone: a flood of calls does not make a service look dead."""

Add = Callable[[Any, grpc.Server], None]
"""A generated `add_...Servicer_to_server`."""


class Background(Protocol):
    """Something that runs beside the server, such as the reconciler."""

    def start(self) -> None:
        """Begins."""

    def stop(self) -> None:
        """Ends, and waits for it."""


class Server:
    """A server with health and reflection.

    Attributes:
        port: Where it listens.
    """

    def __init__(
        self,
        server: grpc.Server,
        port: int,
        health_servicer: health.HealthServicer,
        services: Sequence[str],
        grace: float,
    ) -> None:
        self.port = port
        self._server = server
        self._health = health_servicer
        self._services = services
        self._grace = grace

    def start(self) -> None:
        """Begins to answer; health says SERVING for each service and for the whole."""
        self._server.start()
        for service in ("", *self._services):
            self._health.set(service, _SERVING)

    def stop(self, grace: float | None = None) -> None:
        """Health says NOT_SERVING at once, new calls are refused, and running ones may go on.

        Args:
            grace: Seconds until they are cancelled. None: as in the settings.
        """
        self._health.enter_graceful_shutdown()
        self._server.stop(self._grace if grace is None else grace).wait()


def build_server(
    settings: Settings,
    address: str,
    servicers: Iterable[tuple[Add, Any]],
    service_names: Sequence[str],
    *,
    metrics: RpcMetrics | None = None,
) -> Server:
    """A server that listens but does not answer yet.

    Args:
        settings: Threads, grace, size of requests.
        address: `host:port`; port 0: a free one.
        servicers: What answers, each with the function that adds it.
        service_names: Full names of the services, such as `medsynth.v1.TrainerService`.
        metrics: Where calls are counted. None: nowhere that is shown.

    Raises:
        FailedPreconditionError: Nothing can listen at that address.
    """
    server = grpc.server(
        ThreadPoolExecutor(settings.rpc_threads + _RESERVED, thread_name_prefix="rpc"),
        interceptors=[
            CallInterceptor(metrics or RpcMetrics(CollectorRegistry()), settings.rpc_threads)
        ],
        options=[
            *_KEEPALIVE,
            # A second server on one port would take half of the first one's calls.
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", settings.max_request_bytes),
        ],
        maximum_concurrent_rpcs=settings.rpc_threads + _RESERVED,
    )
    for add, servicer in servicers:
        add(servicer, server)
    health_servicer = health.HealthServicer(experimental_non_blocking=False)
    for service in ("", *service_names):
        health_servicer.set(service, _NOT_SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    names = (*service_names, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise FailedPreconditionError(
            f"cannot listen at {address!r}: another process may hold it", reason="CANNOT_LISTEN"
        ) from error
    return Server(server, port, health_servicer, service_names, settings.rpc_grace)


def serve_until_signalled(server: Server, background: Sequence[Background] = ()) -> None:
    """Serves until SIGTERM or SIGINT, then stops with grace; a second signal ends the grace.

    Call it from the main thread.

    Args:
        server: What serves.
        background: What runs meanwhile.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    previous_descriptor = signal.set_wakeup_fd(writing)
    previous = {
        number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        for thing in background:
            thing.start()
        server.start()
        os.read(reading, 1)
        stopping = threading.Thread(target=server.stop, name="stop")
        stopping.start()
        while stopping.is_alive():
            if select.select([reading], [], [], 0.05)[0]:
                server.stop(0)
                break
        stopping.join()
        for thing in background:
            thing.stop()
    finally:
        signal.set_wakeup_fd(previous_descriptor)
        for number, handler in previous.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)
