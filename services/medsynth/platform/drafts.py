"""Drafts that leave nothing behind when making them fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from medsynth.storage import Draft, Storage


@contextmanager
def drafted(storage: Storage, collection: str, artifact_id: str, attempt: str) -> Iterator[Draft]:
    """A draft, to be filled and published within the block; removed if the block raises."""
    draft = storage.draft(collection, artifact_id, attempt)
    try:
        yield draft
    except BaseException:
        if storage.fs.exists(draft.path):
            storage.fs.rm(draft.path, recursive=True)
        raise
