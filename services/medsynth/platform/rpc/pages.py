"""Pages of resources that are listed whole, such as artifacts.

A token holds the place where its page ended, not a count: what is made or deleted between two
pages neither hides nor repeats anything else.
"""

from __future__ import annotations

import base64
import binascii
import heapq
import json
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from google.protobuf.message import Message

from medsynth.errors import InvalidArgumentError

DEFAULT_SIZE: Final = 100
MAX_SIZE: Final = 1000
MAX_BYTES: Final = 2**20
"""Of what is listed on one page, unless it is a single resource: clients take 4 MiB."""
_MAX_TOKEN: Final = 1024
"""Characters; a token of ours is far shorter."""

T = TypeVar("T")
M = TypeVar("M", bound=Message)


def page(
    items: Iterable[T],
    key: Callable[[T], tuple[str, ...]],
    collection: str,
    to_resource: Callable[[T], M],
    *,
    size: int,
    token: str,
) -> tuple[list[M], str]:
    """One page of the items, those with the greatest keys first.

    Args:
        items: All of them, in any order.
        key: Their order, different for each: `(time of creation, id)` gives newest first.
        collection: What is listed; a token of another collection is refused.
        to_resource: Makes the resource of an item.
        size: The request's `page_size`: 1 to 1000; 0 means 100.
        token: The request's `page_token`; empty: the first page.

    Returns:
        The page, which is shorter than asked for where it would be too large for a message, and
        the token of the next one, empty on the last.

    Raises:
        InvalidArgumentError: `page_size` or `page_token` cannot be accepted.
    """
    size = page_size(size)
    if token:
        place = read_token(token, collection)
        items = (item for item in items if key(item) < place)
    found = heapq.nlargest(size + 1, items, key=key)
    resources: list[M] = []
    room = MAX_BYTES
    for item in found[:size]:
        resource = to_resource(item)
        room -= resource.ByteSize()
        if resources and room < 0:
            break
        resources.append(resource)
    if len(resources) == len(found):
        return resources, ""
    return resources, write_token(key(found[len(resources) - 1]), collection)


def page_size(size: int) -> int:
    """The size that a request's `page_size` means.

    Raises:
        InvalidArgumentError: It is negative or above 1000.
    """
    if not 0 <= size <= MAX_SIZE:
        accepted = f"1 to {MAX_SIZE}, or 0 for {DEFAULT_SIZE}"
        raise InvalidArgumentError.field("page_size", size, accepted)
    return size or DEFAULT_SIZE


def write_token(place: tuple[str, ...], collection: str) -> str:
    """The opaque token of the place where a page of a collection ended."""
    return base64.urlsafe_b64encode(json.dumps([collection, *place]).encode()).decode().rstrip("=")


def read_token(token: str, collection: str) -> tuple[str, ...]:
    """Reverses `write_token`.

    Raises:
        InvalidArgumentError: It is no token, or one of another collection.
    """
    try:
        if len(token) > _MAX_TOKEN:
            raise ValueError("no token of ours")
        text = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), b"-_", validate=True)
        parts = json.loads(text)
    except (binascii.Error, ValueError, RecursionError):
        parts = None
    if (
        isinstance(parts, list)
        and len(parts) > 1
        and all(isinstance(part, str) for part in parts)
        and parts[0] == collection
    ):
        return tuple(parts[1:])
    raise InvalidArgumentError.field(
        "page_token", token, "the `next_page_token` of the page before, or nothing"
    )
