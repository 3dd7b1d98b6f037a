"""`--set FIELD=VALUE`, typed by the message that has the field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from google.protobuf.message import Message

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parse_assignments(
    assignments: Sequence[str], message: type[Message], *, without: Sequence[str] = ()
) -> dict[str, Any]:
    """The values of `FIELD=VALUE` texts, in the types of the message's fields.

    Args:
        assignments: The texts.
        message: Class of the message that has the fields, all of them scalars.
        without: Fields that cannot be set this way.

    Raises:
        typer.BadParameter: No `=`, an unknown field (the message lists the fields), a field that
            is set twice, or a value that is not of the field's type.
    """
    known = {field.name: field for field in message.DESCRIPTOR.fields if field.name not in without}
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise typer.BadParameter(f"{assignment!r} is not FIELD=VALUE", param_hint="--set")
        if name not in known:
            fields = ", ".join(f"{field.name} ({_kind(field)})" for field in known.values())
            raise typer.BadParameter(
                f"{name!r} is not a field. There are: {fields}", param_hint="--set"
            )
        if name in values:
            raise typer.BadParameter(f"{name} is set twice", param_hint="--set")
        try:
            values[name] = _value(known[name], text.strip())
        except (ValueError, KeyError):
            raise typer.BadParameter(
                f"{name} takes {_kind(known[name])}, not {text!r}", param_hint="--set"
            ) from None
    return values


def _kind(field: Any) -> str:
    if field.cpp_type == field.CPPTYPE_BOOL:
        return "true or false"
    if field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_INT64):
        return "a whole number"
    return "a number" if field.cpp_type == field.CPPTYPE_DOUBLE else "a word"


def _value(field: Any, text: str) -> Any:
    if field.cpp_type == field.CPPTYPE_BOOL:
        return _BOOLEANS[text.lower()]
    if field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_INT64):
        bits = 31 if field.cpp_type == field.CPPTYPE_INT32 else 63
        number = int(text)
        if not -(2**bits) <= number < 2**bits:
            raise ValueError(text)
        return number
    return float(text) if field.cpp_type == field.CPPTYPE_DOUBLE else text
