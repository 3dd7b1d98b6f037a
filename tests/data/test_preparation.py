from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsynth.data.preparation import Preparation
from medsynth.errors import InvalidArgumentError
from medsynth.v1 import types_pb2

PREFIX = "specification.data.preparation"


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
    }


def test_fields_are_those_of_the_message() -> None:
    names = [field.name for field in types_pb2.Preparation.DESCRIPTOR.fields]
    assert list(Preparation().to_mapping()) == names


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"size": 31}, "size"),
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
    ],
)
def test_what_is_refused_is_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Preparation.from_mapping(given)
    assert [violation.field for violation in caught.value.violations] == [f"{PREFIX}.{field}"]


def test_direct_construction_is_checked_too() -> None:
    with pytest.raises(InvalidArgumentError, match=r"preparation\.size"):
        Preparation(size=5)


def test_seed_as_json_has_it() -> None:
    assert Preparation.from_mapping({"split_seed": str(2**63 - 1)}).split_seed == 2**63 - 1


@given(
    size=st.integers(32, 512),
    crop=st.sampled_from(["none", "centre", "foreground"]),
    crop_share=st.floats(0.001, 1),
    low=st.floats(-1e6, 1e6),
    width=st.floats(1, 1e6),
    train=st.floats(0.01, 0.7),
    validation=st.floats(0.01, 0.29),
    seed=st.integers(0, 2**63 - 1),
)
def test_mapping_round_trip(
    size: int, crop: str, crop_share: float, low: float, width: float, train: float,
    validation: float, seed: int,
) -> None:  # fmt: skip
    preparation = Preparation(
        size, crop, crop_share, "window", low, low + width, train, validation, seed
    )
    assert Preparation.from_mapping(preparation.to_mapping()) == preparation
