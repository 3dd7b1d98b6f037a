"""Stacks that start one at a time."""

from __future__ import annotations

import threading

from medsynth.local.lock import one_at_a_time
from tests.support import eventually


def test_a_stack_starts_when_the_one_before_has_started() -> None:
    order: list[str] = []
    waits = threading.Event()

    def second() -> None:
        waits.set()
        with one_at_a_time():
            order.append("second")

    thread = threading.Thread(target=second)
    with one_at_a_time():
        thread.start()
        waits.wait()
        thread.join(timeout=0.2)
        order.append("first")
    eventually(lambda: len(order) == 2)
    thread.join()
    assert order == ["first", "second"]
