from __future__ import annotations

import pytest
import typer

from medsynth.cli.assignments import parse_assignments
from medsynth.v1.types_pb2 import GanSpecification


def parse(*assignments: str) -> dict[str, object]:
    return parse_assignments(assignments, GanSpecification, without=["preset"])


def test_values_take_the_types_of_their_fields() -> None:
    values = parse(
        "batch_size=32",
        "init-gain = 0.5",
        "ema_half_life=1e4",
        "optimiser=rmsprop",
        "differentiable_augmentation=True",
        "generator_spectral_norm=no",
    )
    assert values == {
        "batch_size": 32,
        "init_gain": 0.5,
        "ema_half_life": 10000.0,
        "optimiser": "rmsprop",
        "differentiable_augmentation": True,
        "generator_spectral_norm": False,
    }
    assert GanSpecification(preset="hinge", **values).batch_size == 32


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("batch_size", "FIELD=VALUE"),
        ("batch_size=many", "batch_size takes a whole number, not 'many'"),
        ("batch_size=3.5", "whole number"),
        ("batch_size=99999999999", "whole number"),
        ("beta1=", "beta1 takes a number"),
        ("generator_spectral_norm=2", "true or false"),
        ("preset=wgan", "'preset' is not a field"),
        ("bach_size=3", "batch_size \\(a whole number\\)"),
    ],
)
def test_what_cannot_be_set_is_said(assignment: str, message: str) -> None:
    with pytest.raises(typer.BadParameter, match=message):
        parse(assignment)


def test_a_field_that_is_set_twice_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="twice"):
        parse("batch_size=3", "batch-size=4")
