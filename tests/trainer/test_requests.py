"""What the trainer accepts, fills in and refuses."""

from __future__ import annotations

import pytest

from medsynth.errors import InvalidArgumentError
from medsynth.gans.presets import PRESETS
from medsynth.trainer.requests import fill_training, gan_message, to_run
from medsynth.v1 import trainer_pb2, types_pb2


def request(
    gan: types_pb2.GanSpecification | None = None, size: int = 64, **fields: object
) -> trainer_pb2.TrainingSpecification:
    return trainer_pb2.TrainingSpecification(
        data=types_pb2.DataSource(
            uri="phantom://cardiac", preparation=types_pb2.Preparation(size=size)
        ),
        gan=gan or types_pb2.GanSpecification(preset="hinge"),
        **fields,
    )


@pytest.mark.parametrize("preset", PRESETS)
def test_every_field_is_filled_in_from_the_preset(preset: str) -> None:
    filled = fill_training(request(types_pb2.GanSpecification(preset=preset)), ())
    present = {descriptor.name for descriptor, _ in filled.gan.ListFields()}
    assert present == set(types_pb2.GanSpecification.DESCRIPTOR.fields_by_name)
    assert filled.gan == gan_message(PRESETS[preset].specification)
    assert {descriptor.name for descriptor, _ in filled.ListFields()} == set(
        trainer_pb2.TrainingSpecification.DESCRIPTOR.fields_by_name
    )
    assert fill_training(filled, ()) == filled
    assert to_run(filled).specification == PRESETS[preset].specification


def test_defaults_are_those_that_the_schema_documents() -> None:
    filled = fill_training(request(), ())
    assert (filled.images, filled.seed, filled.precision) == (100_000, 0, "auto")
    assert (filled.checkpoint_images, filled.grid_images) == (20_000, 10_000)


def test_what_is_set_stays_even_if_it_is_zero() -> None:
    gan = types_pb2.GanSpecification(preset="hinge", ema_half_life=0, batch_size=16)
    filled = fill_training(request(gan, seed=7, images=1), ())
    assert filled.gan.ema_half_life == 0
    assert (filled.gan.batch_size, filled.seed, filled.images) == (16, 7, 1)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (request(types_pb2.GanSpecification(batch_size=8)), "gan.preset"),
        (request(types_pb2.GanSpecification(preset="vae")), "gan.preset"),
        (request(types_pb2.GanSpecification(preset="hinge", batch_size=1)), "gan.batch_size"),
        (request(types_pb2.GanSpecification(preset="hinge", clip_value=0.1)), "gan.clip_value"),
        (request(size=48), "data.preparation.size"),
        (request(size=512), "data.preparation.size"),
        (request(images=0), "images"),
        (request(images=10**9 + 1), "images"),
        (request(seed=-1), "seed"),
        (request(precision="float8"), "precision"),
        (request(checkpoint_images=0), "checkpoint_images"),
        (request(grid_images=-5), "grid_images"),
        (trainer_pb2.TrainingSpecification(gan={"preset": "hinge"}), "data.uri"),
    ],
)
def test_a_refusal_names_the_field(message: trainer_pb2.TrainingSpecification, field: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        fill_training(message, ())
    assert [v.field for v in raised.value.violations] == [f"specification.{field}"]
