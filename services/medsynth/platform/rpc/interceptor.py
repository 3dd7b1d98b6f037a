"""What surrounds every call: its id, its log line, its metrics, its errors."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import uuid4

import grpc
from grpc_status import rpc_status

from medsynth.errors import InvalidArgumentError, ResourceExhaustedError
from medsynth.platform.rpc.errors import as_domain_error, to_status
from medsynth.platform.rpc.metrics import CallMetrics, RpcMetrics
from medsynth.platform.telemetry import set_log_fields

REQUEST_ID: Final = "x-request-id"
"""Metadata: the caller's id of a call, up to 64 letters, digits, `.`, `_` and `-`; one is made
where there is none. It is in every line of the log and comes back in the answer's metadata."""

_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_QUIET: Final = ("/grpc.health.v1.Health/", "/grpc.reflection.")
_DEADLINE_SLACK: Final = 0.1
"""Seconds."""

_log = logging.getLogger("medsynth.rpc")


class _Undecodable:
    """Stands for a request whose bytes are no message."""


_UNDECODABLE: Final = _Undecodable()


class CallInterceptor(grpc.ServerInterceptor):  # type: ignore[type-arg]
    """Wraps the handlers of all methods.

    - Domain errors become statuses with details; what is unexpected is logged, and the client gets
      a reference to it.
    - Bytes that are no message get INVALID_ARGUMENT; gRPC alone would say INTERNAL.
    - Every call is logged once, when it is over, and counted.
    - No more calls than the limit run at a time; health and reflection are not counted.

    Args:
        metrics: Where calls are counted.
        limit: Calls that may run at the same time.
    """

    def __init__(self, metrics: RpcMetrics, limit: int) -> None:
        self._metrics = metrics
        self._slots = _Slots(limit)

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """The handler of a call, wrapped; None: there is no such method."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        return _wrap(handler, handler_call_details, self._metrics, self._slots)


class _Slots:
    """Room for so many calls at a time."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._free = threading.Semaphore(limit)

    @contextmanager
    def taken(self, method: str) -> Iterator[None]:
        """One of them, for the length of the block.

        Raises:
            ResourceExhaustedError: All are taken.
        """
        if method.startswith(_QUIET):
            yield
            return
        if not self._free.acquire(blocking=False):
            raise ResourceExhaustedError(
                f"the service answers {self._limit} calls already, as many as it may: try again",
                reason="TOO_MANY_CALLS",
            )
        try:
            yield
        finally:
            self._free.release()


class _Call:
    """One call while it runs."""

    def __init__(self, context: grpc.ServicerContext, metrics: CallMetrics) -> None:
        self.context = context
        self.metrics = metrics

    def checked(self, request: Any) -> Any:
        """A request that could be decoded.

        Raises:
            InvalidArgumentError: It could not.
        """
        if request is _UNDECODABLE:
            raise InvalidArgumentError(
                "the request's bytes are not a message of this method's type",
                reason="UNDECODABLE_REQUEST",
            )
        self.metrics.received.inc()
        return request

    def each(self, requests: Iterator[Any]) -> Iterator[Any]:
        """A stream of requests, each checked."""
        for request in requests:
            yield self.checked(request)

    def code_at_end(self) -> grpc.StatusCode:
        """The status of a call whose handler came to its end."""
        if not self.context.is_active():
            return self.code_when_gone()
        return self._set_code() or grpc.StatusCode.OK

    def code_when_gone(self) -> grpc.StatusCode:
        """The status of a call whose client did not wait for its end."""
        left = self.context.time_remaining()
        # At its deadline a client hangs up, which may be seen here a little before the deadline.
        expired = left is not None and left <= _DEADLINE_SLACK
        return grpc.StatusCode.DEADLINE_EXCEEDED if expired else grpc.StatusCode.CANCELLED

    def aborted(self) -> bool:
        """Whether the handler chose the status itself before it raised."""
        return self._set_code() not in (None, grpc.StatusCode.OK)

    def _set_code(self) -> grpc.StatusCode | None:
        code = self.context.code()  # type: ignore[attr-defined]
        return code if isinstance(code, grpc.StatusCode) else None


def _wrap(
    handler: Any, details: grpc.HandlerCallDetails, registry: RpcMetrics, slots: _Slots
) -> grpc.RpcMethodHandler[Any, Any]:
    method: str = details.method
    kind = _KINDS[handler.request_streaming, handler.response_streaming]

    @contextmanager
    def calling(context: grpc.ServicerContext) -> Iterator[_Call]:
        began = time.monotonic()
        request_id = _request_id(details)
        set_log_fields(request_id=request_id)
        call = _Call(context, CallMetrics(registry, kind, method))
        code = grpc.StatusCode.CANCELLED
        try:
            context.send_initial_metadata(((REQUEST_ID, request_id),))
            with slots.taken(method):
                yield call
            code = call.code_at_end()
        except GeneratorExit:
            code = call.code_when_gone()
            raise
        except Exception as error:
            if call.aborted():
                code = context.code()  # type: ignore[attr-defined]
                raise
            if not context.is_active():
                # What it says was often caused by that; nobody is there to be told.
                code = call.code_when_gone()
                _log.info("%s broke off after its client had gone: %s", method, error)
                context.abort(code, "the client has gone")
            status = to_status(as_domain_error(error))
            code = _CODES[status.code]
            context.abort_with_status(rpc_status.to_status(status))
        finally:
            seconds = time.monotonic() - began
            call.metrics.ended(code, seconds)
            level = logging.DEBUG if method.startswith(_QUIET) else logging.INFO
            _log.log(level, "%s %s in %.3f s", method, code.name, seconds)

    def unary(request: Any, context: grpc.ServicerContext) -> Any:
        with calling(context) as call:
            response = handler.unary_unary(call.checked(request), context)
            call.metrics.sent.inc()
            return response

    def client_stream(requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        with calling(context) as call:
            response = handler.stream_unary(call.each(requests), context)
            call.metrics.sent.inc()
            return response

    def server_stream(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        with calling(context) as call:
            for response in handler.unary_stream(call.checked(request), context):
                call.metrics.sent.inc()
                yield response

    def bidi_stream(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        with calling(context) as call:
            for response in handler.stream_stream(call.each(requests), context):
                call.metrics.sent.inc()
                yield response

    make, behaviour = {
        "unary": (grpc.unary_unary_rpc_method_handler, unary),
        "client_stream": (grpc.stream_unary_rpc_method_handler, client_stream),
        "server_stream": (grpc.unary_stream_rpc_method_handler, server_stream),
        "bidi_stream": (grpc.stream_stream_rpc_method_handler, bidi_stream),
    }[kind]
    wrapped: grpc.RpcMethodHandler[Any, Any] = make(
        behaviour,
        request_deserializer=_forgiving(handler.request_deserializer),
        response_serializer=handler.response_serializer,
    )
    return wrapped


_KINDS: Final = {
    (False, False): "unary",
    (True, False): "client_stream",
    (False, True): "server_stream",
    (True, True): "bidi_stream",
}
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


def _forgiving(deserialize: Callable[[bytes], Any] | None) -> Callable[[bytes], Any] | None:
    """A deserialiser that never fails: gRPC would answer for it before any handler is asked."""
    if deserialize is None:
        return None

    def decode(content: bytes) -> Any:
        try:
            return deserialize(content)
        except Exception:  # noqa: BLE001 - the caller is told in `_Call.checked`
            return _UNDECODABLE

    return decode


def _request_id(details: grpc.HandlerCallDetails) -> str:
    for key, value in details.invocation_metadata or ():
        if key == REQUEST_ID and isinstance(value, str) and _ID.fullmatch(value):
            return value
    return uuid4().hex[:16]
