from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from medsynth.data.assignment import Assignment
from medsynth.data.preparation import Preparation
from medsynth.data.splits import NAMES, Facts, split_patients, split_sizes
from medsynth.errors import DataError

GROUPINGS = st.dictionaries(
    st.text("abcdef0123456789", min_size=1, max_size=6), st.sampled_from("ABC"), min_size=3,
    max_size=60,
)  # fmt: skip


def divided(groups: dict[str, str], preparation: Preparation) -> dict[str, str]:
    return split_patients({p: Facts(group) for p, group in groups.items()}, preparation)


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
    assignment = divided(groups, preparation)
    assert set(assignment) == set(groups)
    sizes = Counter(assignment.values())
    assert tuple(sizes[name] for name in NAMES) == split_sizes(len(groups), preparation)
    assert all(sizes[name] for name in NAMES)


@given(GROUPINGS, PREPARATIONS)
def test_groups_are_spread_in_proportion(groups: dict[str, str], preparation: Preparation) -> None:
    assignment = divided(groups, preparation)
    sizes, members = Counter(assignment.values()), Counter(groups.values())
    for name in NAMES:
        for group, size in members.items():
            inside = sum(assignment[p] == name for p, g in groups.items() if g == group)
            assert abs(inside - size * sizes[name] / len(groups)) <= 2


@given(GROUPINGS, PREPARATIONS)
def test_order_does_not_matter(groups: dict[str, str], preparation: Preparation) -> None:
    reverse = dict(reversed(list(groups.items())))
    assert divided(groups, preparation) == divided(reverse, preparation)


def test_the_seed_matters() -> None:
    groups = {f"p{k}": "" for k in range(30)}
    splits = [divided(groups, Preparation(split_seed=seed)) for seed in (0, 0, 1)]
    assert splits[0] == splits[1]
    assert splits[0] != splits[2]


def test_five_balanced_groups_stay_balanced() -> None:
    groups = {f"p{k}": str(k % 5) for k in range(60)}
    assignment = divided(groups, Preparation())
    train = Counter(groups[p] for p, name in assignment.items() if name == "train")
    test = Counter(groups[p] for p, name in assignment.items() if name == "test")
    assert set(train.values()) <= {7, 8}
    assert test == dict.fromkeys("01234", 3)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_patients(count: int) -> None:
    with pytest.raises(DataError, match=f"at least 3 patients.*found {count}"):
        divided({f"p{k}": "" for k in range(count)}, Preparation())


@given(st.integers(3, 5000), PREPARATIONS)
def test_sizes_follow_the_shares(patients: int, preparation: Preparation) -> None:
    train, validation, test = split_sizes(patients, preparation)
    assert train + validation + test == patients
    assert min(train, validation, test) >= 1
    if patients > 100:
        assert abs(train - patients * preparation.train_share) <= 1
        assert abs(validation - patients * preparation.validation_share) <= 1


@given(GROUPINGS, st.integers(2, 8), st.integers(0, 100))
def test_each_patient_tests_in_one_fold(groups: dict[str, str], folds: int, seed: int) -> None:
    assume(len(groups) >= max(folds, 3) + 1)
    tested: Counter[str] = Counter()
    for fold in range(folds):
        chosen = Preparation(split="kfold", folds=folds, fold=fold, split_seed=seed)
        assignment = divided(groups, chosen)
        assert set(assignment) == set(groups)
        assert set(assignment.values()) == set(NAMES)
        tested.update(patient for patient, name in assignment.items() if name == "test")
    assert tested == dict.fromkeys(groups, 1)


def test_folds_need_patients() -> None:
    with pytest.raises(DataError, match="9 folds need as many patients; the set has 5"):
        divided({f"p{k}": "" for k in range(5)}, Preparation(split="kfold", folds=9))


def official(train: int, test: int) -> dict[str, Facts]:
    return {
        f"p{k:02d}": Facts(part="training" if k < train else "testing") for k in range(train + test)
    }


def test_the_official_split_is_kept() -> None:
    assignment = split_patients(official(10, 5), Preparation(split="official"))
    assert {p for p, name in assignment.items() if name == "test"} == {
        f"p{k}" for k in range(10, 15)
    }
    assert Counter(assignment.values()) == {"train": 8, "validation": 2, "test": 5}


@pytest.mark.parametrize(("train", "test"), [(5, 0), (1, 5), (0, 5)])
def test_no_official_split(train: int, test: int) -> None:
    with pytest.raises(DataError, match="no official split"):
        split_patients(official(train, test), Preparation(split="official"))


def test_an_assignment_is_kept() -> None:
    assignment = Assignment(("a", "d"), ("b",), ("c",))
    chosen = Preparation(split="assigned", assignment=assignment)
    assert divided(dict.fromkeys("abcd", ""), chosen) == {
        "a": "train", "d": "train", "b": "validation", "c": "test",
    }  # fmt: skip
    with pytest.raises(DataError, match="1 are missing, such as e"):
        divided(dict.fromkeys("abcde", ""), chosen)
    with pytest.raises(DataError, match="1 are not in the set, such as d"):
        divided(dict.fromkeys("abc", ""), chosen)
