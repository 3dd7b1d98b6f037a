"""The connection to Redis, and Redis' errors as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from medsynth.errors import ResourceExhaustedError, UnavailableError

_MAX_CONNECTIONS: Final = 4096

_CANNOT_WRITE: Final = (redis.exceptions.ReadOnlyError, redis.exceptions.MasterDownError)
_CANNOT_WRITE_CODES: Final = ("MISCONF", "READONLY", "NOREPLICAS", "LOADING", "MASTERDOWN", "BUSY ")


def connect(url: str, *, timeout: float = 5.0, retries: int = 3) -> redis.Redis:
    """A client that many threads may use; it connects when it is first used.

    Args:
        url: `redis://...`, `rediss://...` or `unix://...`.
        timeout: Seconds that connecting, and one answer, may take.
        retries: How often a command is sent again, with growing pauses, when the connection
            breaks or does not answer. Every script of the store may be repeated.
    """
    return redis.Redis.from_url(
        url,
        protocol=2,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        socket_keepalive=True,
        max_connections=_MAX_CONNECTIONS,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), retries),
    )


@contextmanager
def domain_errors() -> Iterator[None]:
    """Turns what goes wrong with Redis into the errors of `medsynth.errors`.

    Raises:
        UnavailableError: Redis does not answer, or cannot write now.
        ResourceExhaustedError: Redis' memory is full.
    """
    try:
        yield
    except redis.ResponseError as error:
        # A script's error carries the code of the command within it in its text alone.
        text = str(error)
        if isinstance(error, redis.exceptions.OutOfMemoryError) or "OOM command not" in text:
            raise ResourceExhaustedError(
                "the job store is full: delete jobs that have ended, or give Redis more memory",
                reason="JOB_STORE_FULL",
            ) from error
        if isinstance(error, _CANNOT_WRITE) or any(word in text for word in _CANNOT_WRITE_CODES):
            raise UnavailableError(
                "the job store cannot write now", reason="JOB_STORE_DOWN"
            ) from error
        raise
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise UnavailableError("the job store does not answer", reason="JOB_STORE_DOWN") from error
