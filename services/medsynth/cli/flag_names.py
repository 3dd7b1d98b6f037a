"""The flags that set the fields of a request, so that an error says what to type."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from medsynth.errors import FieldViolation, MedsynthError

_PARAMETERS: Final = {
    "uri": "data",
    "preset": "gan",
    "assignment": "split_file",
    "first_index": "first",
}
"""Parameters of commands that are called otherwise than the fields that they set."""


def flags_of(command: Any, arguments: Sequence[str]) -> dict[str, str]:
    """The flags of a command, by the names of its parameters.

    Args:
        command: The group of all commands.
        arguments: What was typed after the program's name: words that lead to the command first.
    """
    for word in arguments:
        commands = getattr(command, "commands", {})
        if word not in commands:
            break
        command = commands[word]
    return {
        parameter.name: option
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--")
    }


def with_flags(error: MedsynthError, flags: Mapping[str, str]) -> MedsynthError:
    """The error with the flag behind each field: `specification.data.preparation.size (--size)`.

    Args:
        error: Names fields by their paths in the contract.
        flags: From `flags_of`; a field without one stays as it is.
    """
    message, violations = error.message, []
    for violation in error.violations:
        field = violation.field
        if flag := _flag(field, flags):
            field = f"{field} ({flag})"
            message = _with_first(violation.field, field, message)
        violations.append(FieldViolation(field, violation.description))
    return type(error)(message, reason=error.reason, violations=violations, metadata=error.metadata)


def _with_first(old: str, new: str, message: str) -> str:
    """The message with another path in the first place of a path, but not within a longer one."""
    return re.sub(rf"{re.escape(old)}(?!\.?\w)", lambda _: new, message, count=1)


def _flag(field: str, flags: Mapping[str, str]) -> str:
    *above, name = field.split(".")
    if "assignment" in above:
        name = "assignment"
    if "gan" in above and name != "preset":
        return f"{flags['assignments']} {name}=..." if "assignments" in flags else ""
    return flags.get(_PARAMETERS.get(name, name), "")
