"""What a seed draws."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.schedule import FAULTS, JOBS, schedule
from tests.chaos.work import order


@given(st.integers(0, 10**6), st.floats(1, 600))
def test_a_seed_draws_the_same_again(seed: int, seconds: float) -> None:
    steps = schedule(seed, seconds)
    assert steps == schedule(seed, seconds)
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert all(0 <= step.at < seconds and 0 <= step.draw < 1 for step in steps)
    orders = [order(step, seed) for step in steps if not step.is_fault]
    assert orders == [order(step, seed) for step in steps if not step.is_fault]
    assert len({asked.request_id for asked in orders}) == len(orders)
    assert {asked.sort for asked in orders} == set(JOBS)


@given(st.integers(0, 10**6))
def test_every_fault_comes_in_two_minutes(seed: int) -> None:
    drawn = {step.what for step in schedule(seed, 120) if step.is_fault}
    assert drawn == set(FAULTS)


def test_other_seeds_draw_otherwise() -> None:
    assert len({schedule(seed, 60) for seed in range(20)}) == 20


def test_only_what_is_asked_for_is_drawn() -> None:
    steps = schedule(1, 60, ["kill child"], ["echo"])
    assert {step.what for step in steps} == {"kill child", "echo"}
