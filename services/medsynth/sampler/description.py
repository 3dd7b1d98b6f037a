"""What a synthetic data set says about itself."""

from __future__ import annotations

from medsynth.data.prepared import Typical
from medsynth.data.writers.description import SetDescription
from medsynth.errors import InvalidArgumentError, MedsynthError
from medsynth.platform.artifacts import DATASETS, dataset_message
from medsynth.platform.sources import set_fields
from medsynth.storage import Storage
from medsynth.v1 import sampler_pb2, types_pb2

_FIELD = "specification.statement"


def stated(message: sampler_pb2.SetStatement) -> SetDescription:
    """The maker's own words.

    Raises:
        InvalidArgumentError: One cannot be accepted; names its path in the request.
    """
    try:
        return SetDescription(**set_fields(message))
    except InvalidArgumentError as error:
        field = error.violations[0].field
        moved = f"{_FIELD}.{field.removeprefix('description.')}"
        description = error.violations[0].description
        raise InvalidArgumentError(
            f"{moved}: {description}", violations=[type(error.violations[0])(moved, description)]
        ) from error


def described(
    specification: sampler_pb2.SyntheticDatasetSpecification,
    generator: types_pb2.Generator,
    storage: Storage,
) -> SetDescription:
    """All that is known: the maker's words, the generator, and the set that it was trained on.

    What can only be read from that set (modality, units, spacing) is left out if it is gone.

    Args:
        specification: Of the set.
        generator: That it is drawn from.
        storage: Where the training set is.
    """
    known = {
        **set_fields(specification.statement),
        "generator": generator.name,
        "generator_digest": generator.digest,
        "seed": specification.seed,
        "classes": tuple(generator.classes),
        "preparation": set_fields(generator.source.preparation),
    }
    artifact = storage.find(DATASETS, generator.dataset.partition("/")[2])
    if artifact is None:
        return SetDescription(**known)
    try:
        typical = Typical.of(artifact)
    except MedsynthError:
        # Drawn from the phantom of a test, or prepared by an older version.
        return SetDescription(**known)
    return SetDescription(
        **known,
        modality=dataset_message(artifact).modality,
        intensities=typical.intensities,
        units=typical.units,
        affine=typical.affine,
    )
