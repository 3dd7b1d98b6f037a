"""What a synthetic data set says about itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from medsynth.data.prepared import Typical
from medsynth.data.writers.description import SetDescription
from medsynth.errors import InvalidArgumentError, NotFoundError
from medsynth.platform.artifacts import DATASETS, dataset_message
from medsynth.platform.sources import set_fields
from medsynth.sampler.anonymous import anonymous_intensities, anonymous_place
from medsynth.storage import Storage
from medsynth.v1 import sampler_pb2, types_pb2

PUBLISHED: Final = frozenset(
    {
        "size", "crop", "crop_share", "intensity", "intensity_low", "intensity_high",
        "orientation", "slicing", "spacing", "slice_spacing", "keep_empty_share", "fit",
        "channels", "label_map", "bits", "foreground_share",
    }
)  # fmt: skip
"""What is said of a preparation: how pixels were made. Who trained is nobody's business."""

_FIELD: Final = "specification.statement"


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
    earlier: SetDescription | None = None,
) -> SetDescription:
    """All that is known: the maker's words, the generator, and the set that it was trained on.

    What can only be read from that set (modality, units, spacing) is left out if it is gone.

    Args:
        specification: Of the set.
        generator: That it is drawn from.
        storage: Where the training set is.
        earlier: What an attempt before this one said. If it drew the same set, it holds on: the
            training set may have gone, or come back, meanwhile.

    Raises:
        DataError: The training set is damaged.
    """
    known = SetDescription(
        **set_fields(specification.statement),
        generator=generator.name,
        generator_digest=generator.digest,
        seed=specification.seed,
        classes=tuple(generator.classes),
        preparation=_published(generator.source.preparation),
    )
    if earlier and _without_training_set(earlier) == _without_training_set(known):
        return earlier
    artifact = storage.find(DATASETS, generator.dataset.partition("/")[2])
    if artifact is None:
        return known
    try:
        typical = Typical.of(artifact)
    except NotFoundError:
        # Published by something else than a preparation.
        return known
    return replace(
        known,
        modality=dataset_message(artifact).modality,
        intensities=anonymous_intensities(typical, generator.source.preparation),
        units=typical.units,
        affine=anonymous_place(typical, generator.size),
    )


def _published(preparation: types_pb2.Preparation) -> dict[str, Any]:
    return {name: value for name, value in set_fields(preparation).items() if name in PUBLISHED}


def _without_training_set(description: SetDescription) -> dict[str, Any]:
    return replace(description, modality="", intensities=(), units="", affine=None).to_mapping()
