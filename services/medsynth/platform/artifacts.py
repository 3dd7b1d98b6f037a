"""Artifacts as resources: how a manifest's metadata and a message of the contract correspond.

The metadata of a generator and of a prepared set is the proto3 JSON of its message (field names
as in the schema), without what the manifest itself says (name, digest, time) and without what
changes after publishing (whether it is deployed).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

from medsynth.errors import DataError
from medsynth.storage import Artifact
from medsynth.v1 import trainer_pb2, types_pb2

DATASETS: Final = "datasets"
GENERATORS: Final = "generators"
SYNTHETIC_DATASETS: Final = "syntheticDatasets"
REPORTS: Final = "reports"
INSPECTIONS: Final = "inspections"

REPORT_FILE: Final = "report.json"
"""The typed report as JSON, within its artifact."""
INSPECTION_FILE: Final = "inspection.json"
"""The typed inspection as JSON, within its artifact."""
REPORT_PAGE: Final = "report.html"
INSPECTION_PAGE: Final = "inspection.html"
MODEL_FILE: Final = "model.onnx"
"""The generator's graph within its artifact."""
WEIGHTS_FILE: Final = "weights.pt"
CURVE_FILE: Final = "curve.json"
"""List of one mapping for each report of the training: `images` and every scalar."""
GRID_FILE: Final = "grid.png"

_FROM_MANIFEST = ("name", "digest", "create_time", "deployed")

M = TypeVar("M", bound=Message)


def resource_name(artifact: Artifact) -> str:
    """`{collection}/{id}`, as the contract names it."""
    return f"{artifact.manifest.collection}/{artifact.manifest.id}"


def generator_id(preset: str, weights_digest: str, training_job: str) -> str:
    """The id of the generator that a training job publishes, such as `hinge-3f2a9c81d04e`.

    The same job with the same weights always gets the same id, other jobs get others.

    Args:
        preset: Name of the preset.
        weights_digest: `sha256:...` over the averaged weights.
        training_job: `trainingJobs/{id}`.
    """
    content = f"{weights_digest} {training_job}"
    return f"{preset}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def generator_metadata(
    *,
    weights_digest: str,
    training_job: str,
    dataset: str,
    source: types_pb2.DataSource | Mapping[str, Any],
    gan: types_pb2.GanSpecification | Mapping[str, Any],
    size: int,
    channels: int,
    classes: Sequence[str],
    images: int,
    metrics: Mapping[str, float],
    bits: int = 8,
) -> dict[str, Any]:
    """The metadata under which a trained generator is published.

    Args:
        weights_digest: `sha256:...` over the averaged weights.
        training_job: `trainingJobs/{id}`.
        dataset: `datasets/{id}` of the prepared set.
        source: The set's source with every default filled in.
        gan: The specification with every field filled in.
        size: Side of the images in pixels.
        channels: Image channels.
        classes: Names of the mask's labels, background first; empty without masks.
        images: Real images that the discriminator was shown.
        metrics: Last scalars of the training.
        bits: Of the levels of a pixel, 8 or 16.
    """
    message = types_pb2.Generator(
        weights_digest=weights_digest,
        training_job=training_job,
        dataset=dataset,
        source=_as_message(source, types_pb2.DataSource()),
        gan=_as_message(gan, types_pb2.GanSpecification()),
        size=size,
        channels=channels,
        bits=bits,
        classes=list(classes),
        images=images,
        metrics={name: float(value) for name, value in metrics.items()},
    )
    return _metadata(message)


def generator_message(artifact: Artifact, deployed: bool = False) -> types_pb2.Generator:
    """The resource that a published generator is.

    Args:
        artifact: From the collection `generators`.
        deployed: Whether Triton serves it now.

    Raises:
        DataError: The manifest's metadata does not describe a generator.
    """
    message = _message(artifact, types_pb2.Generator())
    message.deployed = deployed
    return message


def dataset_metadata(dataset: types_pb2.Dataset | Mapping[str, Any]) -> dict[str, Any]:
    """The metadata under which a prepared set is published."""
    return _metadata(_as_message(dataset, types_pb2.Dataset()))


def dataset_message(artifact: Artifact) -> types_pb2.Dataset:
    """The resource that a published prepared set is.

    Args:
        artifact: From the collection `datasets`. Metadata beyond the message's fields is left out.

    Raises:
        DataError: The manifest's metadata does not describe a prepared set.
    """
    return _message(artifact, types_pb2.Dataset())


def inspection_message(artifact: Artifact) -> trainer_pb2.Inspection:
    """What an inspection found.

    Args:
        artifact: From the collection `inspections`.

    Raises:
        DataError: It does not hold an inspection.
    """
    content = json.loads(artifact.read(INSPECTION_FILE))
    return _message(artifact, trainer_pb2.Inspection(), content)


def _as_message(value: M | Mapping[str, Any], empty: M) -> M:
    if isinstance(value, Mapping):
        return json_format.ParseDict(dict(value), empty)
    empty.CopyFrom(value)
    return empty


def _metadata(message: Message) -> dict[str, Any]:
    fields = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return {name: value for name, value in fields.items() if name not in _FROM_MANIFEST}


def _message(artifact: Artifact, empty: M, content: Mapping[str, Any] | None = None) -> M:
    """The message of an artifact; its content is the manifest's metadata unless it is given."""
    manifest = artifact.manifest
    known = manifest.metadata if content is None else content
    fields = {
        **{name: value for name, value in known.items() if name not in _FROM_MANIFEST},
        "name": resource_name(artifact),
        "digest": manifest.digest,
        "create_time": manifest.created.replace("+00:00", "Z"),
    }
    try:
        return json_format.ParseDict(fields, empty, ignore_unknown_fields=True)
    except json_format.ParseError as error:
        kind = empty.DESCRIPTOR.name
        raise DataError(f"{resource_name(artifact)} does not describe a {kind}: {error}") from error
