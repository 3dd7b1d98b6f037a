from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsynth.data.ordered import Stop, map_in_order
from medsynth.errors import AbortedError, DataError


@given(st.lists(st.integers()), st.integers(1, 8))
def test_results_come_in_order(items: list[int], cores: int) -> None:
    assert list(map_in_order(lambda item, stop: -item, items, cores)) == [-i for i in items]


def test_items_are_worked_on_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=60)
    assert sorted(map_in_order(lambda item, stop: together.wait(), range(3), 3)) == [0, 1, 2]


def test_an_error_comes_at_its_place() -> None:
    def work(item: int, stop: Stop) -> int:
        if item == 3:
            raise DataError("three")
        return item

    results = map_in_order(work, range(100), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(DataError, match="three"):
        next(results)


def test_whoever_stops_iterating_stops_the_work() -> None:
    begun, stopped = threading.Event(), threading.Event()

    def work(item: int, stop: Stop) -> int:
        if item == 0:
            return 0
        begun.set()
        try:
            while True:
                stop.check()
        except AbortedError:
            stopped.set()
            raise

    results = map_in_order(work, range(100), 2)
    assert next(results) == 0
    assert begun.wait(60)
    results.close()
    assert stopped.is_set()


def test_something_is_done_meanwhile() -> None:
    called = threading.Event()
    assert list(map_in_order(lambda item, stop: called.wait(60), [1], 1, called.set)) == [True]


def test_what_is_done_meanwhile_may_stop_the_work() -> None:
    stopped = threading.Event()

    def work(item: int, stop: Stop) -> None:
        try:
            while True:
                stop.check()
        except AbortedError:
            stopped.set()
            raise

    def meanwhile() -> None:
        raise DataError("enough")

    with pytest.raises(DataError, match="enough"):
        list(map_in_order(work, range(3), 1, meanwhile))
    assert stopped.is_set()


def test_few_items_are_taken_ahead() -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(1000):
            taken.append(item)
            yield item

    results = map_in_order(lambda item, stop: item, items(), 2)
    assert next(results) == 0
    assert len(taken) == 3
    results.close()
