"""Errors over files whose names must not be told."""

from __future__ import annotations

from typing import Final

from medsynth.errors import MedsynthError, PermissionDeniedError, UnavailableError

_REASONS: Final[dict[type[MedsynthError], str]] = {
    PermissionDeniedError: (
        "is a link to a file outside the folders that the operator allows, or the store refuses it"
    ),
    UnavailableError: "cannot be reached: its store does not answer",
}


def unnamed(error: MedsynthError, file: str) -> MedsynthError:
    """An error of the same kind, without a word of the message.

    Args:
        error: Its message names the file. Raise the other one where this one is no longer handled,
            or a traceback shows both.
        file: What may be said of the file.
    """
    reason = _REASONS.get(type(error), "is missing or cannot be fetched")
    return type(error)(f"{file} {reason}", reason=error.reason)
