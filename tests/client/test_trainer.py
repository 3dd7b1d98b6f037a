from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2

from medsynth.client import Client
from medsynth.client.connection import Retry
from medsynth.client.trainer import SourceFields
from medsynth.v1 import trainer_pb2, trainer_pb2_grpc, types_pb2
from tests.client.servers import serving

QUICK = Retry(attempts=3, first_pause=0.01)


class Trainer(trainer_pb2_grpc.TrainerServiceServicer):
    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.breaks = 0

    def CreateTrainingJob(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self.requests.append(request)
        if self.breaks:
            self.breaks -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "the connection breaks")
        return trainer_pb2.TrainingJob(specification=request.specification)

    def PrepareDataset(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self.requests.append(request)
        return trainer_pb2.PreparationJob(specification=request.specification)

    def InspectDataset(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self.requests.append(request)
        return trainer_pb2.InspectionJob(specification=request.specification)

    def GetDataset(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return types_pb2.Dataset(name=request.name)

    def ListDatasets(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        page = int(request.page_token or 0)
        return trainer_pb2.ListDatasetsResponse(
            datasets=[types_pb2.Dataset(name=f"datasets/{page}")],
            next_page_token=str(page + 1) if page < 2 else "",
        )

    def DeleteDataset(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self.requests.append(request)
        return empty_pb2.Empty()

    def ListPresets(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return trainer_pb2.ListPresetsResponse(presets=[trainer_pb2.Preset(name="hinge")])


@pytest.fixture
def trainer() -> Trainer:
    return Trainer()


@pytest.fixture
def client(trainer: Trainer) -> Iterator[Client]:
    with serving(trainer=trainer) as address, Client(trainer=address, retry=QUICK) as made:
        yield made


def test_a_training_leaves_to_the_server_what_was_not_given(client: Client) -> None:
    job = client.train("phantom://cardiac", "hinge", images=1000, seed=0)
    assert job.specification == trainer_pb2.TrainingSpecification(
        data=types_pb2.DataSource(uri="phantom://cardiac"),
        gan=types_pb2.GanSpecification(preset="hinge"),
        images=1000,
        seed=0,
    )
    assert job.specification.HasField("seed")
    assert not job.specification.HasField("precision")


def test_a_training_takes_whole_messages(client: Client) -> None:
    data = types_pb2.DataSource(uri="/data", preparation=types_pb2.Preparation(size=128))
    gan = types_pb2.GanSpecification(preset="wgan", clip_value=0.1)
    specification = client.train(data, gan).specification
    assert specification.data == data
    assert specification.gan == gan


def test_a_creation_is_repeated_under_one_request_id(client: Client, trainer: Trainer) -> None:
    trainer.breaks = 2
    client.train("phantom://cardiac", "hinge")
    ids = {request.request_id for request in trainer.requests}
    assert len(trainer.requests) == 3
    assert len(ids) == 1
    client.train("phantom://cardiac", "hinge")
    assert trainer.requests[-1].request_id not in ids | {""}


def test_a_creation_keeps_the_request_id_that_it_is_given(client: Client, trainer: Trainer) -> None:
    client.prepare("phantom://cardiac", request_id="mine")
    assert trainer.requests[-1].request_id == "mine"


def test_datasets(client: Client, trainer: Trainer) -> None:
    assert [dataset.name for dataset in client.datasets()] == [
        "datasets/0",
        "datasets/1",
        "datasets/2",
    ]
    assert client.dataset("abc").name == "datasets/abc"
    client.delete_dataset("datasets/abc")
    assert trainer.requests[-1].name == "datasets/abc"


def test_presets(client: Client) -> None:
    assert [preset.name for preset in client.presets()] == ["hinge"]


def test_every_field_of_a_source_is_a_keyword() -> None:
    fields = {
        name
        for message in (types_pb2.Preparation, types_pb2.ReaderOptions, types_pb2.DataSource)
        for name in message.DESCRIPTOR.fields_by_name
    }
    assert set(SourceFields.__annotations__) == fields - {"uri", "preparation", "options"}


def test_reader_and_options_may_be_given_beside_the_preparation(client: Client) -> None:
    data = types_pb2.DataSource(uri="/data", options={"class_names": ["a", "b"]})
    asked = client.prepare(data, reader="folder", class_names=["c"], size=128, label_map={1: 0})
    assert asked.specification == types_pb2.DataSource(
        uri="/data",
        reader="folder",
        options={"class_names": ["c"]},
        preparation=types_pb2.Preparation(size=128, label_map={1: 0}),
    )
    assert list(data.options.class_names) == ["a", "b"]
    assert client.inspect("/data", reader="dicom").specification == types_pb2.DataSource(
        uri="/data", reader="dicom"
    )


def test_a_field_that_there_is_not_is_no_keyword(client: Client, trainer: Trainer) -> None:
    for wrong in ({"sise": 128}, {"uri": "/other"}):
        with pytest.raises(TypeError, match=next(iter(wrong))):
            client.prepare("/data", **wrong)  # type: ignore[arg-type]
    assert trainer.requests == []


def test_the_preparation_may_be_given_field_by_field(client: Client) -> None:
    data = types_pb2.DataSource(
        uri="/data", preparation=types_pb2.Preparation(size=32, crop="none")
    )
    expected = types_pb2.Preparation(size=128, crop="none")
    assert client.train(data, "hinge", size=128).specification.data.preparation == expected
    assert data.preparation.size == 32
    assert client.prepare("/data", size=128, crop="none").specification == types_pb2.DataSource(
        uri="/data", preparation=expected
    )
