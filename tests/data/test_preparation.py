from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from medsynth.data.assignment import Assignment
from medsynth.data.preparation import Preparation
from medsynth.errors import InvalidArgumentError
from medsynth.platform.sources import set_fields
from medsynth.v1 import types_pb2

PREFIX = "specification.data.preparation"
ASSIGNED: dict[str, Any] = {
    "split": "assigned",
    "assignment": {"train": ["a"], "validation": ["b"], "test": ["c"]},
}
SHARES = {"train_share": 0.5, "validation_share": 0.2, "split_seed": 1}


def test_defaults_are_those_of_the_contract() -> None:
    assert Preparation.from_mapping({}).to_mapping() == {
        "size": 64,
        "crop": "none",
        "crop_share": 0.6,
        "intensity": "percentiles",
        "intensity_low": 0.5,
        "intensity_high": 99.5,
        "train_share": 0.6,
        "validation_share": 0.15,
        "split_seed": 0,
        "orientation": "stored",
        "slicing": "stored",
        "spacing": 0.0,
        "slice_spacing": 0.0,
        "keep_empty_share": 1.0,
        "fit": "pad",
        "channels": 0,
        "label_map": {},
        "split": "ratio",
        "folds": 5,
        "fold": 0,
        "assignment": {"train": [], "validation": [], "test": []},
        "bad_share": 0.0,
        "bits": 8,
        "foreground_share": 0.0,
    }


def test_fields_are_those_of_the_message() -> None:
    names = [field.name for field in types_pb2.Preparation.DESCRIPTOR.fields]
    assert list(Preparation().to_mapping()) == names


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"size": 31}, "size"),
        ({"bits": 12}, "bits"),
        ({"bits": True}, "bits"),
        ({"bits": "16"}, "bits"),
        ({"foreground_share": 1.1}, "foreground_share"),
        ({"foreground_share": -0.1}, "foreground_share"),
        ({"size": 513}, "size"),
        ({"size": 64.0}, "size"),
        ({"size": True}, "size"),
        ({"size": "sixty"}, "size"),
        ({"crop": "center"}, "crop"),
        ({"crop": ["none"]}, "crop"),
        ({"crop_share": 0}, "crop_share"),
        ({"crop_share": 1.01}, "crop_share"),
        ({"crop_share": float("nan")}, "crop_share"),
        ({"intensity": "otsu"}, "intensity"),
        ({"intensity": "window"}, "intensity_low"),
        ({"intensity": "window", "intensity_low": 0}, "intensity_high"),
        ({"intensity": "window", "intensity_low": 5, "intensity_high": 5}, "intensity_high"),
        ({"intensity_low": 99.6}, "intensity_high"),
        ({"intensity_high": 100.5}, "intensity_high"),
        ({"intensity_low": -1}, "intensity_low"),
        ({"intensity_high": float("inf")}, "intensity_high"),
        (
            {"intensity": "window", "intensity_low": 0.0, "intensity_high": 1e300},
            "intensity_high",
        ),
        (
            {"intensity": "window", "intensity_low": 0.0, "intensity_high": 1e-300},
            "intensity_high",
        ),
        ({"train_share": 1}, "train_share"),
        ({"train_share": "0.5"}, "train_share"),
        ({"validation_share": 0.4}, "validation_share"),
        ({"split_seed": -1}, "split_seed"),
        ({"split_seed": 2**63}, "split_seed"),
        ({"side": 64}, "side"),
        ({"orientation": "RAS"}, "orientation"),
        ({"slicing": "oblique"}, "slicing"),
        ({"spacing": -0.1}, "spacing"),
        ({"slice_spacing": 101}, "slice_spacing"),
        ({"keep_empty_share": 1.5}, "keep_empty_share"),
        ({"fit": "crop"}, "fit"),
        ({"channels": 9}, "channels"),
        ({"label_map": {1: 256}}, "label_map"),
        ({"label_map": [1]}, "label_map"),
        ({"split": "random"}, "split"),
        ({"folds": 1}, "folds"),
        ({"folds": 4, "fold": 4}, "fold"),
        ({"bad_share": -1}, "bad_share"),
        ({"assignment": {"train": ["a"]}}, "assignment"),
        ({"split": "assigned"}, "assignment"),
        ({"split": "assigned", "assignment": {"train": ["a"], "test": ["b"]}}, "assignment"),
        (
            {
                "split": "assigned",
                "assignment": {"train": ["a"], "validation": ["b"], "test": ["b"]},
            },
            "assignment",
        ),
        ({"assignment": {"train": "abc"}}, "assignment.train"),
        ({"label_map": {0: 1}}, "label_map"),
        ({"label_map": {"256": 1}}, "label_map"),
        ({"fold": 3}, "fold"),
        ({"folds": 10, "split": "official"}, "folds"),
        ({"crop_share": 0.5}, "crop_share"),
        ({"crop": "centre", "fit": "stretch"}, "fit"),
        *(({**ASSIGNED, name: value}, name) for name, value in SHARES.items()),
    ],
)
def test_what_is_refused_is_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Preparation.from_mapping(given)
    assert [violation.field for violation in caught.value.violations] == [f"{PREFIX}.{field}"]


def test_what_would_do_nothing_says_what_it_needs() -> None:
    with pytest.raises(InvalidArgumentError, match=r"3 is not .* expected 0, .* split is kfold"):
        Preparation.from_mapping({"fold": 3})
    assert Preparation.from_mapping({"fold": 3, "split": "kfold"}).fold == 3


def test_a_default_may_always_be_said() -> None:
    for how in (ASSIGNED, {"crop": "centre"}, {"split": "official"}):
        chosen = Preparation.from_mapping(how)
        assert Preparation.from_mapping(chosen.to_mapping()) == chosen


def test_more_names_than_an_answer_can_hold() -> None:
    names = [f"{k:0100d}" for k in range(11_000)]
    with pytest.raises(InvalidArgumentError, match=r"11002 names of 1100002 bytes.* 1048576 bytes"):
        Preparation.from_mapping(
            {"split": "assigned", "assignment": {**ASSIGNED["assignment"], "train": names}}
        )


def test_direct_construction_is_checked_too() -> None:
    with pytest.raises(InvalidArgumentError, match=r"preparation\.size"):
        Preparation(size=5)


def test_seed_as_json_has_it() -> None:
    assert Preparation.from_mapping({"split_seed": str(2**63 - 1)}).split_seed == 2**63 - 1


def preparations(**how: st.SearchStrategy[Any]) -> st.SearchStrategy[Preparation]:
    """Any preparation, cut and divided in one way."""
    return st.builds(
        Preparation,
        size=st.integers(32, 512),
        intensity=st.just("window"),
        intensity_low=st.floats(-1e6, 0),
        intensity_high=st.floats(1, 1e6),
        orientation=st.sampled_from(["stored", "standard"]),
        slicing=st.sampled_from(["stored", "axial", "coronal", "sagittal"]),
        spacing=st.floats(0, 100),
        slice_spacing=st.floats(0, 100),
        keep_empty_share=st.floats(0, 1),
        channels=st.integers(0, 8),
        label_map=st.dictionaries(st.integers(1, 255), st.integers(0, 255)),
        bad_share=st.floats(0, 1),
        **how,
    )


@given(
    preparations(
        crop=st.sampled_from(["centre", "foreground"]),
        crop_share=st.floats(0.001, 1),
        train_share=st.floats(0.01, 0.7),
        validation_share=st.floats(0.01, 0.29),
        split_seed=st.integers(0, 2**63 - 1),
        split=st.just("kfold"),
        folds=st.just(7),
        fold=st.integers(0, 6),
    )
    | preparations(
        fit=st.sampled_from(["pad", "stretch"]),
        split=st.just("assigned"),
        assignment=st.just(Assignment(("a", "b"), ("c",), ("d", "\u00e9"))),
    )
)
def test_mapping_round_trip(preparation: Preparation) -> None:
    mapping = preparation.to_mapping()
    assert Preparation.from_mapping(json.loads(json.dumps(mapping))) == preparation
    message = json_format.ParseDict(mapping, types_pb2.Preparation())
    assert Preparation.from_mapping(set_fields(message)) == preparation
