"""What a service answers when it refuses, as domain errors."""

from __future__ import annotations

from typing import cast

import grpc
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from medsynth.errors import MedsynthError, UnavailableError, from_dict

UNREACHABLE = "SERVICE_UNREACHABLE"
"""Reason of the `UnavailableError` for a service that does not answer at all."""


def from_status(status: status_pb2.Status) -> MedsynthError:
    """The domain error that travelled as a `google.rpc.Status`.

    Args:
        status: What a call failed with, or the error of a job that failed.

    Returns:
        The class follows from the status code and the reason of its `ErrorInfo`, the fields at
        fault come from its `BadRequest`. A code without a class of its own gives the root class.
    """
    code = code_pb2.Code.Name(status.code)
    reason, metadata, violations = code, {}, []
    for detail in status.details:
        info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(request):
            violations = [
                {"field": violation.field, "description": violation.description}
                for violation in request.field_violations
            ]
    return from_dict(
        {
            "code": code,
            "reason": reason,
            "message": status.message or code,
            "violations": violations,
            "metadata": metadata,
        }
    )


def from_rpc_error(error: grpc.RpcError, service: str, address: str) -> MedsynthError:
    """The domain error behind a failed call.

    Args:
        error: What the call raised.
        service: `trainer`, `sampler` or `evaluator`.
        address: Where it was called.

    Returns:
        What the service sent if it sent something, else an `UnavailableError` that names the
        address (no connection, or no answer in time), else the bare status as the class of its
        code.
    """
    status = _sent(error)
    if status is not None:
        return from_status(status)
    code = error.code()
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        what = "did not answer in time"
    elif is_lost(error):
        what = "does not answer"
    else:
        return from_status(status_pb2.Status(code=code.value[0], message=error.details() or ""))
    return UnavailableError(
        f"The {service} at {address} {what} ({error.details() or code.name}). "
        "`medsynth up` starts everything on this machine, `medsynth status` shows what runs",
        reason=UNREACHABLE,
        metadata={"service": service, "address": address},
    )


def is_lost(error: grpc.RpcError) -> bool:
    """Whether the same call may succeed later: no connection, or the service asks to retry."""
    if error.code() == grpc.StatusCode.UNAVAILABLE:
        return True
    # A server that stops answers the calls that it still holds with one of these.
    details = error.details() or ""
    return _sent(error) is None and (
        error.code() == grpc.StatusCode.CANCELLED or "RST_STREAM" in details
    )


def _sent(error: grpc.RpcError) -> status_pb2.Status | None:
    """What the service itself sent; None: the status is the transport's."""
    return cast(status_pb2.Status | None, rpc_status.from_call(cast(grpc.Call, error)))
