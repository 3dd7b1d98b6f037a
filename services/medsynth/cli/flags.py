"""Flags that several commands share, and groups of them as data classes."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import typer


def int32(text: str) -> int:
    """A whole number that a 32 bit field can hold; the services know the range that makes sense."""
    return _whole(text, 31)


def int64(text: str) -> int:
    """A whole number that a 64 bit field can hold."""
    return _whole(text, 63)


def _whole(text: str, bits: int) -> int:
    try:
        number = int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number") from None
    if not -(2**bits) <= number < 2**bits:
        raise typer.BadParameter(f"{text} is beyond the largest number, 2^{bits} - 1")
    return number


Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else.")
]
Detach = Annotated[
    bool, typer.Option("--detach", help="Return once the job is accepted, without waiting.")
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", parser=int64, help="Of all random numbers. Default 0."),
]
Data = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="SOURCE",
        help="A folder, or phantom://cardiac[?patients=60&seed=1].",
    ),
]


def examples(*lines: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Adds examples to a command's help, each on a line of its own."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        # typer breaks no line in a paragraph that begins with \\b.
        command.__doc__ = "\n\n".join((inspect.getdoc(command) or "", "\b\n" + "\n".join(lines)))
        return command

    return add


def absolute(path: str) -> str:
    """A path as a service of this machine understands it; URIs are left as they are."""
    return path if "://" in path else os.path.abspath(os.path.expanduser(path))


def is_local_folder(text: str) -> bool:
    """Whether text means a folder rather than a resource's name."""
    return Path(text).expanduser().is_dir() or text.startswith(("/", "./", "../", "~"))


def with_flag_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Lets a command take data classes of flags: each field becomes a flag of its own.

    Args:
        command: A function for typer. Those of its parameters whose annotation is a data class
            are replaced by the fields of the class, in their place.
    """
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, Any] = {
        name: parameter.annotation
        for name, parameter in signature.parameters.items()
        if is_dataclass(parameter.annotation)
    }

    @functools.wraps(command)
    def run(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        command(**values)

    parameters: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        group = groups.get(name)
        if group is None:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
        else:
            parameters.extend(
                field.replace(kind=inspect.Parameter.KEYWORD_ONLY)
                for field in inspect.signature(group, eval_str=True).parameters.values()
            )
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {}
    return run
