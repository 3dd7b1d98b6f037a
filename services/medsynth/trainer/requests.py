"""What clients ask of the trainer: validated, with every default filled in."""

from __future__ import annotations

from collections.abc import Sequence

from medsynth.gans import presets
from medsynth.gans.specification import GanSpecification, TrainingRun, validate_size
from medsynth.platform.sources import fill_source
from medsynth.v1 import trainer_pb2, types_pb2


def fill_training(
    message: trainer_pb2.TrainingSpecification, roots: Sequence[str]
) -> trainer_pb2.TrainingSpecification:
    """A training's specification with every default filled in.

    Args:
        message: As it was sent, in the field `specification` of the request.
        roots: Folders and buckets that requests may name.

    Raises:
        InvalidArgumentError: A field cannot be accepted; names its path.
        PermissionDeniedError: The data lie outside the roots.
        NotFoundError: There are no data at that place.
        DataError: No reader recognises the data.
    """
    run = to_run(message)
    data = fill_source(message.data, roots)
    validate_size(data.preparation.size)
    return trainer_pb2.TrainingSpecification(
        data=data,
        gan=gan_message(run.specification),
        images=run.images,
        seed=run.seed,
        precision=run.precision,
        checkpoint_images=run.checkpoint_images,
        grid_images=run.grid_images,
    )


def to_run(message: trainer_pb2.TrainingSpecification) -> TrainingRun:
    """The library's value of a training, with the defaults of what is not set.

    Raises:
        InvalidArgumentError: A field cannot be accepted; names its path.
    """
    settings = {
        descriptor.name: value
        for descriptor, value in message.ListFields()
        if descriptor.message_type is None
    }
    run = TrainingRun(
        presets.from_message(message.gan),
        foreground_share=message.data.preparation.foreground_share,
        **settings,
    )
    run.validate()
    return run


def gan_message(gan: GanSpecification) -> types_pb2.GanSpecification:
    """The contract's message of a GAN's specification, with every field set."""
    return types_pb2.GanSpecification(**gan.to_mapping())
