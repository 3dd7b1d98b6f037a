from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsynth.data.volume import upright
from medsynth.data.writers import SetDescription
from medsynth.errors import InvalidArgumentError
from tests.data.writers.samples import describe

AFFINE = upright(8.0, 1.5, 1.25).tolist()


def test_a_description_survives_json() -> None:
    description = describe(
        intensities=[[-160.0, 240.0]], spacing=[1.5, 1.25], affine=AFFINE, date="2024-02-29",
        preparation={"label_map": {2: 1}},
    )  # fmt: skip
    text = json.dumps(description.to_mapping())
    assert SetDescription.from_mapping(json.loads(text)).to_mapping() == description.to_mapping()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", 7),
        ("licence", "x" * 10_001),
        ("classes", ["a", "a"]),
        ("classes", ["a", ""]),
        ("intensities", [[1.0, 1.0]]),
        ("intensities", [[0.0, float("inf")]]),
        ("intensities", [[float("nan"), 1.0]]),
        ("spacing", [1.0, 0.0]),
        ("spacing", [1.0]),
        ("slice_spacing", -1.0),
        ("affine", np.zeros((4, 4)).tolist()),
        ("affine", np.eye(3).tolist()),
        ("date", "29.02.2024"),
        ("date", "2023-02-29"),
        ("affine", [1, 2]),
        ("affine", [[1, 2, 3, "4"]] * 4),
        ("affine", [*np.eye(3, 4).tolist(), 1]),
        ("number", 1000),
        ("number", "5"),
        ("spacing", 5),
        ("spacing", ["1", "2"]),
        ("slice_spacing", "thick"),
        ("intensities", [[1]]),
        ("intensities", [["a", "b"]]),
        ("intensities", [[0, 10**400]]),
        ("intensities", 7),
        ("classes", "abc"),
        ("classes", [1, 2]),
        ("classes", [["a"]]),
        ("seed", "7"),
        ("seed", 7.0),
        ("preparation", [1]),
        ("colour", "blue"),
    ],
)
def test_what_cannot_be(field: str, value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=f"description.{field}"):
        SetDescription.from_mapping({field: value})


def refused(field: str, value: Any) -> str:
    """The field that an error names; empty if there is none and the description survives."""
    try:
        description = SetDescription.from_mapping({field: value})
    except InvalidArgumentError as error:
        return error.violations[0].field
    assert SetDescription.from_mapping(description.to_mapping()) == description
    return ""


@given(
    st.sampled_from([field.name for field in fields(SetDescription)]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner),
    ),
)
def test_anything_is_accepted_or_refused(field: str, value: Any) -> None:
    assert refused(field, value) in ("", f"description.{field}")


def test_what_is_no_mapping() -> None:
    with pytest.raises(InvalidArgumentError, match=r"description: 7 .* a mapping"):
        SetDescription.from_mapping(cast(Any, 7))


def test_levels_become_intensities_and_mean_themselves_without_any() -> None:
    slope, intercept = describe(intensities=[[0.0, 1.0], [-160.0, 240.0]]).scale(1, 65535)
    assert (intercept, intercept + slope * 65535) == (-160.0, pytest.approx(240.0))
    assert describe().scale(1, 255) == (1.0, 0.0)


def test_the_affine_comes_before_the_spacings() -> None:
    from_affine = describe(affine=AFFINE, spacing=[9.0, 9.0]).geometry
    from_spacings = describe(spacing=[1.5, 1.25], slice_spacing=8.0).geometry
    assert from_affine is not None
    assert from_spacings is not None
    assert np.array_equal(from_affine, from_spacings)
    assert describe(slice_spacing=8.0).geometry is None


@pytest.mark.parametrize(
    ("given", "term"),
    [("MR", "MR"), ("mri", "MR"), ("fundus", "XC"), ("ct", "CT"), ("", "OT"), ("phantom", "OT")],
)
def test_modalities_as_dicom_has_them(given: str, term: str) -> None:
    assert describe(modality=given).modality_term == term


def test_a_set_without_a_title_has_a_name() -> None:
    assert describe(title="").name == "Synthetic images of generators/abc"
    assert SetDescription().name == "Synthetic images of an unnamed generator"
