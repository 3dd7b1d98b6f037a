"""Reads what a service sends as one message and a page in pieces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from medsynth.client.connection import Connection
from medsynth.errors import UnavailableError


def first_part(connection: Connection, method: str, request: Any) -> Any:
    """The first message of a stream of parts.

    Raises:
        UnavailableError: The stream ended before it.
    """
    parts: Iterable[Any] = connection.stream(method, lambda last: request)
    for part in parts:
        return getattr(part, part.WhichOneof("part"))
    raise UnavailableError(f"{method} sent nothing for {request.name}")


def whole_page(connection: Connection, method: str, request: Any) -> bytes:
    """The page that follows; read from its beginning again if the connection was lost."""
    page = bytearray()

    def from_the_start(last: object) -> Any:
        page.clear()
        return request

    parts: Iterable[Any] = connection.stream(method, from_the_start)
    for part in parts:
        page += part.html
    return bytes(page)
