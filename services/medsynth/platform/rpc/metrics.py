"""The standard metrics of gRPC servers, by the names that dashboards know."""

from __future__ import annotations

from typing import Final

import grpc
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

_LABELS: Final = ("grpc_type", "grpc_service", "grpc_method")
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600)


class RpcMetrics:
    """Counts calls and messages.

    Args:
        registry: Where they are shown.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.started = Counter(
            "grpc_server_started", "Calls that began.", _LABELS, registry=registry
        )
        self.handled = Counter(
            "grpc_server_handled",
            "Calls that ended, whatever their status.",
            (*_LABELS, "grpc_code"),
            registry=registry,
        )
        self.received = Counter(
            "grpc_server_msg_received", "Messages received.", _LABELS, registry=registry
        )
        self.sent = Counter("grpc_server_msg_sent", "Messages sent.", _LABELS, registry=registry)
        self.seconds = Histogram(
            "grpc_server_handling_seconds",
            "Time from a call's begin to its end.",
            _LABELS,
            buckets=_BUCKETS,
            registry=registry,
        )


class CallMetrics:
    """What is counted of one call.

    Args:
        metrics: Where.
        kind: `unary`, `client_stream`, `server_stream` or `bidi_stream`.
        method: `/package.Service/Method`.
    """

    def __init__(self, metrics: RpcMetrics, kind: str, method: str) -> None:
        _, service, name = method.split("/")
        labels = (kind, service, name)
        self._handled = metrics.handled
        self._labels = labels
        self.received = metrics.received.labels(*labels)
        self.sent = metrics.sent.labels(*labels)
        self._seconds = metrics.seconds.labels(*labels)
        metrics.started.labels(*labels).inc()

    def ended(self, code: grpc.StatusCode, seconds: float) -> None:
        """The call is over."""
        self._handled.labels(*self._labels, _camel(code)).inc()
        self._seconds.observe(seconds)


def _camel(code: grpc.StatusCode) -> str:
    """`InvalidArgument`: how the label spells codes everywhere."""
    if code is grpc.StatusCode.OK:
        return "OK"
    if code is grpc.StatusCode.CANCELLED:
        return "Canceled"
    return "".join(word.capitalize() for word in code.name.split("_"))
