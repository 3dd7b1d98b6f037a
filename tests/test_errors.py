"""The tree of domain errors."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsynth import errors


def every_class() -> list[type[errors.MedsynthError]]:
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.MedsynthError)
    ]


@pytest.mark.parametrize("kind", every_class())
@given(message=st.text(), reason=st.none() | st.text(min_size=1), field=st.text())
def test_survives_json(
    kind: type[errors.MedsynthError], message: str, reason: str | None, field: str
) -> None:
    error = kind(message, reason=reason, violations=[errors.FieldViolation(field, "why")])
    restored = errors.from_dict(json.loads(json.dumps(error.to_dict())))
    assert restored.to_dict() == error.to_dict()
    assert restored.code == kind.code


@pytest.mark.parametrize("kind", every_class())
def test_classes_of_one_code_are_told_apart_by_their_reason(
    kind: type[errors.MedsynthError],
) -> None:
    assert type(errors.from_dict(kind("it broke").to_dict())) is kind


def test_field_error_names_field_value_and_what_is_accepted() -> None:
    error = errors.InvalidArgumentError.field("size", 48, "a power of two")
    assert error.violations[0].field == "size"
    for part in ("size", "48", "a power of two"):
        assert part in error.message


@pytest.mark.parametrize(
    "value",
    ["9" * 100_000, "\N{ANATOMICAL HEART}" * 300, "\0" * 300, b"\xff" * 300, "\udc00" * 300],
)
def test_field_error_shortens_a_huge_value(value: object) -> None:
    error = errors.InvalidArgumentError.field("size", value, "a power of two")
    assert len(error.message.encode()) < 300
    assert error.message.endswith("... is not accepted: expected a power of two")
