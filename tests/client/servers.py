"""Services for the client's own tests: real gRPC servers on real sockets with scripted answers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from grpc_status import rpc_status

from medsynth.errors import MedsynthError
from medsynth.platform.rpc.errors import to_status
from medsynth.v1 import (
    evaluator_pb2_grpc,
    jobs_pb2,
    sampler_pb2_grpc,
    trainer_pb2_grpc,
)

_ADD = {
    "trainer": trainer_pb2_grpc.add_TrainerServiceServicer_to_server,
    "sampler": sampler_pb2_grpc.add_SamplerServiceServicer_to_server,
    "evaluator": evaluator_pb2_grpc.add_EvaluatorServiceServicer_to_server,
}


def start(address: str = "127.0.0.1:0", **servicers: Any) -> tuple[grpc.Server, str]:
    """A server with the given servicers, and its address."""
    server = grpc.server(ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)])
    for service, servicer in servicers.items():
        _ADD[service](servicer, server)
    port = server.add_insecure_port(address)
    server.start()
    return server, f"127.0.0.1:{port}"


@contextmanager
def serving(**servicers: Any) -> Iterator[str]:
    """The address of a server that runs for the length of the block."""
    server, address = start(**servicers)
    try:
        yield address
    finally:
        server.stop(None).wait()


def refuse(context: grpc.ServicerContext, error: MedsynthError) -> None:
    """Ends a call with a domain error."""
    context.abort_with_status(rpc_status.to_status(to_status(error)))


def change(event_id: int, to: jobs_pb2.JobState) -> jobs_pb2.JobEvent:
    """A change of state as an event."""
    return jobs_pb2.JobEvent(event_id=str(event_id), state_change=jobs_pb2.StateChange(to=to))


def progress(event_id: int, done: int, total: int = 100) -> jobs_pb2.JobEvent:
    """Progress as an event."""
    return jobs_pb2.JobEvent(
        event_id=str(event_id),
        progress=jobs_pb2.Progress(done=done, total=total, unit="images", phase="training"),
    )
