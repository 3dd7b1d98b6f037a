"""Domain errors as they travel: `google.rpc.Status` with `ErrorInfo` and `BadRequest`."""

from __future__ import annotations

import logging
from typing import Final
from uuid import uuid4

import redis
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from medsynth.errors import MedsynthError, shorten
from medsynth.platform.faults import machine_error
from medsynth.platform.jobs.connection import domain_errors

DOMAIN: Final = "medsynth"
"""The domain of every `ErrorInfo`."""

# gRPC refuses trailers above 8 KiB, at random from there on. A status travels in base64 (4/3 of
# its size) and its message once more, percent-encoded (up to 3 times its size).
_STATUS_BYTES: Final = 3500
_MESSAGE_BYTES: Final = 800
_DESCRIPTION_BYTES: Final = 600
_FIELD_BYTES: Final = 200
_METADATA_BYTES: Final = 200

_log = logging.getLogger(__name__)


def to_status(error: MedsynthError) -> status_pb2.Status:
    """An error as it travels: below 4 KB, long texts shortened, what does not fit left out."""
    status = status_pb2.Status(
        code=code_pb2.Code.Value(error.code), message=shorten(error.message, _MESSAGE_BYTES)
    )
    info = error_details_pb2.ErrorInfo(reason=error.reason[:63], domain=DOMAIN)
    for key, value in error.metadata.items():
        if info.ByteSize() < _STATUS_BYTES // 4:
            info.metadata[shorten(key, 64)] = shorten(value, _METADATA_BYTES)
    status.details.append(_pack(info))
    request = error_details_pb2.BadRequest()
    for violation in error.violations:
        entry = error_details_pb2.BadRequest.FieldViolation(
            field=shorten(violation.field, _FIELD_BYTES),
            description=shorten(violation.description, _DESCRIPTION_BYTES),
        )
        if status.ByteSize() + request.ByteSize() + entry.ByteSize() > _STATUS_BYTES - 100:
            break
        request.field_violations.append(entry)
    if request.field_violations:
        status.details.append(_pack(request))
    return status


def as_domain_error(error: Exception) -> MedsynthError:
    """Any exception as one that may be shown to a client.

    Redis that does not answer, full disks and the like become errors that say so. What is
    unexpected is logged with its stack trace under a reference, and the client is told the
    reference alone.
    """
    if isinstance(error, MedsynthError):
        return error
    if isinstance(error, redis.RedisError):
        try:
            with domain_errors():
                raise error
        except MedsynthError as known:
            return known
        except redis.RedisError:
            return _unexpected(error)
    refused = machine_error(error)
    if refused is not None:
        _log.error("the machine refuses: %s", error)
        return refused
    return _unexpected(error)


def _unexpected(error: Exception) -> MedsynthError:
    reference = uuid4().hex[:12]
    _log.error("unexpected error, reference %s", reference, exc_info=error)
    return MedsynthError(
        f"an error that was not expected; the server's log has it under reference {reference}",
        metadata={"reference": reference},
    )


def _pack(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
