"""Evaluations in child processes: prerequisites first, then scores, then the report."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from google.protobuf import json_format

from medsynth.data.source import dataset_id
from medsynth.evaluator import names, work
from medsynth.evaluator.requests import Place, fill_evaluation
from medsynth.platform.jobs.child import Done, JobContext
from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.sources import to_source
from medsynth.storage import Artifact
from medsynth.v1 import evaluator_pb2, sampler_pb2, types_pb2
from medsynth.v1.jobs_pb2 import JobState
from tests.data.dicom_files import series, write_series
from tests.evaluator.subjects import (
    SOURCE,
    prepared_set,
    publish_generator,
    write_folder,
)
from tests.support import eventually
from tests.workplace import Workplace


def filled(workplace: Workplace, **fields: object) -> evaluator_pb2.EvaluationSpecification:
    settings = {"unet_steps": 5, "count": 12, "regimes": ["real", "synthetic"], **fields}
    place = Place(workplace.storage, workplace.store, workplace.settings.data_roots)
    return fill_evaluation(evaluator_pb2.EvaluationSpecification(**settings), place)


def report_of(workplace: Workplace, record: JobRecord) -> tuple[evaluator_pb2.Report, Artifact]:
    collection, _, identifier = record.result["report"].partition("/")
    artifact = workplace.storage.get(collection, identifier)
    return json_format.Parse(artifact.read("report.json"), evaluator_pb2.Report()), artifact


@pytest.fixture(scope="module")
def evaluated(workplace: Workplace) -> JobRecord:
    """The evaluation of a generator whose data set is no longer there."""
    publish_generator(workplace)
    return workplace.make("evaluation", filled(workplace, generator="generators/tiny"))


def test_a_generator_s_evaluation_waits_for_its_set_and_its_images(
    workplace: Workplace, evaluated: JobRecord
) -> None:
    children = {child.kind.name: child for child in map(workplace.store.get, evaluated.children)}
    assert set(children) == {"preparation", "synthetic_dataset"}
    draw = cast(
        sampler_pb2.SyntheticDatasetSpecification, children["synthetic_dataset"].specification
    )
    assert (draw.generator, draw.count, draw.seed, draw.format) == ("generators/tiny", 12, 0, "npz")
    assert evaluated.attempt == 2


def test_the_report_says_what_was_compared(workplace: Workplace, evaluated: JobRecord) -> None:
    report, artifact = report_of(workplace, evaluated)
    assert artifact.verify() == []
    assert report.name == evaluated.result["report"] == f"reports/{evaluated.id}"
    assert report.evaluation_job == evaluated.name
    assert report.subject == "generators/tiny"
    assert report.subject_digest == publish_generator(workplace).manifest.digest
    specification = cast(evaluator_pb2.EvaluationSpecification, evaluated.specification)
    assert report.dataset == f"datasets/{dataset_id(to_source(specification.data))}"
    assert report.create_time.seconds > 0
    found = {(score.metric, score.comparison) for score in report.scores}
    expected = {(m, c) for m in (names.FID, names.UNET_FD) for c in names.COMPARISONS}
    assert found == expected | {(names.DICE, names.REAL), (names.DICE, names.SYNTHETIC)}
    assert set(artifact.manifest.metadata) == {
        "evaluation_job", "dataset", "subject", "subject_digest"
    }  # fmt: skip


def test_the_page_has_pictures_curve_and_scores(workplace: Workplace, evaluated: JobRecord) -> None:
    report, artifact = report_of(workplace, evaluated)
    page = artifact.read("report.html").decode()
    assert page.count("data:image/png;base64,") == 2
    assert "How the training went" in page
    for score in report.scores:
        if score.metric == names.DICE and score.label == names.MEAN:
            assert f"{score.value:.3f}" in page
    assert not (workplace.settings.home / "storage" / "jobs" / evaluated.id).exists()


def test_a_synthetic_data_set_is_scored_as_it_is(
    workplace: Workplace, evaluated: JobRecord
) -> None:
    name = next(name for name in evaluated.children if name.startswith("syntheticDatasetJobs"))
    record = workplace.make(
        "evaluation", filled(workplace, synthetic_dataset_job=name, metrics=["unet-fd"], count=6)
    )
    report, artifact = report_of(workplace, record)
    assert report.subject == name
    assert report.subject_digest == workplace.store.get(name).result["digest"]
    assert {score.metric for score in report.scores} == {names.UNET_FD}
    assert report.scores[0].protocol.synthetic_count == 6
    assert "How the training went" in artifact.read("report.html").decode()
    assert record.children == ()


def test_images_of_another_size_are_refused(workplace: Workplace) -> None:
    folder = write_folder(workplace, "small", size=24)
    record = workplace.run("evaluation", filled(workplace, folder=str(folder), data=SOURCE))
    assert record.state == JobState.JOB_STATE_FAILED
    assert record.error is not None
    assert record.error.reason == "SIZE_MISMATCH"
    assert "24 x 24" in record.error.message
    assert workplace.storage.find("reports", record.id) is None


def test_an_error_of_its_preparation_names_the_field_of_its_own_request(
    workplace: Workplace,
) -> None:
    asked = filled(workplace, folder=str(write_folder(workplace, "copies")), data=SOURCE)
    asked.data.preparation.label_map[9] = 1
    record = workplace.run("evaluation", asked)
    assert record.error is not None
    field = "specification.data.preparation.label_map"
    assert [violation.field for violation in record.error.violations] == [field]


@pytest.fixture(scope="module")
def resumed(workplace: Workplace) -> JobRecord:
    """The evaluation of a folder of training images, given back after its first U-Net."""
    folder = write_folder(workplace, "copies")
    metrics = [names.UNET_FD, names.DICE]
    asked = filled(workplace, folder=str(folder), data=SOURCE, metrics=metrics, count=1000)
    asked.unet_steps = 200
    name = workplace.store.create("evaluation", asked).name
    carrier = threading.Thread(target=workplace.supervisor.run, args=(name,))
    carrier.start()
    eventually(lambda: workplace.store.get(name).progress.done > 200, timeout=120)
    workplace.supervisor.stop()
    carrier.join()
    assert workplace.store.get(name).state == JobState.JOB_STATE_QUEUED
    workplace.new_supervisor()
    return workplace.finish(name)


def test_an_evaluation_that_a_worker_gives_back_goes_on(
    workplace: Workplace, resumed: JobRecord
) -> None:
    assert resumed.state == JobState.JOB_STATE_SUCCEEDED, resumed.error
    phases = [
        event.progress.phase
        for event in workplace.store.watch(resumed.name)
        if event.attempt == 2 and event.HasField("progress")
    ]
    assert phases
    assert set(phases) == {"U-Net on synthetic (2 of 2)"}


def test_a_folder_of_the_training_images_is_at_no_distance_from_them(
    workplace: Workplace, resumed: JobRecord
) -> None:
    report, artifact = report_of(workplace, resumed)
    scores = {s.comparison: s for s in report.scores if s.metric == names.UNET_FD}
    assert scores[names.SYNTHETIC_TRAIN].value == pytest.approx(0, abs=1e-6)
    assert scores[names.SYNTHETIC_TEST].value > 1e-4
    count = len(prepared_set(workplace)[1].split("train").images)
    assert scores[names.SYNTHETIC_TRAIN].protocol.synthetic_count == count
    assert report.subject_digest.startswith("sha256:")
    assert "How the training went" not in artifact.read("report.html").decode()


def test_an_attempt_after_the_publication_finds_the_report(
    workplace: Workplace, evaluated: JobRecord
) -> None:
    context = SimpleNamespace(
        name=evaluated.name, specification=evaluated.specification, storage=workplace.storage
    )
    again = work.evaluation(cast(JobContext, context))
    assert isinstance(again, Done)
    assert json.loads(json.dumps(again.result)) == evaluated.result


def test_an_evaluation_against_dicom_knows_the_key_before_it_asks_for_the_set(
    workplace: Workplace,
) -> None:
    scans = workplace.settings.home / "folders" / "scans"
    for number in range(3):
        uid = f"1.2.826.0.1.3680043.8.498.{number}"
        images = series(np.zeros((2, 32, 32), np.int16), PatientID=str(number))
        for each in images:
            each.SeriesInstanceUID = uid
        write_series(scans / str(number), images)
    folder = str(write_folder(workplace, "made", masks=False))
    asked = filled(workplace, folder=folder, data=types_pb2.DataSource(uri=str(scans)), regimes=[])
    name = workplace.store.create("evaluation", asked).name
    workplace.supervisor.run(name)
    waiting = workplace.store.get(name)
    assert waiting.state == JobState.JOB_STATE_WAITING, waiting.error
    assert [workplace.store.get(child).kind.name for child in waiting.children] == ["preparation"]
    workplace.store.cancel(name)
