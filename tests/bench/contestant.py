"""A process of its own for whoever is measured, with an environment of its own."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from tests.bench.measure import Effort

P = ParamSpec("P")
T = TypeVar("T")


class Contestant:
    """Calls functions in one process that lives until the end of the `with` block.

    Args:
        environment: On top of this process's own; what is None is taken out of it.
        effort: With `TINY` the functions run in this process.
    """

    def __init__(self, effort: Effort, environment: Mapping[str, str | None] | None = None) -> None:
        self._executor: ProcessPoolExecutor | None = None
        if effort is not Effort.TINY:
            self._executor = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
            with _environment(environment or {}):
                self._executor.submit(os.getpid).result()

    def call(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """What a function of a module returns."""
        if self._executor is None:
            return function(*arguments, **named)
        return self._executor.submit(function, *arguments, **named).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._executor is not None:
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
