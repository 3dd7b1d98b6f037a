"""Who needs what: the jobs that have not ended, and the artifacts that were made from others.

A generator cites the prepared set that it learned from, a synthetic data set its generator, a
report its prepared set and what it scored. What is cited is not collected, and deleted only by
those who insist.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from medsynth.errors import FailedPreconditionError
from medsynth.platform.artifacts import (
    DATASETS,
    GENERATORS,
    REPORTS,
    SYNTHETIC_DATASETS,
    dataset_message,
    resource_name,
)
from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.jobs.store import JobStore
from medsynth.storage import Artifact, Storage
from medsynth.v1 import types_pb2

_CITING_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    GENERATORS: ("dataset",),
    SYNTHETIC_DATASETS: ("generator",),
    REPORTS: ("dataset", "subject"),
}
"""By collection: the metadata that name other artifacts."""

_SHOWN: Final = 3


def citations(storage: Storage, store: JobStore) -> dict[str, list[str]]:
    """By name of an artifact or job: the names of the artifacts and active jobs that need it."""
    needed: defaultdict[str, list[str]] = defaultdict(list)
    for collection, fields in _CITING_FIELDS.items():
        for artifact in storage.list(collection):
            for field in fields:
                if name := artifact.manifest.metadata.get(field):
                    needed[artifact_of(name)].append(resource_name(artifact))
    by_source = _datasets_by_source(storage)
    for kind in store.kinds:
        for record in store.active(kind):
            for name in _needs(record, by_source):
                needed[name].append(record.name)
    return dict(needed)


def artifact_of(name: str) -> str:
    """The artifact that a name stands for: a job that draws a data set stands for the set."""
    collection, _, identifier = name.partition("/")
    return f"{SYNTHETIC_DATASETS}/{identifier}" if collection == "syntheticDatasetJobs" else name


def check_deletable(artifact: Artifact, store: JobStore, *, force: bool) -> None:
    """Makes sure that nobody needs an artifact.

    Args:
        artifact: What is to be deleted.
        store: The jobs.
        force: Delete it although other artifacts cite it. Active jobs are respected all the same.

    Raises:
        FailedPreconditionError: Says who needs it, and what to do.
    """
    name = resource_name(artifact)
    needed_by = citations(artifact.storage, store).get(name, [])
    collections = {kind.collection for kind in store.kinds.values()}
    jobs = [citing for citing in needed_by if citing.partition("/")[0] in collections]
    if jobs:
        raise FailedPreconditionError(
            f"{name} is needed by {_some(jobs)}, which has not ended: wait for it, or cancel it",
            reason="IN_USE",
            metadata={"job": jobs[0]},
        )
    if needed_by and not force:
        raise FailedPreconditionError(
            f"{name} is cited by {_some(needed_by)}: delete what cites it first, or set `force`",
            reason="CITED",
            metadata={"artifact": needed_by[0]},
        )


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _datasets_by_source(storage: Storage) -> dict[bytes, list[str]]:
    """By source as a request has it: with the reader, or without where a worker recognised it."""
    found: defaultdict[bytes, list[str]] = defaultdict(list)
    for artifact in storage.list(DATASETS):
        source = dataset_message(artifact).source
        found[_key(source)].append(resource_name(artifact))
        source.ClearField("reader")
        found[_key(source)].append(resource_name(artifact))
    return found


def _key(source: types_pb2.DataSource) -> bytes:
    return source.SerializeToString(deterministic=True)


def _needs(record: JobRecord, by_source: Mapping[bytes, Sequence[str]]) -> Iterator[str]:
    yield from record.children
    yield from map(artifact_of, record.children)
    specification: Any = record.specification
    if record.kind.name == "preparation":
        yield from by_source.get(_key(specification), ())
    fields = {descriptor.name for descriptor, _ in specification.ListFields()}
    if "data" in fields:
        yield from by_source.get(_key(specification.data), ())
    for field in fields & {"generator", "synthetic_dataset_job"}:
        yield artifact_of(getattr(specification, field))
