"""A process of its own for whoever is measured, with an environment of its own."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Contestant:
    """Calls functions in one process that lives until the end of the `with` block.

    Args:
        environment: On top of this process's own; what is None is taken out of it.
    """

    def __init__(self, environment: Mapping[str, str | None] | None = None) -> None:
        self._environment = environment or {}
        self._executor = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))

    def start(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Future[T]:
        """Begins a call; the function has to be one of a module."""
        with _environment(self._environment):
            return self._executor.submit(function, *arguments, **named)

    def call(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """What a function returns."""
        return self.start(function, *arguments, **named).result()

    def __enter__(self) -> Self:
        self.call(os.getpid)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._executor.shutdown(cancel_futures=True)


@contextmanager
def _environment(changes: Mapping[str, str | None]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    _set(changes)
    try:
        yield
    finally:
        _set(before)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
