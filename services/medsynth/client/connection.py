"""One service behind its address: calls with deadlines, retries, and streams that resume."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from medsynth.client.errors import from_rpc_error, is_lost
from medsynth.errors import FailedPreconditionError, MedsynthError, NotFoundError

M = TypeVar("M", bound=Message)

_OPTIONS = [
    # Services are named directly, and a stack on this machine must not be sought at a proxy.
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # The services allow a ping every 10 s.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Two clients of one process (a test's, a notebook's) do not share a broken connection.
    ("grpc.use_local_subchannel_pool", 1),
]
# A stream that broke off after so many seconds was connected: its end begins a new trouble.
_SETTLED_SECONDS = 30.0
_CLOSE_SECONDS = 2.0


@dataclass(frozen=True)
class Retry:
    """How calls are repeated. Times in seconds.

    Attributes:
        attempts: Tries of a call, and of a stream that never got anywhere.
        first_pause: Pause after the first failure; each further pause is twice as long.
        longest_pause: Bound of the pauses. Each is shortened by a random share of up to a half.
        patience: How long a stream that was interrupted tries to go on before it gives up.
        stream_seconds: A stream is opened anew after so long, so that a connection that died
            silently is noticed.
    """

    attempts: int = 5
    first_pause: float = 0.1
    longest_pause: float = 5.0
    patience: float = 120.0
    stream_seconds: float = 300.0

    def pauses(self) -> Iterator[float]:
        """The pauses between attempts, without end."""
        pause = self.first_pause
        while True:
            yield pause * random.uniform(0.5, 1.0)
            pause = min(2 * pause, self.longest_pause)


class Connection:
    """Calls one service.

    Args:
        service: `trainer`, `sampler` or `evaluator`; for messages.
        address: `host:port`. Nothing is opened before the first call.
        stub: The generated stub class of the service.
        timeout: Deadline of a call that answers once, in seconds.
        retry: How calls are repeated. All calls of the API may be: creations carry a request id.
    """

    def __init__(
        self, service: str, address: str, stub: Callable[[Any], Any], timeout: float, retry: Retry
    ) -> None:
        self.service = service
        self.address = address
        self._stub_class = stub
        self._timeout = timeout
        self._retry = retry
        self._channel: Any = None
        self._stub: Any = None
        self._opening = threading.Lock()
        self._closed = False

    def call(
        self, method: str, request: Message, answer: type[M], *, timeout: float | None = None
    ) -> M:
        """One request, one answer.

        Args:
            method: Name of the method, such as `GetTrainingJob`.
            request: Its request message.
            answer: Class of the answer.
            timeout: Deadline of each attempt in seconds. None: the connection's.

        Raises:
            MedsynthError: What the service answered, or `UnavailableError`.
        """
        pauses = self._retry.pauses()
        for attempt in range(1, self._retry.attempts + 1):
            try:
                result = self._method(method)(request, timeout=timeout or self._timeout)
            except grpc.RpcError as error:
                failure = self._failure(error)
                # The first attempt may have got through although its answer was lost.
                if attempt > 1 and method.startswith("Delete") and _is_not_found(failure):
                    return answer()
                if not is_lost(error) or attempt == self._retry.attempts:
                    raise failure from error
                time.sleep(next(pauses))
            else:
                assert isinstance(result, answer)
                return result
        raise AssertionError("unreachable")

    def stream(
        self,
        method: str,
        request_after: Callable[[M | None], Message | None],
        *,
        may_be_silent: bool = False,
    ) -> Iterator[M]:
        """The messages of a stream, which is opened again where it broke off.

        Args:
            method: Name of the method, such as `Sample`.
            request_after: Makes the request that continues after a message (None: from the
                start). None in return means that nothing is left to ask for.
            may_be_silent: Whether minutes without a message are in order.

        Raises:
            MedsynthError: What the service answered, or `UnavailableError` once the patience is
                at an end.
        """
        last: M | None = None
        trouble = _Trouble(self._retry)
        while (request := request_after(last)) is not None:
            opened, heard = time.monotonic(), False
            call = self._method(method)(request, timeout=self._retry.stream_seconds)
            try:
                for last in call:
                    heard = True
                    trouble.over()
                    assert last is not None
                    yield last
                return
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED and (heard or may_be_silent):
                    trouble.over()
                    continue
                if time.monotonic() - opened > _SETTLED_SECONDS and last is not None:
                    trouble.over()
                pause = trouble.pause() if is_lost(error) else None
                if pause is None:
                    raise self._failure(error) from error
                time.sleep(pause)
            finally:
                call.cancel()

    def close(self) -> None:
        """Ends the connection and every stream on it."""
        self._closed = True
        if self._channel is not None:
            # Ctrl-C within gRPC can leave a call behind for which its channel waits without end.
            closing = threading.Thread(target=self._channel.close, daemon=True)
            closing.start()
            closing.join(_CLOSE_SECONDS)

    def _method(self, name: str) -> Any:
        if not self.address:
            raise FailedPreconditionError(
                f"{name} needs the address of the {self.service}: "
                f"Client({self.service}='host:port')"
            )
        if self._closed:
            raise FailedPreconditionError("This client was closed", reason="CLIENT_CLOSED")
        with self._opening:
            if self._channel is None:
                self._channel = grpc.insecure_channel(self.address, options=_OPTIONS)
                self._stub = self._stub_class(self._channel)
        return getattr(self._stub, name)

    def _failure(self, error: grpc.RpcError) -> MedsynthError:
        if self._closed:
            return FailedPreconditionError("This client was closed", reason="CLIENT_CLOSED")
        return from_rpc_error(error, self.service, self.address)


class _Trouble:
    """Counts the failures of a stream since it last got anywhere."""

    def __init__(self, retry: Retry) -> None:
        self._retry = retry
        self._connected = False
        self._failures = 0
        self._since = 0.0
        self._pauses = retry.pauses()

    def over(self) -> None:
        """The stream works."""
        self._connected = True
        self._failures = 0
        self._pauses = self._retry.pauses()

    def pause(self) -> float | None:
        """Seconds to wait after a failure; None: give up."""
        now = time.monotonic()
        self._since = self._since if self._failures else now
        self._failures += 1
        if self._connected:
            gives_up = now - self._since > self._retry.patience
        else:
            gives_up = self._failures >= self._retry.attempts
        return None if gives_up else next(self._pauses)


def _is_not_found(error: MedsynthError) -> bool:
    return isinstance(error, NotFoundError)
