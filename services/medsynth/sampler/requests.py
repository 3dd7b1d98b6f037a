"""What clients ask of the sampler: validated, with every default filled in."""

from __future__ import annotations

from typing import Final

from medsynth.data.writers.interface import Form, SetDescription
from medsynth.data.writers.registry import check_format as check_form
from medsynth.data.writers.registry import get_format
from medsynth.errors import InvalidArgumentError
from medsynth.platform.sources import MAX_SEED, check_range
from medsynth.sampler.description import stated
from medsynth.v1 import sampler_pb2, types_pb2

MAX_SAMPLE: Final = 10**9
MAX_DATASET: Final = 10**7

_FORMAT: Final = "specification.format"


def check_sample(request: sampler_pb2.SampleRequest) -> None:
    """Checks the numbers of a draw.

    Raises:
        InvalidArgumentError: One is out of range; names the field.
    """
    check_range("count", request.count, 1, MAX_SAMPLE)
    check_range("seed", request.seed, 0, MAX_SEED)
    _check_first("first_index", request.first_index, request.count)


def fill_synthetic_dataset(
    message: sampler_pb2.SyntheticDatasetSpecification,
) -> sampler_pb2.SyntheticDatasetSpecification:
    """A data set's specification with every default filled in.

    Args:
        message: As it was sent, in the field `specification` of the request.

    Raises:
        InvalidArgumentError: A field cannot be accepted; names its path.
    """
    count = message.count if message.HasField("count") else 10_000
    check_range("specification.count", count, 1, MAX_DATASET)
    check_range("specification.seed", message.seed, 0, MAX_SEED)
    _check_first("specification.first_index", message.first_index, count)
    format = message.format if message.HasField("format") else "png"
    get_format(format, _FORMAT)
    stated(message.statement)
    return sampler_pb2.SyntheticDatasetSpecification(
        generator=message.generator,
        count=count,
        seed=message.seed,
        first_index=message.first_index,
        format=format,
        statement=message.statement if message.HasField("statement") else None,
    )


def check_format(format: str, generator: types_pb2.Generator, description: SetDescription) -> None:
    """Checks that a format can hold the images of a generator, and what is said about them.

    Raises:
        InvalidArgumentError: It cannot; says which can.
    """
    form = Form(
        generator.channels,
        generator.size,
        generator.size,
        generator.bits,
        masked=bool(generator.classes),
    )
    check_form(format, form, description, _FORMAT)


def _check_first(field: str, first: int, count: int) -> None:
    if not 0 <= first <= MAX_SEED + 1 - count:
        raise InvalidArgumentError.field(
            field, first, f"0 to {MAX_SEED + 1 - count}, so that every index is below 2^63"
        )
