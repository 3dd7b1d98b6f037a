"""The channel options of services and clients: gRPC ignores those that it does not know."""

from __future__ import annotations

from pathlib import Path

import pytest
from grpc._cython import cygrpc

from medsynth.client import connection
from medsynth.platform.rpc import server

NAMES = {
    "grpc.keepalive_time_ms",
    "grpc.http2.min_ping_interval_without_data_ms",
    *(name for name, _ in server._KEEPALIVE),
    *(name for name, _ in connection._OPTIONS),
}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_grpc_knows_the_option(name: str) -> None:
    assert name.encode() in Path(cygrpc.__file__).read_bytes()


def test_services_allow_the_pings_of_clients() -> None:
    """Else a watcher of a silent job would be cut off every other minute."""
    allowed = dict(server._KEEPALIVE)["grpc.http2.min_ping_interval_without_data_ms"]
    assert dict(connection._OPTIONS)["grpc.keepalive_time_ms"] > allowed
