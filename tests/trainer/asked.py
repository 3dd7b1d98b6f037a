"""What the tests ask the trainer for: as little as a training can be."""

from __future__ import annotations

from medsynth.trainer.requests import fill_training
from medsynth.v1 import trainer_pb2, types_pb2

IMAGES = 1600
LATENT_DIM = 16

SOURCE = types_pb2.DataSource(
    uri="phantom://cardiac?patients=6&slices=4", preparation=types_pb2.Preparation(size=32)
)


def training_specification() -> trainer_pb2.TrainingSpecification:
    gan = types_pb2.GanSpecification(
        preset="hinge",
        batch_size=8,
        generator_filters=8,
        discriminator_filters=8,
        latent_dim=LATENT_DIM,
    )
    asked = trainer_pb2.TrainingSpecification(
        data=SOURCE, gan=gan, images=IMAGES, grid_images=IMAGES // 2, checkpoint_images=400
    )
    return fill_training(asked, ())
