"""Removes what the settings do not keep, so that nothing grows for ever.

Nothing that an active job needs, or that an artifact cites, is removed (`citations`). Everything
here may be done twice, or by two services at once.
"""

from __future__ import annotations

import logging
import posixpath
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

import prometheus_client
from prometheus_client import REGISTRY, CollectorRegistry

from medsynth.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    MedsynthError,
    NotFoundError,
    ResourceExhaustedError,
)
from medsynth.platform.artifacts import (
    DATASETS,
    GENERATORS,
    INSPECTIONS,
    REPORTS,
    SYNTHETIC_DATASETS,
    resource_name,
)
from medsynth.platform.citations import citations
from medsynth.platform.jobs.connection import domain_errors
from medsynth.platform.jobs.kinds import FOLDERS
from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.jobs.resource import delete_job
from medsynth.platform.jobs.scripts import PREFIX
from medsynth.platform.jobs.store import JobStore
from medsynth.settings import Settings
from medsynth.storage import MANIFEST, Artifact, Storage

_TURN: Final = PREFIX + "collector"

_log = logging.getLogger(__name__)


class Collector:
    """Collects in a thread of its own, every `collect_seconds`, in one service at a time.

    Args:
        store: The jobs, with the settings.
        storage: The artifacts, and the jobs' work folders.
        registry: Where it is counted what was removed.
    """

    def __init__(
        self, store: JobStore, storage: Storage, registry: CollectorRegistry = REGISTRY
    ) -> None:
        self._store, self._storage = store, storage
        self._settings: Settings = store.settings
        self._removed = prometheus_client.Counter(
            "medsynth_collected", "What was not kept any longer.", ("what",), registry=registry
        )
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="collector", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends, and waits for it."""
        self._over.set()
        self._thread.join()

    def collect(self, now: datetime | None = None) -> Mapping[str, int]:
        """One round.

        Args:
            now: The time by which ages are taken.

        Returns:
            How many `drafts`, `checkpoints`, `events`, `records`, `datasets`, `inspections` and
            `synthetic datasets` were removed. What cannot be is logged and left for the next
            round.
        """
        now = now or datetime.now(UTC)
        cited = cache(lambda: citations(self._storage, self._store))
        removed: Counter[str] = Counter()
        rounds: Mapping[str, Callable[[], Iterator[str]]] = {
            "drafts": lambda: self._drafts(now),
            "checkpoints": lambda: self._work_folders(now),
            "events": lambda: self._events(now),
            "datasets": lambda: self._datasets(now, cited()),
            "inspections": lambda: self._inspections(now),
            "synthetic datasets": lambda: self._synthetic_datasets(now, cited()),
            "records": lambda: self._records(now, cited()),
        }
        for what, round_ in rounds.items():
            try:
                for name in round_():
                    _log.info("%s: %s removed", name, what)
                    self._removed.labels(what).inc()
                    removed[what] += 1
                    if self._over.is_set():
                        return removed
            except (MedsynthError, OSError) as error:
                _log.warning("not all %s were collected: %s", what, error)
        return removed

    def _drafts(self, now: datetime) -> Iterator[str]:
        """Files of attempts that broke off before they published anything."""
        before = _cutoff(now, self._settings.keep_drafts_seconds)
        for collection in (DATASETS, INSPECTIONS, GENERATORS, SYNTHETIC_DATASETS, REPORTS):
            for folder in self._storage.folders(collection):
                identifier = posixpath.basename(folder)
                published = self._storage.find(collection, identifier)
                keep = {MANIFEST, published.manifest.attempt if published else ""}
                for path in self._storage.entries(folder):
                    if posixpath.basename(path) not in keep and self._untouched(path, before):
                        yield from self._remove(path)
                if not self._storage.entries(folder) and self._untouched(folder, before):
                    self._storage.remove(folder)

    def _work_folders(self, now: datetime) -> Iterator[str]:
        """Checkpoints of jobs that have ended, or whose record is gone."""
        before = _cutoff(now, self._settings.keep_checkpoints_seconds)
        for folder in self._storage.folders(FOLDERS):
            record = self._record(posixpath.basename(folder))
            if record is None:
                old = self._untouched(folder, before)
            else:
                old = record.end_time is not None and record.end_time < before
            if old:
                yield from self._remove(folder)

    def _remove(self, path: str) -> Iterator[str]:
        """The path within the storage, if it could be removed."""
        try:
            self._storage.remove(path)
        except OSError as error:
            _log.warning("%s cannot be removed: %s", path, error)
        else:
            yield posixpath.relpath(path, self._storage.root)

    def _events(self, now: datetime) -> Iterator[str]:
        for name, _ in self._store.ended_before(_cutoff(now, self._settings.keep_events_seconds)):
            if self._store.forget_events(name):
                yield name

    def _records(self, now: datetime, cited: Mapping[str, Sequence[str]]) -> Iterator[str]:
        for name, _ in self._store.ended_before(_cutoff(now, self._settings.keep_records_seconds)):
            if name not in cited:
                try:
                    delete_job(self._store, self._storage, name)
                except (FailedPreconditionError, NotFoundError):
                    # Needed, or deleted, since it was looked at.
                    continue
                yield name

    def _datasets(self, now: datetime, cited: Mapping[str, Sequence[str]]) -> Iterator[str]:
        before = _cutoff(now, self._settings.keep_datasets_seconds)
        for artifact in self._uncited(DATASETS, cited):
            if _created(artifact) < before:
                yield self._delete(artifact)

    def _inspections(self, now: datetime) -> Iterator[str]:
        before = _cutoff(now, self._settings.keep_inspections_seconds)
        for artifact in self._storage.list(INSPECTIONS):
            if _created(artifact) < before:
                yield self._delete(artifact)

    def _synthetic_datasets(
        self, now: datetime, cited: Mapping[str, Sequence[str]]
    ) -> Iterator[str]:
        """Those that nobody asked for by themselves go as soon as drafts do."""
        asked_for = _cutoff(now, self._settings.keep_synthetic_datasets_seconds)
        in_passing = _cutoff(now, self._settings.keep_drafts_seconds)
        for artifact in self._uncited(SYNTHETIC_DATASETS, cited):
            record = self._record(artifact.manifest.id)
            before = in_passing if record is not None and record.parent else asked_for
            if _created(artifact) < before:
                yield self._delete(artifact)

    def _uncited(self, collection: str, cited: Mapping[str, Sequence[str]]) -> Iterator[Artifact]:
        for artifact in self._storage.list(collection):
            if resource_name(artifact) not in cited:
                yield artifact

    def _delete(self, artifact: Artifact) -> str:
        self._storage.delete(artifact.manifest.collection, artifact.manifest.id)
        return resource_name(artifact)

    def _record(self, identifier: str) -> JobRecord | None:
        """The job of an id, whatever its kind."""
        for kind in self._store.kinds.values():
            try:
                return self._store.get(f"{kind.collection}/{identifier}")
            except (NotFoundError, InvalidArgumentError):
                continue
        return None

    def _untouched(self, path: str, before: datetime) -> bool:
        newest = self._storage.newest(path)
        return newest is not None and newest < before

    def _work(self) -> None:
        interval = self._settings.collect_seconds
        # Soon after a start too: a service that is restarted often would never collect.
        pause = min(interval, 60.0)
        while not self._over.wait(pause):
            pause = interval
            try:
                if self._is_my_turn():
                    self.collect()
            except MedsynthError as error:
                _log.warning("nothing was collected: %s", error)
            except Exception:  # noqa: BLE001
                # What nobody thought of must not end the thread: the disk would fill.
                _log.exception("collecting failed and is tried again later")

    def _is_my_turn(self) -> bool:
        milliseconds = int(self._settings.collect_seconds * 1000)
        try:
            with domain_errors():
                return bool(self._store.redis.set(_TURN, b"1", nx=True, px=milliseconds))
        except ResourceExhaustedError:
            # A full Redis needs it most, and lets things go.
            return True


def _cutoff(now: datetime, keep_seconds: float) -> datetime:
    """What is older goes; nothing is, if it is kept for ever (0)."""
    if not keep_seconds:
        return datetime.min.replace(tzinfo=UTC)
    return now - timedelta(seconds=keep_seconds)


def _created(artifact: Artifact) -> datetime:
    return datetime.fromisoformat(artifact.manifest.created)
