"""One call of a method with any bytes, and what must hold of every answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from medsynth.platform.rpc.errors import DOMAIN
from medsynth.v1 import evaluator_pb2, sampler_pb2, trainer_pb2

SERVICES: Final[dict[str, ServiceDescriptor]] = {
    "trainer": trainer_pb2.DESCRIPTOR.services_by_name["TrainerService"],
    "sampler": sampler_pb2.DESCRIPTOR.services_by_name["SamplerService"],
    "evaluator": evaluator_pb2.DESCRIPTOR.services_by_name["EvaluatorService"],
}

UNARY_SECONDS: Final = 20.0
"""A call that takes longer hangs, unless it follows a job."""

WATCH_SECONDS: Final = 0.5
"""A stream of events may wait for as long as it likes; it is left after that."""

STREAM_MESSAGES: Final = 3
"""Of other streams than those that follow a job: these wait after the first."""

_NEVER: Final = (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL)
_MAX_STATUS: Final = 4096
_TOO_LARGE: Final = "Received message larger than max"
"""What gRPC says of a request above `max_request_bytes`, before any service sees it."""


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        code: The status; OK for a stream that was left after some messages.
        status: With the details of the error; None: without.
        text: Everything that the server sent about the error.
    """

    code: grpc.StatusCode
    status: Any = None
    text: str = ""


def methods() -> Iterator[tuple[str, MethodDescriptor]]:
    """Every method of the contract, with the name of its server."""
    for server, service in SERVICES.items():
        for method in service.methods:
            yield server, method


def may_wait(method: MethodDescriptor) -> bool:
    """Whether a method follows a job, and so is silent while nothing happens."""
    return str(method.name).startswith("Watch")


def call(channel: grpc.Channel, method: MethodDescriptor, request: bytes) -> Answer:
    """Sends bytes to a method and reads its answer, of a stream the beginning."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    answer = GetMessageClass(method.output_type).FromString
    try:
        if not method.server_streaming:
            unary = channel.unary_unary(path, response_deserializer=answer)
            unary(request, timeout=UNARY_SECONDS)
            return Answer(grpc.StatusCode.OK)
        watches = may_wait(method)
        stream = channel.unary_stream(path, response_deserializer=answer)(
            request, timeout=WATCH_SECONDS if watches else UNARY_SECONDS
        )
        enough = 1 if watches else STREAM_MESSAGES
        for number, _ in enumerate(stream, 1):
            if number == enough:
                break
        stream.cancel()
        return Answer(grpc.StatusCode.OK)
    except grpc.RpcError as error:
        failed: Any = error
        text = f"{failed.details()} {failed.trailing_metadata()}"
        return Answer(failed.code(), rpc_status.from_call(failed), text)


def complaints(method: MethodDescriptor, answer: Answer) -> list[str]:
    """What is wrong with an answer; nothing: all is well."""
    if answer.code is grpc.StatusCode.OK:
        return []
    if answer.code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return [] if may_wait(method) else ["it hangs"]
    found = [f"the status is {answer.code.name}"] if answer.code in _NEVER else []
    if "Traceback" in answer.text or 'File "' in answer.text:
        found.append("it shows a stack trace")
    if answer.status is None:
        of_grpc = answer.code is grpc.StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE in answer.text
        return found if of_grpc else [*found, "it has no details"]
    if answer.status.ByteSize() >= _MAX_STATUS:
        found.append(f"its status has {answer.status.ByteSize()} bytes")
    info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    details = [info, request]
    for packed in answer.status.details:
        for detail in details:
            packed.Unpack(detail)
    if info.domain != DOMAIN or not info.reason:
        found.append("it has no ErrorInfo")
    if answer.code is grpc.StatusCode.INVALID_ARGUMENT and info.reason != "UNDECODABLE_REQUEST":
        found += _field_complaints(method.input_type, request.field_violations)
    return found


def _field_complaints(descriptor: Descriptor, violations: Sequence[Any]) -> list[str]:
    found = [] if violations else ["it names no field"]
    for violation in violations:
        if not _has_field(descriptor, violation.field):
            found.append(f"it names {violation.field!r}, which is no field of the request")
        if "expected" not in violation.description:
            found.append(f"it does not say what is accepted: {violation.description!r}")
    return found


def _has_field(descriptor: Descriptor, path: str) -> bool:
    name, _, rest = path.partition("?")[0].partition(".")
    if name in descriptor.oneofs_by_name:
        return not rest
    field = descriptor.fields_by_name.get(name)
    if field is None:
        return False
    return not rest or (field.message_type is not None and _has_field(field.message_type, rest))
