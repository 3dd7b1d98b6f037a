"""Resource names, with or without their collection."""

from __future__ import annotations

from uuid import uuid4

from medsynth.errors import InvalidArgumentError


def resource_name(name: str, collection: str) -> str:
    """The full name `{collection}/{id}` of a resource.

    Args:
        name: The full name, or the id alone.
        collection: `generators`, `datasets` or another.

    Raises:
        InvalidArgumentError: Empty, or of another collection.
    """
    head, slash, rest = name.partition("/")
    if slash and head == collection and rest and "/" not in rest:
        return name
    if name and not slash:
        return f"{collection}/{name}"
    raise InvalidArgumentError.field("name", name, f"{collection}/{{id}} or the id alone")


def new_request_id(request_id: str | None) -> str:
    """The caller's request id, or a fresh one, so that a repeated creation makes one job."""
    return uuid4().hex if request_id is None else request_id
