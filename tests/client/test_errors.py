from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.rpc import code_pb2, status_pb2

from medsynth import errors
from medsynth.client import Client, from_status
from medsynth.client.connection import Retry
from medsynth.client.errors import UNREACHABLE
from medsynth.platform.rpc.errors import to_status
from medsynth.v1 import trainer_pb2_grpc
from tests.client.servers import refuse, serving

QUICK = Retry(attempts=3, first_pause=0.01, patience=5.0)

EVERY_ERROR = [
    errors.InvalidArgumentError.field("specification.gan.batch_size", 1, "2 to 1024"),
    errors.DataError("slice.nii is cut off", metadata={"file": "slice.nii"}),
    errors.NotFoundError("generators/x does not exist"),
    errors.AlreadyExistsError("request id r was used for another request"),
    errors.FailedPreconditionError("trainingJobs/x has not ended", reason="JOB_ACTIVE"),
    errors.PermissionDeniedError("/etc lies outside the roots"),
    errors.ResourceExhaustedError("the disk is full"),
    errors.UnavailableError("Redis does not answer"),
    errors.AbortedError("lease lost"),
    errors.MedsynthError("broken"),
]


class Refusing(trainer_pb2_grpc.TrainerServiceServicer):
    def __init__(self, error: errors.MedsynthError) -> None:
        self.error = error
        self.calls = 0

    def ListPresets(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self.calls += 1
        refuse(context, self.error)


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
def test_domain_errors_cross_the_wire_unchanged(error: errors.MedsynthError) -> None:
    servicer = Refusing(error)
    with (
        serving(trainer=servicer) as address,
        Client(trainer=address, retry=QUICK) as client,
        pytest.raises(errors.MedsynthError) as caught,
    ):
        client.presets()
    assert type(caught.value) is type(error)
    assert caught.value.to_dict() == error.to_dict()
    assert servicer.calls == (3 if isinstance(error, errors.UnavailableError) else 1)


def test_a_status_that_a_job_carries_becomes_the_same_error() -> None:
    error = errors.DataError("patient007 has no mask", metadata={"patient": "patient007"})
    assert from_status(to_status(error)).to_dict() == error.to_dict()


def test_a_status_without_details_keeps_its_code_and_message() -> None:
    bare = from_status(status_pb2.Status(code=code_pb2.NOT_FOUND, message="gone"))
    assert isinstance(bare, errors.NotFoundError)
    assert bare.message == "gone"


def test_a_service_that_is_not_there_is_named_with_its_address_and_the_remedy() -> None:
    with serving() as address:
        pass
    with (
        Client(trainer=address, retry=QUICK) as client,
        pytest.raises(errors.UnavailableError, match="medsynth up") as caught,
    ):
        client.presets()
    assert address in caught.value.message
    assert caught.value.reason == UNREACHABLE
    assert caught.value.metadata == {"service": "trainer", "address": address}


def test_a_method_that_the_service_lacks_is_no_connection_problem() -> None:
    with (
        serving() as address,
        Client(trainer=address, retry=QUICK) as client,
        pytest.raises(errors.MedsynthError) as caught,
    ):
        client.presets()
    assert not isinstance(caught.value, errors.UnavailableError)


def test_an_address_that_was_not_given_is_asked_for() -> None:
    with (
        Client(sampler="") as client,
        pytest.raises(errors.FailedPreconditionError, match="sampler="),
    ):
        client.generator("x")


def test_a_closed_client_says_so() -> None:
    with serving() as address:
        client = Client(trainer=address)
        client.close()
        with pytest.raises(errors.FailedPreconditionError, match="closed"):
            client.presets()
