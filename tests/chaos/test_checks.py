"""The checks find what they are there for: losses that were planted, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from medsynth.errors import DataError
from medsynth.platform.jobs.record import Claim
from medsynth.platform.jobs.store import JobStore
from medsynth.settings import Settings
from medsynth.storage import Storage
from medsynth.v1 import trainer_pb2
from tests.chaos import checks
from tests.chaos.arena import KINDS
from tests.chaos.ledger import Entry, Ledger
from tests.platform.jobs.echo import specification
from tests.redis_server import RedisServer


@pytest.fixture
def store(redis_server: RedisServer, tmp_path: Path) -> JobStore:
    settings = Settings(home=tmp_path, redis_url=redis_server.url)
    return JobStore(redis_server.url, settings, kinds=KINDS, announce=lambda *_: None)


@pytest.fixture
def storage(store: JobStore) -> Storage:
    return Storage(store.settings.storage)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def promise(store: JobStore, ledger: Ledger, request_id: str = "", fails: bool = False) -> str:
    asked = specification(say="hello")
    name = store.create("echo", asked, request_id=request_id).name
    ledger.add(Entry(name, "echo", "echo", request_id, asked, fails))
    return name


def claim(store: JobStore, name: str) -> Claim:
    claimed = store.claim(name, "a test")
    assert claimed is not None
    return claimed


def succeed(store: JobStore, name: str, **result: str) -> None:
    store.succeed(claim(store, name), result)


def found(sentences: Iterator[str]) -> str:
    return "\n".join(sentences)


def test_a_job_that_ended_as_promised_is_not_lost(store: JobStore, ledger: Ledger) -> None:
    succeed(store, promise(store, ledger))
    store.fail(claim(store, promise(store, ledger, fails=True)), DataError("as it should"))
    name = promise(store, ledger)
    ledger.cancel(name)
    store.cancel(name)
    for check in (checks.check_promises(store, ledger), checks.check_histories(store)):
        assert found(check) == ""
    assert found(checks.check_indexes(store)) == ""


def test_a_record_that_is_gone_is_found(store: JobStore, ledger: Ledger) -> None:
    name = promise(store, ledger)
    store.redis.delete(f"medsynth:job:{name}")
    store.redis.zrem("medsynth:index:echo:QUEUED", name)
    assert f"{name} (echo) was acknowledged and does not exist" in found(
        checks.check_promises(store, ledger)
    )


def test_ends_that_nobody_asked_for_are_found(store: JobStore, ledger: Ledger) -> None:
    cancelled, failed, succeeded, waits = (
        promise(store, ledger, fails=fails) for fails in (False, False, True, False)
    )
    store.cancel(cancelled)
    store.fail(claim(store, failed), DataError("why not"))
    succeed(store, succeeded)
    orphan = store.create("heavy", specification()).name
    store.cancel(orphan)
    lost = found(checks.check_promises(store, ledger))
    for name, state in (
        *((cancelled, "CANCELLED"), (failed, "FAILED"), (succeeded, "SUCCEEDED")),
        *((waits, "QUEUED"), (orphan, "CANCELLED")),
    ):
        assert any(name in line and state in line for line in lost.splitlines()), lost


def test_a_history_that_cannot_be_is_found(store: JobStore, ledger: Ledger) -> None:
    whole, gap, record = (promise(store, ledger) for _ in range(3))
    for name in (whole, gap, record):
        succeed(store, name)
    _, claimed, _ = store.watch(gap)
    store.redis.xdel(f"medsynth:job:{gap}:events", claimed.event_id)
    store.redis.hset(f"medsynth:job:{record}", "state", "FAILED")
    lost = found(checks.check_histories(store))
    assert f"{gap}: its history is not possible" in lost
    assert f"{record} is FAILED, its history ends with SUCCEEDED" in lost
    assert whole not in lost


def test_request_ids_that_forgot_their_jobs_are_found(store: JobStore, ledger: Ledger) -> None:
    forgotten, kept = promise(store, ledger, "forgotten"), promise(store, ledger, "kept")
    store.redis.delete("medsynth:request:echo:forgotten")

    def repeat(request_id: str) -> str:
        return store.create("echo", specification(say="hello"), request_id=request_id).name

    lost = found(checks.check_requests(store, ledger, repeat))
    assert f"{forgotten}: its request id answers with echoJobs/" in lost
    assert kept not in lost


def test_files_that_changed_or_are_missing_are_found(store: JobStore, storage: Storage) -> None:
    for name in ("whole", "changed", "gone"):
        draft = storage.draft("reports", name, "a1")
        draft.write("content", name.encode())
        storage.publish(draft, {})
    Path(storage.get("reports", "changed").path, "content").write_text("chanced")
    name = store.create("echo", specification()).name
    succeed(store, name, report="reports/nowhere")
    storage.delete("reports", "gone")
    assert found(checks.check_artifacts(storage)) == (
        "reports/changed: content is not what was published"
    )
    assert found(checks.check_results(store, storage)) == (
        f"{name} made reports/nowhere, which does not exist"
    )


def test_weights_that_differ_are_found(store: JobStore) -> None:
    for seed, digest in ((1, "sha256:a"), (1, "sha256:a"), (2, "sha256:b")):
        name = store.create("training", trainer_pb2.TrainingSpecification(seed=seed)).name
        succeed(store, name, weights_digest=digest)
    assert found(checks.check_weights(store)) == ""
    succeed(
        store,
        store.create("training", trainer_pb2.TrainingSpecification(seed=2)).name,
        weights_digest="sha256:c",
    )
    assert "sha256:b" in found(checks.check_weights(store))


def test_what_never_ends_is_found_in_the_indexes(store: JobStore, ledger: Ledger) -> None:
    claim(store, promise(store, ledger))
    waits = store.create("heavy", specification(), share_key="k").name
    lost = found(checks.check_indexes(store))
    assert "medsynth:leases still holds" in lost
    assert f"medsynth:unclaimed:gpu still holds [b'{waits}']" in lost
    assert "b'medsynth:share:heavy:k' is still there" in lost


def test_leftovers_that_no_rule_covers_are_found(store: JobStore, storage: Storage) -> None:
    storage.draft("reports", "begun", "a1").write("content", b"half")
    assert found(checks.check_leftovers(store, storage)) == "", "drafts are collected"
    Path(storage.root, "generators.tmp").write_text("")
    assert "generators.tmp is left" in found(checks.check_leftovers(store, storage))
