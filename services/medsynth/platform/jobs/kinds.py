"""The kinds of jobs: where their resources live, who runs them, and what they are told."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from medsynth.errors import DataError

# Imported so that the messages' names are known.
from medsynth.v1 import evaluator_pb2, sampler_pb2, trainer_pb2, types_pb2  # noqa: F401

Queue = Literal["gpu", "light"]

QUEUES: Final[tuple[Queue, ...]] = ("gpu", "light")
"""Each has workers of its own: `gpu` trains and evaluates, `light` does the rest."""

FOLDERS: Final = "jobs"
"""Collection of the storage in which each job has a folder, by its id, for what outlives an
attempt, such as checkpoints."""


@dataclass(frozen=True)
class JobKind:
    """One kind of job.

    Attributes:
        name: What the record and the functions of the child process call it.
        collection: First part of the resource names, such as `trainingJobs`.
        queue: Whose workers run it.
        module: What a worker's child process runs, with `python -m`.
        specification: Full name of the proto message that says what is to be done. Its module
            has to be imported.
    """

    name: str
    collection: str
    queue: Queue
    module: str
    specification: str

    @property
    def message_class(self) -> type[Message]:
        """Class of the specification."""
        return message_class(self.specification)


@dataclass(frozen=True)
class ChildJob:
    """A job that another waits for.

    Attributes:
        kind: Name of its kind.
        specification: What it does, with every default filled in.
        share_key: Jobs of one kind that ask for the same thing share one; empty: never.
    """

    kind: str
    specification: Message
    share_key: str = ""


_TRAINER: Final = "medsynth.trainer.work"
_SAMPLER: Final = "medsynth.sampler.work"
_EVALUATOR: Final = "medsynth.evaluator.work"


def _by_name(*kinds: JobKind) -> Mapping[str, JobKind]:
    return MappingProxyType({kind.name: kind for kind in kinds})


KINDS: Final = _by_name(
    JobKind("preparation", "preparationJobs", "light", _TRAINER, "medsynth.v1.DataSource"),
    JobKind("inspection", "inspectionJobs", "light", _TRAINER, "medsynth.v1.DataSource"),
    JobKind("training", "trainingJobs", "gpu", _TRAINER, "medsynth.v1.TrainingSpecification"),
    JobKind(
        "synthetic_dataset",
        "syntheticDatasetJobs",
        "light",
        _SAMPLER,
        "medsynth.v1.SyntheticDatasetSpecification",
    ),
    JobKind(
        "evaluation",
        "evaluationJobs",
        "gpu",
        _EVALUATOR,
        "medsynth.v1.EvaluationSpecification",
    ),
)
"""Every kind of job, by name."""


def message_class(full_name: str) -> type[Message]:
    """The class of a proto message, by its full name.

    Raises:
        KeyError: No imported module has it.
    """
    descriptor = descriptor_pool.Default().FindMessageTypeByName(full_name)
    return message_factory.GetMessageClass(descriptor)


def parse_specification(full_name: str, content: bytes) -> Message:
    """The message that was serialised.

    Raises:
        DataError: The bytes are no such message.
    """
    message = message_class(full_name)()
    try:
        message.ParseFromString(content)
    except DecodeError as error:
        raise DataError(f"the job's record holds no {full_name}: {error}") from error
    return message


def load_kinds(reference: str) -> Mapping[str, JobKind]:
    """The mapping that `package.module:NAME` refers to, as the worker's `--kinds` takes it."""
    module, _, name = reference.partition(":")
    kinds: Mapping[str, JobKind] = getattr(importlib.import_module(module), name)
    return kinds
