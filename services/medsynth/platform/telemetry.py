"""Logs and metrics of every process.

Each line of the log carries the fields that `log_fields` set: the request's id, the job, the
attempt. Metrics are Prometheus'; ids of jobs and requests are never labels.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, ParamSpec, TypeVar
from wsgiref.simple_server import WSGIServer

import prometheus_client
from prometheus_client import REGISTRY, CollectorRegistry

from medsynth.errors import FailedPreconditionError
from medsynth.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

_fields: ContextVar[MappingProxyType[str, Any]] = ContextVar(
    "log_fields", default=MappingProxyType({})
)

_OWN: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "fields"}


def set_log_fields(**fields: Any) -> None:
    """Replaces the fields of this thread's log lines, until they are replaced again."""
    _fields.set(MappingProxyType(fields))


@contextmanager
def log_fields(**fields: Any) -> Iterator[None]:
    """Adds fields to this thread's log lines within the block."""
    token = _fields.set(MappingProxyType({**_fields.get(), **fields}))
    try:
        yield
    finally:
        _fields.reset(token)


def with_log_fields(function: Callable[P, R]) -> Callable[P, R]:
    """The function, to be run in another thread with the log fields that this one has now."""
    context = copy_context()

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.run(function, *args, **kwargs)

    return run


def set_up_logging(settings: Settings, process: str) -> None:
    """Sends all logs to the standard error stream.

    Args:
        settings: `log_format`: `json` (one object a line: time, level, logger, message, process
            and all fields) or `text`.
        process: Name of the process, such as `trainer`.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_add_fields)
    handler.setFormatter(_Json(process) if settings.log_format == "json" else _Text())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)


def _add_fields(record: logging.LogRecord) -> bool:
    given = {key: value for key, value in record.__dict__.items() if key not in _OWN}
    record.fields = {**_fields.get(), **given}
    return True


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class _Json(logging.Formatter):
    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record),
            "level": record.levelname,
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
            **record.__dict__.get("fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {k}={v}" for k, v in record.__dict__.get("fields", {}).items() if v)
        line = f"{_time(record)} {record.levelname} {record.name}: {record.getMessage()}{fields}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def start_metrics(address: str, registry: CollectorRegistry = REGISTRY) -> WSGIServer | None:
    """Answers `/metrics` from a thread of its own.

    Args:
        address: `host:port`; empty: nothing is started.
        registry: What is shown.

    Returns:
        The server, whose `shutdown` ends it.

    Raises:
        FailedPreconditionError: Nothing can listen at that address.
    """
    if not address:
        return None
    host, _, port = address.rpartition(":")
    try:
        server, _ = prometheus_client.start_http_server(
            int(port), host.strip("[]") or "0.0.0.0", registry
        )
    except (OSError, ValueError, OverflowError) as error:
        raise FailedPreconditionError(
            f"metrics cannot be served at {address!r}: {error}", reason="CANNOT_LISTEN"
        ) from error
    return server
