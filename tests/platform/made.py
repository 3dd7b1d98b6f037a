"""Artifacts with nothing in them but what they cite, and jobs that have come to their end."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from medsynth.platform.artifacts import dataset_metadata
from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.jobs.store import JobStore
from medsynth.storage import Artifact, Storage
from medsynth.v1 import types_pb2


def source(seed: int = 0) -> types_pb2.DataSource:
    return types_pb2.DataSource(uri=f"phantom://cardiac?seed={seed}", reader="phantom")


def publish(storage: Storage, name: str, **metadata: Any) -> Artifact:
    collection, _, identifier = name.partition("/")
    draft = storage.draft(collection, identifier, "a1")
    draft.write("content", name.encode())
    return storage.publish(draft, metadata)


def publish_dataset(storage: Storage, name: str, seed: int = 0) -> Artifact:
    return publish(storage, name, **dataset_metadata(types_pb2.Dataset(source=source(seed))))


def end(store: JobStore, record: JobRecord) -> JobRecord:
    """Lets a job succeed."""
    claim = store.claim(record.name, "test")
    assert claim is not None
    store.succeed(claim, {})
    return store.get(record.name)


def ended_job(store: JobStore, kind: str, specification: Message) -> JobRecord:
    return end(store, store.create(kind, specification))
