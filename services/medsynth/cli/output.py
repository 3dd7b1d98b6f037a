"""What commands print: one JSON document, or text and tables for people."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from rich.console import Console

_PIPE_WIDTH = 240


def console() -> Console:
    """Results for people, on stdout."""
    from rich.console import Console

    # A pipe has no width to fit in: nothing is broken or cut off there.
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(file=sys.stdout, highlight=False, width=width)


def error_console() -> Console:
    """Progress and remarks, on stderr."""
    from rich.console import Console

    return Console(file=sys.stderr, highlight=False)


def say(text: str = "") -> None:
    """One line of a result, as it is: names and paths are never broken or coloured."""
    sys.stdout.write(text + "\n")


def remark(text: str) -> None:
    """One line beside the result, on stderr."""
    sys.stderr.write(text + "\n")


def emit(document: Any) -> None:
    """The one JSON document of a command, on stdout."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()
) -> None:
    """A table on stdout.

    Args:
        columns: Their titles.
        rows: The cells.
        numbers: Titles of the columns that are aligned to the right.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in columns:
        drawn.add_column(title, justify="right" if title in numbers else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    console().print(drawn)


def details(facts: Mapping[str, Any], indent: int = 0) -> None:
    """Names and values, one a line, nested ones indented; what is unset is left out."""
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        if value is None or value in ("", [], {}):
            continue
        lead = " " * indent + name
        if isinstance(value, Mapping):
            say(lead)
            details(value, indent + 2)
        elif isinstance(value, list) and isinstance(value[0], Mapping):
            say(lead)
            for entry in value:
                say(" " * (indent + 2) + ", ".join(f"{k} {v}" for k, v in entry.items()))
        else:
            text = ", ".join(map(_plain, value)) if isinstance(value, list) else _plain(value)
            say(f"{lead.ljust(indent + width)}  {text}")


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def state_name(state: int) -> str:
    """`RUNNING` for `JOB_STATE_RUNNING`."""
    from medsynth.v1.jobs_pb2 import JobState

    return JobState.Name(state).removeprefix("JOB_STATE_")


def to_json(message: Message) -> dict[str, Any]:
    """A message in types that JSON knows.

    Field names are those of the schema, numbers stay numbers, states lose their prefix, times are
    ISO 8601 in UTC, unset fields with presence are null, and of a choice only the chosen is there.
    """
    document: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        present = not field.has_presence or message.HasField(field.name)
        if field.containing_oneof and not present and len(field.containing_oneof.fields) > 1:
            continue
        value = getattr(message, field.name)
        if not present:
            document[field.name] = None
        elif field.message_type and field.message_type.GetOptions().map_entry:
            document[field.name] = {key: _finite(item) for key, item in sorted(value.items())}
        elif field.is_repeated:
            document[field.name] = [_json(field, item) for item in value]
        else:
            document[field.name] = _json(field, value)
    return document


def _json(field: Any, value: Any) -> Any:
    if field.enum_type is not None:
        return state_name(value)
    if field.message_type is None:
        return _finite(value)
    if field.message_type.full_name == "google.protobuf.Timestamp":
        return timestamp(value)
    if field.message_type.full_name == "google.rpc.Status":
        from medsynth.client import from_status

        return from_status(value).to_dict()
    return to_json(value)


def _finite(value: Any) -> Any:
    """JSON has no infinity and no NaN: they become their names."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def timestamp(time: Any) -> str:
    """A protobuf time as ISO 8601 in UTC, to the second."""
    moment: datetime = time.ToDatetime(tzinfo=UTC)
    return moment.isoformat(timespec="seconds")


def local_time(time: Any) -> str:
    """A protobuf time for people, in their time zone; empty if unset."""
    if not time.seconds:
        return ""
    moment: datetime = time.ToDatetime(tzinfo=UTC)
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def duration(seconds: float) -> str:
    """`4:05` or `1:02:03`."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def number(value: float) -> str:
    """A score or metric in four digits."""
    return f"{value:.4g}"
