from __future__ import annotations

import numpy as np
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from medsynth.gans.order import BalancedOrder, DataOrder

SHARES = st.floats(0.01, 0.99)
MARKS = st.lists(st.booleans(), min_size=2, max_size=30)


@given(count=st.integers(1, 30), seed=st.integers(0, 2**63 - 1), number=st.integers(0, 50))
def test_each_pass_shows_every_image_once(count: int, seed: int, number: int) -> None:
    shown = DataOrder(count, seed).take(number * count, count)
    assert sorted(shown.tolist()) == list(range(count))


@given(
    count=st.integers(1, 30),
    start=st.integers(0, 200),
    batch=st.integers(1, 70),
    cut=st.integers(1, 69),
)
def test_the_order_depends_on_the_position_alone(
    count: int, start: int, batch: int, cut: int
) -> None:
    whole = DataOrder(count, 3).take(start, batch).tolist()
    order = DataOrder(count, 3)
    cut = min(cut, batch)
    parts = order.take(start, cut).tolist()
    if cut < batch:
        parts += order.take(start + cut, batch - cut).tolist()
    assert parts == whole


def test_passes_and_seeds_differ() -> None:
    order = DataOrder(100, 0)
    first, second = order.take(0, 100), order.take(100, 100)
    assert not torch.equal(first, second)
    assert not torch.equal(first, DataOrder(100, 1).take(0, 100))


@given(marks=MARKS, share=SHARES, position=st.integers(0, 10**9), count=st.integers(1, 200))
def test_of_what_is_shown_the_share_has_foreground(
    marks: list[bool], share: float, position: int, count: int
) -> None:
    assume(0 < sum(marks) < len(marks))
    foreground = np.array(marks)
    shown = BalancedOrder(foreground, share, 1).take(position, count).numpy()
    assert abs(foreground[shown].sum() - share * count) < 1 + 1e-6


@given(marks=MARKS, share=SHARES, seed=st.integers(0, 2**63 - 1))
def test_each_kind_is_shown_in_whole_passes(marks: list[bool], share: float, seed: int) -> None:
    assume(0 < sum(marks) < len(marks))
    foreground = np.array(marks)
    shown = BalancedOrder(foreground, share, seed).take(0, 500).numpy()
    for kind in (foreground, ~foreground):
        counts = np.bincount(shown[kind[shown]], minlength=len(marks))[kind]
        assert counts.max() - counts.min() <= 1


@given(share=SHARES, start=st.integers(0, 500), count=st.integers(2, 90), cut=st.integers(1, 89))
def test_a_balanced_order_depends_on_the_position_alone(
    share: float, start: int, count: int, cut: int
) -> None:
    assume(cut < count)
    foreground = np.arange(13) % 4 == 0
    whole = BalancedOrder(foreground, share, 3).take(start, count)
    order = BalancedOrder(foreground, share, 3)
    parts = [order.take(start, cut), order.take(start + cut, count - cut)]
    assert torch.equal(torch.cat(parts), whole)
