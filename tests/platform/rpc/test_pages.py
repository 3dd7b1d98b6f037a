from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsynth.errors import InvalidArgumentError
from medsynth.platform.rpc.pages import page


def key(item: int) -> tuple[str, ...]:
    return (f"{item:06d}", "x")


def pages(items: set[int], size: int) -> Iterator[list[int]]:
    token = ""
    while True:
        found, token = page(items, key, "things", size=size, token=token)
        yield found
        if not token:
            return


@given(st.sets(st.integers(0, 999), max_size=60), st.integers(1, 70))
def test_pages_have_everything_once_and_newest_first(items: set[int], size: int) -> None:
    found = list(pages(items, size))
    assert [item for part in found for item in part] == sorted(items, reverse=True)
    assert all(len(part) == size for part in found[:-1])
    assert len(found) == max(1, -(-len(items) // size))


def test_what_comes_and_goes_between_pages_moves_nothing_else() -> None:
    first, token = page(range(10), key, "things", size=3, token="")
    changed = (set(range(10)) - {7, 5}) | {50}
    rest, end = page(changed, key, "things", size=100, token=token)
    assert (first, rest, end) == ([9, 8, 7], [6, 4, 3, 2, 1, 0], "")


def test_zero_means_a_hundred() -> None:
    found, token = page(range(101), key, "things", size=0, token="")
    assert len(found) == 100
    assert token


@pytest.mark.parametrize("size", [-1, 1001])
def test_sizes_out_of_range_are_refused(size: int) -> None:
    with pytest.raises(InvalidArgumentError, match=f"page_size: {size} .* 1 to 1000"):
        page([1], key, "things", size=size, token="")


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
        page([1], key, "things", size=1, token=token)


@given(st.text())
def test_no_token_breaks_the_server(token: str) -> None:
    try:
        page([1], key, "things", size=1, token=token)
    except InvalidArgumentError:
        assert token


def test_a_token_too_long_to_be_ours_is_not_even_read() -> None:
    token = encoded(b'["things","' + b"1" * 1000 + b'"]')
    with pytest.raises(InvalidArgumentError, match="page_token"):
        page([1], key, "things", size=1, token=token)


def test_a_token_of_another_collection_is_refused() -> None:
    _, token = page(range(10), key, "things", size=3, token="")
    with pytest.raises(InvalidArgumentError):
        page(range(10), key, "others", size=3, token=token)
