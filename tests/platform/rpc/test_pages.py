from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsynth.errors import InvalidArgumentError
from medsynth.platform.rpc import pages as rpc_pages
from medsynth.v1 import types_pb2


def key(item: int) -> tuple[str, ...]:
    return (f"{item:06d}", "x")


def page(
    items: Iterable[int], *, size: int, token: str, collection: str = "things", length: int = 0
) -> tuple[list[int], str]:
    """The numbers of a page of resources, each with a text of some length."""

    def to_resource(item: int) -> types_pb2.DatasetSplit:
        return types_pb2.DatasetSplit(slices=item, name="x" * length)

    found, token = rpc_pages.page(items, key, collection, to_resource, size=size, token=token)
    return [resource.slices for resource in found], token


def pages(items: set[int], size: int) -> Iterator[list[int]]:
    token = ""
    while True:
        found, token = page(items, size=size, token=token)
        yield found
        if not token:
            return


@given(st.sets(st.integers(0, 999), max_size=60), st.integers(1, 70))
def test_pages_have_everything_once_and_newest_first(items: set[int], size: int) -> None:
    found = list(pages(items, size))
    assert [item for part in found for item in part] == sorted(items, reverse=True)
    assert all(len(part) == size for part in found[:-1])
    assert len(found) == max(1, -(-len(items) // size))


@pytest.mark.parametrize(("length", "on_a_page"), [(2**18, 3), (2**21, 1)])
def test_a_page_is_small_enough_for_a_message(length: int, on_a_page: int) -> None:
    """A quarter of a page each with a few bytes more; and twice a page."""
    seen: list[int] = []
    token = ""
    while len(seen) < 7:
        found, token = page(range(7), size=5, token=token, length=length)
        assert len(found) == min(on_a_page, 7 - len(seen))
        seen += found
    assert seen == [6, 5, 4, 3, 2, 1, 0]
    assert token == ""


def test_what_comes_and_goes_between_pages_moves_nothing_else() -> None:
    first, token = page(range(10), size=3, token="")
    changed = (set(range(10)) - {7, 5}) | {50}
    rest, end = page(changed, size=100, token=token)
    assert (first, rest, end) == ([9, 8, 7], [6, 4, 3, 2, 1, 0], "")


def test_zero_means_a_hundred() -> None:
    found, token = page(range(101), size=0, token="")
    assert len(found) == 100
    assert token


@pytest.mark.parametrize("size", [-1, 1001])
def test_sizes_out_of_range_are_refused(size: int) -> None:
    with pytest.raises(InvalidArgumentError, match=f"page_size: {size} .* 1 to 1000"):
        page([1], size=size, token="")


def encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode()


@pytest.mark.parametrize(
    "token",
    [
        *("x", "é", "a b", "====", encoded(b"\xff"), encoded(b"[]"), encoded(b'["things"]')),
        *(encoded(b'["others","1"]'), encoded(b'["things",1]'), encoded(b'{"things":"1"}')),
        encoded(b"[" * 100_000),
    ],
)
def test_tokens_that_were_not_given_out_are_refused(token: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"page_token: .*next_page_token"):
        page([1], size=1, token=token)


@given(st.text())
def test_no_token_breaks_the_server(token: str) -> None:
    try:
        page([1], size=1, token=token)
    except InvalidArgumentError:
        assert token


def test_a_token_too_long_to_be_ours_is_not_even_read() -> None:
    token = encoded(b'["things","' + b"1" * 1000 + b'"]')
    with pytest.raises(InvalidArgumentError, match="page_token"):
        page([1], size=1, token=token)


def test_a_token_of_another_collection_is_refused() -> None:
    _, token = page(range(10), size=3, token="")
    with pytest.raises(InvalidArgumentError):
        page(range(10), collection="others", size=3, token=token)
