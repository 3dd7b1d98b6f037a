"""What the evaluator accepts, fills in and refuses."""

from __future__ import annotations

import pytest

from medsynth.errors import (
    DataError,
    FailedPreconditionError,
    InvalidArgumentError,
    MedsynthError,
    NotFoundError,
    PermissionDeniedError,
)
from medsynth.evaluator import names
from medsynth.evaluator.requests import Place, fill_evaluation
from medsynth.platform.sources import fill_source
from medsynth.v1 import evaluator_pb2, sampler_pb2
from tests.evaluator.subjects import LEARNED, SOURCE, publish_generator, write_folder
from tests.workplace import Workplace


@pytest.fixture
def place(workplace: Workplace) -> Place:
    publish_generator(workplace)
    return Place(workplace.storage, workplace.store, workplace.settings.data_roots)


def asked(**fields: object) -> evaluator_pb2.EvaluationSpecification:
    return evaluator_pb2.EvaluationSpecification(**fields)


def test_defaults_are_those_that_the_schema_documents(place: Place) -> None:
    filled = fill_evaluation(asked(generator="generators/tiny"), place)
    assert list(filled.metrics) == list(names.METRICS)
    assert list(filled.regimes) == list(names.REGIMES)
    assert (filled.count, filled.repeats, filled.unet_steps, filled.seed) == (1000, 1, 1000, 0)
    assert filled.data == fill_source(LEARNED, ())
    assert fill_evaluation(filled, place) == filled


def test_words_come_once_in_their_own_order_and_real_is_always_among_them(place: Place) -> None:
    filled = fill_evaluation(
        asked(
            generator="generators/tiny",
            metrics=["dice", "fid", "dice"],
            regimes=["mixed", "synthetic"],
        ),
        place,
    )
    assert list(filled.metrics) == ["fid", "dice"]
    assert list(filled.regimes) == ["real", "synthetic", "mixed"]


def test_a_folder_is_resolved_and_needs_data(place: Place, workplace: Workplace) -> None:
    folder = write_folder(workplace, "plain")
    indirect = f"{folder}/../plain"
    assert fill_evaluation(asked(folder=indirect, data=SOURCE), place).folder == str(folder)
    with pytest.raises(InvalidArgumentError) as raised:
        fill_evaluation(asked(folder=indirect), place)
    assert raised.value.violations[0].field == "specification.data.uri"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "subject"),
        ({"generator": "tiny"}, "generator"),
        ({"generator": "generators/../tiny"}, "generator"),
        ({"synthetic_dataset_job": "jobs/1"}, "synthetic_dataset_job"),
        ({"folder": "relative"}, "folder"),
        ({"folder": "phantom://cardiac"}, "folder"),
        ({"folder": "/nul\0byte"}, "folder"),
        ({"metrics": ["kid"]}, "metrics"),
        ({"regimes": ["fake"]}, "regimes"),
        ({"count": 1}, "count"),
        ({"count": 10**6 + 1}, "count"),
        ({"repeats": 0}, "repeats"),
        ({"repeats": 21}, "repeats"),
        ({"unet_steps": 0}, "unet_steps"),
        ({"seed": -1}, "seed"),
        ({"data": {"uri": "phantom://cardiac", "reader": "x"}}, "data.reader"),
    ],
)
def test_a_refusal_names_the_field(place: Place, fields: dict[str, object], field: str) -> None:
    subject = set(fields) & {"generator", "synthetic_dataset_job", "folder"}
    if fields and not subject:
        fields = {"generator": "generators/tiny", **fields}
    with pytest.raises(InvalidArgumentError) as raised:
        fill_evaluation(asked(**fields), place)
    assert [v.field for v in raised.value.violations] == [f"specification.{field}"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"generator": "generators/none"}, NotFoundError),
        ({"synthetic_dataset_job": "syntheticDatasetJobs/none"}, NotFoundError),
        ({"folder": "/etc"}, PermissionDeniedError),
        ({"generator": "generators/tiny", "data": {"uri": "/etc"}}, PermissionDeniedError),
    ],
)
def test_what_is_not_there_or_not_allowed(
    place: Place, fields: dict[str, object], error: type[MedsynthError]
) -> None:
    with pytest.raises(error):
        fill_evaluation(asked(**fields), place)


def test_a_synthetic_data_set_has_to_be_finished(place: Place, workplace: Workplace) -> None:
    draw = sampler_pb2.SyntheticDatasetSpecification(generator="generators/tiny", count=2)
    name = workplace.store.create("synthetic_dataset", draw).name
    with pytest.raises(FailedPreconditionError, match="has not succeeded") as raised:
        fill_evaluation(asked(synthetic_dataset_job=name), place)
    assert not isinstance(raised.value, DataError)
    workplace.store.cancel(name)


def test_a_synthetic_data_set_in_a_tools_format_is_not_scored(place: Place) -> None:
    draft = place.storage.draft("syntheticDatasets", "drawn", "a1")
    place.storage.publish(draft, {"format": "nnunet", "generator": "generators/tiny"})
    with pytest.raises(InvalidArgumentError, match="png or npz, and not nnunet"):
        fill_evaluation(asked(synthetic_dataset_job="syntheticDatasetJobs/drawn"), place)
    place.storage.delete("syntheticDatasets", "drawn")
