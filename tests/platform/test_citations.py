from __future__ import annotations

import pytest
from google.protobuf.message import Message

from medsynth.errors import FailedPreconditionError
from medsynth.platform.artifacts import dataset_metadata
from medsynth.platform.citations import check_deletable, citations
from medsynth.platform.jobs.kinds import ChildJob
from medsynth.platform.jobs.store import JobStore
from medsynth.storage import Artifact, Storage
from medsynth.v1 import evaluator_pb2, sampler_pb2, trainer_pb2, types_pb2
from tests.platform.made import end, ended_job, publish, publish_dataset, source

DRAW = sampler_pb2.SyntheticDatasetSpecification(generator="generators/g")


@pytest.fixture
def everything(storage: Storage) -> dict[str, Artifact]:
    publish_dataset(storage, "datasets/d")
    publish(storage, "generators/g", dataset="datasets/d")
    publish(storage, "syntheticDatasets/s", generator="generators/g")
    publish(storage, "reports/r1", dataset="datasets/d", subject="generators/g")
    publish(storage, "reports/r2", dataset="datasets/d", subject="syntheticDatasetJobs/s")
    names = ("datasets/d", "generators/g", "syntheticDatasets/s", "reports/r1", "reports/r2")
    return {name: storage.get(*name.split("/")) for name in names}


def test_artifacts_cite_what_they_were_made_from(
    storage: Storage, store: JobStore, everything: dict[str, Artifact]
) -> None:
    assert citations(storage, store) == {
        "datasets/d": ["generators/g", "reports/r1", "reports/r2"],
        "generators/g": ["syntheticDatasets/s", "reports/r1"],
        "syntheticDatasets/s": ["reports/r2"],
    }


@pytest.mark.parametrize(
    ("kind", "specification", "needed"),
    [
        ("preparation", source(), "datasets/d"),
        ("training", trainer_pb2.TrainingSpecification(data=source()), "datasets/d"),
        ("synthetic_dataset", DRAW, "generators/g"),
        ("evaluation", evaluator_pb2.EvaluationSpecification(generator="generators/g"), None),
        (
            "evaluation",
            evaluator_pb2.EvaluationSpecification(
                synthetic_dataset_job="syntheticDatasetJobs/s", data=source()
            ),
            "syntheticDatasets/s",
        ),
    ],
)
def test_active_jobs_need_what_they_work_with_until_they_end(
    storage: Storage,
    store: JobStore,
    everything: dict[str, Artifact],
    kind: str,
    specification: Message,
    needed: str | None,
) -> None:
    needed = needed or "generators/g"
    job = store.create(kind, specification)
    assert citations(storage, store)[needed][-1] == job.name
    for force in (False, True):
        with pytest.raises(FailedPreconditionError, match=job.name) as caught:
            check_deletable(everything[needed], store, force=force)
        assert caught.value.reason == "IN_USE"
    end(store, job)
    check_deletable(everything[needed], store, force=True)


ARCHIVE = types_pb2.DataSource(uri="/scans/acdc.zip", preparation={"size": 64})
"""As it is recorded: what it holds is recognised by the worker that unpacks it."""


@pytest.mark.parametrize(
    ("kind", "specification"),
    [
        ("preparation", ARCHIVE),
        ("training", trainer_pb2.TrainingSpecification(data=ARCHIVE)),
        (
            "evaluation",
            evaluator_pb2.EvaluationSpecification(generator="generators/g", data=ARCHIVE),
        ),
    ],
)
def test_the_set_of_an_archive_is_needed_although_the_request_names_no_reader(
    storage: Storage, store: JobStore, kind: str, specification: Message
) -> None:
    prepared = types_pb2.DataSource(reader="acdc")
    prepared.MergeFrom(ARCHIVE)
    other = types_pb2.DataSource()
    other.MergeFrom(prepared)
    other.preparation.size = 32
    for name, made_from in (("datasets/d", prepared), ("datasets/other", other)):
        publish(storage, name, **dataset_metadata(types_pb2.Dataset(source=made_from)))
    job = store.create(kind, specification)
    assert citations(storage, store)["datasets/d"] == [job.name]
    assert "datasets/other" not in citations(storage, store)
    with pytest.raises(FailedPreconditionError, match=job.name):
        check_deletable(storage.get("datasets", "d"), store, force=True)


def test_an_inspection_needs_no_prepared_set(
    store: JobStore, everything: dict[str, Artifact]
) -> None:
    store.create("inspection", source())
    check_deletable(everything["datasets/d"], store, force=True)


def test_a_job_needs_what_it_waited_for(storage: Storage, store: JobStore) -> None:
    parent = store.create("evaluation", evaluator_pb2.EvaluationSpecification())
    claim = store.claim(parent.name, "test")
    assert claim is not None
    store.wait(claim, [ChildJob("synthetic_dataset", DRAW)])
    (child,) = store.get(parent.name).children
    identifier = child.partition("/")[2]
    end(store, store.get(child))
    found = citations(storage, store)
    assert found[child] == found[f"syntheticDatasets/{identifier}"] == [parent.name]
    with pytest.raises(FailedPreconditionError, match=parent.name) as caught:
        store.delete(child)
    assert caught.value.reason == "JOB_NEEDED"
    end(store, store.get(parent.name))
    store.delete(child)
    store.delete(parent.name)
    assert store.redis.keys("medsynth:job:*") == []


def test_what_is_cited_is_deleted_by_those_who_insist(
    store: JobStore, everything: dict[str, Artifact]
) -> None:
    with pytest.raises(FailedPreconditionError, match=r"generators/g is cited by synth") as caught:
        check_deletable(everything["generators/g"], store, force=False)
    assert caught.value.reason == "CITED"
    check_deletable(everything["generators/g"], store, force=True)
    check_deletable(everything["reports/r1"], store, force=False)


def test_a_job_that_has_ended_needs_nothing(
    store: JobStore, everything: dict[str, Artifact]
) -> None:
    ended_job(store, "synthetic_dataset", DRAW)
    check_deletable(everything["generators/g"], store, force=True)
