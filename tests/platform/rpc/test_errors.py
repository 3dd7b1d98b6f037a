from __future__ import annotations

import errno
import logging

import pytest
import redis
from google.rpc import error_details_pb2
from hypothesis import given
from hypothesis import strategies as st

from medsynth.errors import (
    DataError,
    FieldViolation,
    InvalidArgumentError,
    MedsynthError,
    NotFoundError,
    ResourceExhaustedError,
    UnavailableError,
)
from medsynth.platform.rpc.errors import DOMAIN, as_domain_error, to_status

LONG = st.text(max_size=30).map(lambda text: text * 500)
VIOLATIONS = st.lists(st.builds(FieldViolation, LONG, LONG), max_size=30)


def test_a_field_travels_with_reason_and_description() -> None:
    status = to_status(InvalidArgumentError.field("gan.size", 48, "a power of two"))
    info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert status.code == 3
    assert status.message == "gan.size: 48 is not accepted: expected a power of two"
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(request)
    assert (info.domain, info.reason) == (DOMAIN, "INVALID_ARGUMENT")
    (violation,) = request.field_violations
    assert violation.field == "gan.size"
    assert "48" in violation.description


@pytest.mark.parametrize(
    ("error", "code"),
    [(NotFoundError("x"), 5), (DataError("x"), 9), (UnavailableError("x"), 14)],
)
def test_each_error_has_its_code(error: MedsynthError, code: int) -> None:
    status = to_status(error)
    assert status.code == code
    assert len(status.details) == 1


def test_metadata_travels() -> None:
    info = error_details_pb2.ErrorInfo()
    to_status(NotFoundError("x", reason="GONE", metadata={"job": "a"})).details[0].Unpack(info)
    assert info.reason == "GONE"
    assert dict(info.metadata) == {"job": "a"}


@given(LONG, VIOLATIONS, st.dictionaries(LONG, LONG, max_size=30))
def test_no_error_is_too_large_to_travel(
    message: str, violations: list[FieldViolation], metadata: dict[str, str]
) -> None:
    error = InvalidArgumentError(message, violations=violations, metadata=metadata)
    status = to_status(error)
    assert status.ByteSize() < 4000
    # gRPC's own limit is on the trailers: base64 of the status, percent-encoded message.
    assert status.ByteSize() * 4 / 3 + len(status.message.encode()) * 3 < 8000
    if len(message.encode(errors="replace")) > 800:
        assert status.message.endswith("...")


def test_a_long_message_keeps_its_beginning() -> None:
    assert to_status(NotFoundError("ä" * 5000)).message == "ä" * 398 + "..."


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (redis.ConnectionError("x"), UnavailableError),
        (redis.TimeoutError("x"), UnavailableError),
        (redis.exceptions.OutOfMemoryError("x"), ResourceExhaustedError),
        (OSError(errno.ENOSPC, "x"), ResourceExhaustedError),
        (OSError(errno.EROFS, "x"), UnavailableError),
        (PermissionError(errno.EACCES, "x"), UnavailableError),
    ],
)
def test_infrastructure_that_fails_is_known(
    error: Exception, expected: type[MedsynthError]
) -> None:
    assert type(as_domain_error(error)) is expected


@pytest.mark.parametrize("error", [KeyError("secret"), redis.ResponseError("secret")])
def test_what_is_unexpected_is_logged_and_not_told(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        known = as_domain_error(error)
    assert known.code == "INTERNAL"
    assert "secret" not in str(known.to_dict())
    assert known.metadata["reference"] in known.message
    assert known.metadata["reference"] in caplog.text
    assert "secret" in caplog.text
