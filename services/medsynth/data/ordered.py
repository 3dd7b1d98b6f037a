"""Work on several items at a time, with the results in the items' order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from threading import Event
from typing import Final, TypeVar

from medsynth.errors import AbortedError

Item = TypeVar("Item")
Result = TypeVar("Result")

_SECONDS: Final = 1.0
"""Between two calls of what is done meanwhile."""


class Stop:
    """Tells work in other threads that nobody waits for it any more."""

    def __init__(self) -> None:
        self._event = Event()

    def set(self) -> None:
        """Asks all work to end."""
        self._event.set()

    def check(self) -> None:
        """Ends the caller's work if it was asked to.

        Raises:
            AbortedError: It was.
        """
        if self._event.is_set():
            raise AbortedError("the work was stopped")


def map_in_order(
    work: Callable[[Item, Stop], Result],
    items: Iterable[Item],
    cores: int,
    meanwhile: Callable[[], None] = lambda: None,
) -> Iterator[Result]:
    """Applies a function to items in threads; whoever stops iterating stops the work.

    At most `cores` items are worked on at a time, and one more result waits.

    Args:
        work: Gets an item and what tells it to stop.
        items: Any number.
        cores: Threads.
        meanwhile: Called about every second while a result is waited for; what it raises stops the
            work.

    Yields:
        The results in the order of the items. An exception of `work` is raised at its place.
    """
    stop = Stop()
    waiting: deque[Future[Result]] = deque()

    def next_result() -> Result:
        future = waiting.popleft()
        while not wait([future], _SECONDS).done:
            meanwhile()
        return future.result()

    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(cores, "data"))
        stack.callback(lambda: [future.cancel() for future in waiting])
        stack.callback(stop.set)
        for item in items:
            waiting.append(pool.submit(work, item, stop))
            if len(waiting) > cores:
                yield next_result()
        while waiting:
            yield next_result()


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))
