from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from medsynth.errors import InvalidArgumentError
from medsynth.gans.presets import PRESETS
from medsynth.gans.specification import (
    FIELDS,
    SIZES,
    GanSpecification,
    TrainingRun,
    validate_size,
)
from medsynth.v1 import trainer_pb2, types_pb2

HINGE = PRESETS["hinge"].specification
WGAN = PRESETS["wgan"].specification
WGAN_GP = PRESETS["wgan-gp"].specification


def test_fields_mirror_the_message() -> None:
    assert list(FIELDS) == [f.name for f in types_pb2.GanSpecification.DESCRIPTOR.fields]
    message = types_pb2.GanSpecification(**HINGE.to_mapping())
    for name, value in HINGE.to_mapping().items():
        assert message.HasField(name) if name != "preset" else message.preset
        assert getattr(message, name) == value


def test_settings_of_a_run_mirror_the_message() -> None:
    message = trainer_pb2.TrainingSpecification.DESCRIPTOR.fields_by_name
    run = TrainingRun(HINGE)
    of_the_data = {"foreground_share"}
    assert set(run.__dict__) - {"specification"} - of_the_data == set(message) - {"data", "gan"}
    assert of_the_data <= set(types_pb2.Preparation.DESCRIPTOR.fields_by_name)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("architecture", "resnet"),
        ("objective", "crossentropy"),
        ("latent_dim", 1),
        ("latent_dim", 1025),
        ("latent_dim", 2.5),
        ("generator_filters", 7),
        ("discriminator_filters", 257),
        ("generator_activation", "gelu"),
        ("discriminator_normalisation", "group"),
        ("generator_spectral_norm", 1),
        ("weight_init", "zeros"),
        ("init_gain", 0.0),
        ("optimiser", "sgd"),
        ("generator_learning_rate", 0.0),
        ("discriminator_learning_rate", math.nan),
        ("beta1", 1.0),
        ("beta2", -0.1),
        ("discriminator_steps", 0),
        ("clip_value", 1.1),
        ("gradient_penalty_weight", math.inf),
        ("label_smoothing", 0.6),
        ("batch_size", 1),
        ("batch_size", True),
        ("ema_half_life", -1.0),
    ],
)
def test_a_refusal_names_field_value_and_what_is_accepted(field: str, value: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        replace(PRESETS["dcgan"].specification, **{field: value}).validate()
    (violation,) = caught.value.violations
    assert violation.field == f"specification.gan.{field}"
    assert repr(value) in violation.description
    assert "expected" in violation.description


@pytest.mark.parametrize(
    ("spec", "field", "reason"),
    [
        (replace(HINGE, clip_value=0.01), "clip_value", "'wasserstein'"),
        (replace(WGAN_GP, clip_value=0.01), "clip_value", "'wasserstein'"),
        (replace(WGAN, gradient_penalty_weight=1.0), "gradient_penalty_weight", "wasserstein_gp"),
        (replace(HINGE, label_smoothing=0.1), "label_smoothing", "'bce' or 'lsgan'"),
        (replace(WGAN, beta1=0.5), "beta1", "'adam'"),
        (
            replace(WGAN_GP, discriminator_normalisation="batch"),
            "discriminator_normalisation",
            "mixes the images",
        ),
    ],
)
def test_senseless_combinations_are_refused_with_the_reason(
    spec: GanSpecification, field: str, reason: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=reason) as caught:
        spec.validate()
    assert caught.value.violations[0].field == f"specification.gan.{field}"


@pytest.mark.parametrize(
    ("field", "value"),
    [("images", 0), ("seed", -1), ("precision", "half"), ("checkpoint_images", 0)],
)
def test_a_run_refuses_what_is_out_of_range(field: str, value: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        replace(TrainingRun(HINGE), **{field: value}).validate()
    assert caught.value.violations[0].field == f"specification.{field}"


def test_sizes() -> None:
    for size in SIZES:
        validate_size(size)
    for size in (16, 48, 512):
        with pytest.raises(InvalidArgumentError, match="32, 64, 128 or 256"):
            validate_size(size)
