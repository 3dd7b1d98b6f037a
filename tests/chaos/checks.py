"""What must be true after everything has been let finish: each check says what was lost."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from medsynth.errors import AlreadyExistsError, MedsynthError, NotFoundError
from medsynth.platform.artifacts import DATASETS, GENERATORS, REPORTS, SYNTHETIC_DATASETS
from medsynth.platform.jobs.kinds import QUEUES
from medsynth.platform.jobs.record import JobRecord, state_name
from medsynth.platform.jobs.store import JobStore
from medsynth.platform.retention import Collector
from medsynth.storage import MANIFEST, Storage
from tests.chaos.ledger import Ledger
from tests.chaos.watchers import Watcher
from tests.platform.jobs.echo import specification
from tests.platform.jobs.model import check_history

COLLECTIONS: Final = (DATASETS, GENERATORS, SYNTHETIC_DATASETS, REPORTS)
_LATER: Final = timedelta(days=3)


def records(store: JobStore) -> Iterator[JobRecord]:
    """Every job there is."""
    for kind in store.kinds:
        token, more = "", True
        while more:
            page = store.list(kind, 1000, token)
            yield from page.jobs
            token, more = page.next_page_token, bool(page.next_page_token)


def check_promises(store: JobStore, ledger: Ledger) -> Iterator[str]:
    """Every acknowledged job exists and ended as it may; all others are children of such."""
    meant = {entry.name for entry in ledger if entry.fails}
    cancelled = {entry.name for entry in ledger if entry.cancelled}
    for entry in ledger:
        try:
            record = store.get(entry.name)
        except NotFoundError:
            yield f"{entry.name} ({entry.sort}) was acknowledged and does not exist"
            continue
        state = state_name(record.state)
        if state not in entry.allowed():
            yield f"{entry.name} ({entry.sort}) is {state}: {record.error}"
    for record in records(store):
        state = state_name(record.state)
        if record.name in meant or ledger.get(record.name) is not None:
            continue
        if not record.parent:
            yield f"{record.name} is {state}, and nobody asked for it"
            continue
        if state == "CANCELLED" and record.parent in cancelled:
            continue
        if state != "SUCCEEDED":
            yield f"{record.name} (for {record.parent}) is {state}: {record.error}"


def check_histories(store: JobStore) -> Iterator[str]:
    """Every history is one of the model and leads to the state of the record."""
    for record in records(store):
        try:
            states = check_history(list(store.watch(record.name, keep_going=_once())))
        except (AssertionError, MedsynthError) as error:
            yield f"{record.name}: its history is not possible: {error}"
            continue
        if states[-1] != state_name(record.state):
            yield f"{record.name} is {state_name(record.state)}, its history ends with {states[-1]}"


def check_watchers(store: JobStore, watchers: Sequence[Watcher]) -> Iterator[str]:
    """Who watched saw every event once, however often the connection was lost."""
    for watcher in watchers:
        kept = list(store.watch(watcher.name, keep_going=_once()))
        if [event.event_id for event in watcher.events] != [event.event_id for event in kept]:
            seen = len(watcher.events)
            yield f"{watcher.name}: a watcher saw {seen} events of {len(kept)}"


def check_requests(store: JobStore, ledger: Ledger, repeat: Callable[[str], str]) -> Iterator[str]:
    """Request ids answer with their jobs, and with nothing else.

    Args:
        store: The jobs.
        ledger: What was promised.
        repeat: Asks again with a request id. Returns the name of the job that answers.
    """
    for entry in ledger:
        answer = repeat(entry.request_id)
        if answer != entry.name:
            yield f"{entry.name}: its request id answers with {answer}"
        if entry.kind in ("echo", "heavy"):
            try:
                store.create(entry.kind, specification(say="another"), request_id=entry.request_id)
            except AlreadyExistsError:
                continue
            yield f"{entry.name}: its request id was taken for another job"


def check_artifacts(storage: Storage) -> Iterator[str]:
    """Every artifact is what was published."""
    for collection in COLLECTIONS:
        for artifact in storage.list(collection):
            for path in artifact.verify():
                yield f"{collection}/{artifact.manifest.id}: {path} is not what was published"


def check_results(store: JobStore, storage: Storage) -> Iterator[str]:
    """What jobs say that they made is there."""
    for record in records(store):
        for name in record.result.values():
            collection, _, identifier = name.partition("/")
            if collection in COLLECTIONS and storage.find(collection, identifier) is None:
                yield f"{record.name} made {name}, which does not exist"


def check_weights(store: JobStore) -> Iterator[str]:
    """Trainings of equal specifications gave equal weights."""
    digests: dict[bytes, dict[str, str]] = defaultdict(dict)
    for record in records(store):
        if record.kind.name == "training" and "weights_digest" in record.result:
            asked = record.specification.SerializeToString(deterministic=True)
            digests[asked][record.name] = record.result["weights_digest"]
    for names in digests.values():
        if len(set(names.values())) > 1:
            yield f"equal trainings gave different weights: {names}"


def check_indexes(store: JobStore) -> Iterator[str]:
    """Nothing is held, waits or is shared once every job has ended."""
    keys = ["medsynth:leases", *(f"medsynth:unclaimed:{queue}" for queue in QUEUES)]
    for key in keys:
        left = store.redis.zrange(key, 0, -1)
        if left:
            yield f"{key} still holds {left}"
    for pattern in ("medsynth:share:*", "medsynth:job:*:pending", "medsynth:job:*:waiters"):
        for found in store.redis.keys(pattern):
            yield f"{found!r} is still there"
    if sum(store.counts().values()) != len(list(records(store))):
        yield "the indexes hold other jobs than there are"


def check_leftovers(store: JobStore, storage: Storage) -> Iterator[str]:
    """What attempts left half done is covered by the rules of retention."""
    Collector(store, storage, CollectorRegistry()).collect(datetime.now(UTC) + _LATER)
    for collection in COLLECTIONS:
        for folder in storage.folders(collection):
            artifact = storage.find(collection, posixpath.basename(folder))
            kept = {MANIFEST, artifact.manifest.attempt if artifact else ""}
            for path in storage.entries(folder):
                if posixpath.basename(path) not in kept:
                    yield f"{path} is left and never collected"
    for file in Path(storage.root).rglob("*.tmp"):
        yield f"{file} is left and never collected"


def _once() -> Callable[[], bool]:
    """What ends a watch after it has read what there is."""
    answers = iter([True, True])
    return lambda: next(answers, False)
