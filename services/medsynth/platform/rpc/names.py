"""Names of resources: `{collection}/{id}`, such as `generators/heart-1`."""

from __future__ import annotations

import re
from typing import Final

from medsynth.errors import InvalidArgumentError

ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""What an id looks like. It is a file name too, and never leads out of its folder."""


def parse_name(name: str, collection: str, field: str = "name") -> str:
    """The id in a resource's name.

    Args:
        name: What the request has.
        collection: First part that the name must have, such as `generators`.
        field: Path of the field in the request, for the error.

    Raises:
        InvalidArgumentError: The name is not of that form.
    """
    found, separator, identifier = name.partition("/")
    if found != collection or not separator or not ID.fullmatch(identifier):
        raise InvalidArgumentError.field(
            field,
            name,
            f"{collection}/ID, the ID being 1 to 128 letters, digits, `.`, `_` and `-` "
            "that begin with a letter or digit",
        )
    return identifier


def format_name(collection: str, identifier: str) -> str:
    """The name of a resource; `parse_name` reverses it."""
    return f"{collection}/{identifier}"
