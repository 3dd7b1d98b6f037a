"""What clients ask of the evaluator: validated, with every default filled in."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from medsynth.errors import FailedPreconditionError, InvalidArgumentError
from medsynth.evaluator import names
from medsynth.platform import artifacts
from medsynth.platform.jobs.store import JobStore
from medsynth.platform.rpc.names import parse_name
from medsynth.platform.sources import MAX_SEED, check_range, fill_source, resolve_folder
from medsynth.storage import Artifact, Storage
from medsynth.v1 import evaluator_pb2, types_pb2

_SCORED_FORMATS = ("png", "npz")
"""Formats that hold what a generator made as it made it; others are for the tools they name."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a request's names are looked up.

    Attributes:
        storage: The artifacts.
        store: The jobs.
        roots: Folders and buckets that requests may name.
    """

    storage: Storage
    store: JobStore
    roots: Sequence[str]


def fill_evaluation(
    message: evaluator_pb2.EvaluationSpecification, place: Place
) -> evaluator_pb2.EvaluationSpecification:
    """An evaluation's specification with every default filled in.

    Args:
        message: As it was sent, in the field `specification` of the request.
        place: Where its names are looked up.

    Raises:
        InvalidArgumentError: A field cannot be accepted; names its path.
        NotFoundError: There is no such generator, synthetic data set, folder or data.
        FailedPreconditionError: The synthetic data set's job has not succeeded.
        PermissionDeniedError: A folder or the data lie outside the roots.
    """
    filled = evaluator_pb2.EvaluationSpecification(
        metrics=_chosen("metrics", message.metrics, names.METRICS),
        regimes=_chosen("regimes", message.regimes, names.REGIMES, names.REAL),
        count=_number(message, "count", 1000, 2, 10**6),
        repeats=_number(message, "repeats", 1, 1, 20),
        unet_steps=_number(message, "unet_steps", 1000, 1, 10**6),
        seed=_number(message, "seed", 0, 0, MAX_SEED),
    )
    own_data = _fill_subject(message, filled, place)
    if message.HasField("data") or own_data is None:
        filled.data.CopyFrom(fill_source(message.data, place.roots))
    else:
        filled.data.CopyFrom(own_data)
    return filled


def _fill_subject(
    message: evaluator_pb2.EvaluationSpecification,
    filled: evaluator_pb2.EvaluationSpecification,
    place: Place,
) -> types_pb2.DataSource | None:
    """Fills in what is scored; returns the data that its generator was trained on, if known."""
    subject = message.WhichOneof("subject")
    if subject == "generator":
        identifier = parse_name(message.generator, artifacts.GENERATORS, "specification.generator")
        generator = place.storage.get(artifacts.GENERATORS, identifier)
        filled.generator = message.generator
        return artifacts.generator_message(generator).source
    if subject == "synthetic_dataset_job":
        filled.synthetic_dataset_job = message.synthetic_dataset_job
        made = _synthetic_dataset(message.synthetic_dataset_job, place)
        name = str(made.manifest.metadata.get("generator", ""))
        origin = place.storage.find(artifacts.GENERATORS, name.rpartition("/")[2])
        return artifacts.generator_message(origin).source if origin else None
    if subject == "folder":
        filled.folder = resolve_folder(message.folder, place.roots, "specification.folder")
        return None
    raise InvalidArgumentError.field(
        "specification.subject", "", "one of `generator`, `synthetic_dataset_job` and `folder`"
    )


def _synthetic_dataset(name: str, place: Place) -> Artifact:
    field = "specification.synthetic_dataset_job"
    identifier = parse_name(name, "syntheticDatasetJobs", field)
    made = place.storage.find(artifacts.SYNTHETIC_DATASETS, identifier)
    if made is None:
        place.store.get(name)
        raise FailedPreconditionError(
            f"{name} has not succeeded: wait for it, or evaluate its generator"
        )
    format = made.manifest.metadata.get("format")
    if format not in _SCORED_FORMATS:
        raise InvalidArgumentError.field(
            field,
            name,
            f"a set in the format {' or '.join(_SCORED_FORMATS)}, and not {format}; evaluate its "
            "generator, which makes the same images",
        )
    return made


def _chosen(field: str, asked: Sequence[str], known: Sequence[str], always: str = "") -> list[str]:
    """Those of the known words that were asked for, in their own order; all, if none was."""
    for word in asked:
        if word not in known:
            accepted = "any of " + ", ".join(f"`{name}`" for name in known)
            raise InvalidArgumentError.field(f"specification.{field}", word, accepted)
    return [name for name in known if not asked or name in asked or name == always]


def _number(
    message: evaluator_pb2.EvaluationSpecification, name: str, default: int, low: int, high: int
) -> int:
    value = getattr(message, name) if message.HasField(name) else default
    return check_range(f"specification.{name}", value, low, high)
