from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsynth.data.preparation import Preparation
from medsynth.data.splits import NAMES, split_patients, split_sizes
from medsynth.errors import DataError

GROUPINGS = st.dictionaries(
    st.text("abcdef0123456789", min_size=1, max_size=6), st.sampled_from("ABC"), min_size=3,
    max_size=60,
)  # fmt: skip
PREPARATIONS = st.builds(
    Preparation,
    train_share=st.floats(0.05, 0.7),
    validation_share=st.floats(0.01, 0.28),
    split_seed=st.integers(0, 2**63 - 1),
)


@given(GROUPINGS, PREPARATIONS)
def test_every_patient_once_and_no_split_empty(
    groups: dict[str, str], preparation: Preparation
) -> None:
    assignment = split_patients(groups, preparation)
    assert set(assignment) == set(groups)
    sizes = Counter(assignment.values())
    assert tuple(sizes[name] for name in NAMES) == split_sizes(len(groups), preparation)
    assert all(sizes[name] for name in NAMES)


@given(GROUPINGS, PREPARATIONS)
def test_groups_are_spread_in_proportion(groups: dict[str, str], preparation: Preparation) -> None:
    assignment = split_patients(groups, preparation)
    sizes, members = Counter(assignment.values()), Counter(groups.values())
    for name in NAMES:
        for group, size in members.items():
            inside = sum(assignment[p] == name for p, g in groups.items() if g == group)
            assert abs(inside - size * sizes[name] / len(groups)) <= 2


@given(GROUPINGS, PREPARATIONS)
def test_order_does_not_matter(groups: dict[str, str], preparation: Preparation) -> None:
    reverse = dict(reversed(list(groups.items())))
    assert split_patients(groups, preparation) == split_patients(reverse, preparation)


def test_the_seed_matters() -> None:
    groups = {f"p{k}": "" for k in range(30)}
    splits = [split_patients(groups, Preparation(split_seed=seed)) for seed in (0, 0, 1)]
    assert splits[0] == splits[1]
    assert splits[0] != splits[2]


def test_five_balanced_groups_stay_balanced() -> None:
    groups = {f"p{k}": str(k % 5) for k in range(60)}
    assignment = split_patients(groups, Preparation())
    train = Counter(groups[p] for p, name in assignment.items() if name == "train")
    test = Counter(groups[p] for p, name in assignment.items() if name == "test")
    assert set(train.values()) <= {7, 8}
    assert test == dict.fromkeys("01234", 3)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_patients(count: int) -> None:
    with pytest.raises(DataError, match=f"at least 3 patients.*found {count}"):
        split_patients({f"p{k}": "" for k in range(count)}, Preparation())


@given(st.integers(3, 5000), PREPARATIONS)
def test_sizes_follow_the_shares(patients: int, preparation: Preparation) -> None:
    train, validation, test = split_sizes(patients, preparation)
    assert train + validation + test == patients
    assert min(train, validation, test) >= 1
    if patients > 100:
        assert abs(train - patients * preparation.train_share) <= 1
        assert abs(validation - patients * preparation.validation_share) <= 1
