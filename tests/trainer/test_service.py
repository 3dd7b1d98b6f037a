"""The trainer's methods over a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest

from medsynth.gans.presets import PRESETS
from medsynth.platform.rpc.server import build_server
from medsynth.platform.sources import fill_source
from medsynth.trainer.service import SERVICE, TrainerServicer
from medsynth.v1 import evaluator_pb2, trainer_pb2, trainer_pb2_grpc, types_pb2
from tests.trainer.asked import training_specification
from tests.workplace import Workplace

Stub = trainer_pb2_grpc.TrainerServiceStub


@pytest.fixture(scope="module")
def stub(workplace: Workplace) -> Iterator[Stub]:
    servicer = TrainerServicer(workplace.store, workplace.storage, workplace.settings.data_roots)
    add = trainer_pb2_grpc.add_TrainerServiceServicer_to_server
    server = build_server(workplace.settings, "127.0.0.1:0", [(add, servicer)], [SERVICE])
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield trainer_pb2_grpc.TrainerServiceStub(channel)
    server.stop(0)


def source(seed: int) -> types_pb2.DataSource:
    return types_pb2.DataSource(
        uri=f"phantom://cardiac?patients=5&slices=4&seed={seed}", preparation={"size": 32}
    )


def prepared(workplace: Workplace, stub: Stub, seed: int) -> types_pb2.Dataset:
    request = trainer_pb2.PrepareDatasetRequest(specification=source(seed))
    workplace.finish(stub.PrepareDataset(request).name)
    (job,) = stub.ListPreparationJobs(trainer_pb2.ListPreparationJobsRequest(page_size=1)).jobs
    found: types_pb2.Dataset = stub.GetDataset(trainer_pb2.GetDatasetRequest(name=job.dataset))
    return found


def test_a_data_set_is_prepared_listed_and_deleted(workplace: Workplace, stub: Stub) -> None:
    dataset = prepared(workplace, stub, seed=101)
    assert dataset.source == fill_source(source(101), ())
    assert [split.name for split in dataset.splits] == ["train", "validation", "test"]
    assert sum(split.patients for split in dataset.splits) == 5
    assert dataset.create_time.seconds > 0
    other = prepared(workplace, stub, seed=102)
    page = stub.ListDatasets(trainer_pb2.ListDatasetsRequest(page_size=1))
    assert list(page.datasets) == [other]
    token = page.next_page_token
    page = stub.ListDatasets(trainer_pb2.ListDatasetsRequest(page_size=1, page_token=token))
    assert list(page.datasets) == [dataset]

    stub.DeleteDataset(trainer_pb2.DeleteDatasetRequest(name=dataset.name))
    with pytest.raises(grpc.RpcError) as raised:
        stub.GetDataset(trainer_pb2.GetDatasetRequest(name=dataset.name))
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND


def test_an_inspection_refuses_what_it_would_not_heed(workplace: Workplace, stub: Stub) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        stub.InspectDataset(trainer_pb2.InspectDatasetRequest(specification=source(104)))
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "specification.preparation.size: 32 is not accepted" in (raised.value.details() or "")
    asked = types_pb2.DataSource(
        uri="phantom://cardiac?patients=5&slices=4", preparation={"label_map": {1: 1, 2: 1, 3: 1}}
    )
    job = stub.InspectDataset(trainer_pb2.InspectDatasetRequest(specification=asked))
    workplace.finish(job.name)
    done = stub.GetInspectionJob(trainer_pb2.GetInspectionJobRequest(name=job.name))
    (answer,) = stub.GetInspection(trainer_pb2.GetInspectionRequest(name=done.inspection))
    assert [label.label for label in answer.inspection.classes] == [0, 1]
    assert len(answer.inspection.listed_patients) == 5
    assert {patient.split for patient in answer.inspection.listed_patients} == {
        *("train", "validation", "test")
    }


@pytest.mark.parametrize("kind", ["preparation", "training", "evaluation"])
def test_a_data_set_that_a_job_needs_is_not_deleted(
    workplace: Workplace, stub: Stub, kind: str
) -> None:
    dataset = prepared(workplace, stub, seed=103)
    training = training_specification()
    training.data.CopyFrom(dataset.source)
    specifications = {
        "preparation": dataset.source,
        "training": training,
        "evaluation": evaluator_pb2.EvaluationSpecification(folder="/x", data=dataset.source),
    }
    job = workplace.store.create(kind, specifications[kind])
    with pytest.raises(grpc.RpcError) as raised:
        stub.DeleteDataset(trainer_pb2.DeleteDatasetRequest(name=dataset.name))
    assert raised.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert job.name in raised.value.details()
    assert workplace.storage.find("datasets", dataset.name.rpartition("/")[2])

    workplace.store.cancel(job.name)
    stub.DeleteDataset(trainer_pb2.DeleteDatasetRequest(name=dataset.name))


def test_a_training_is_made_once_for_a_request_id_and_has_its_whole_life(stub: Stub) -> None:
    request = trainer_pb2.CreateTrainingJobRequest(
        specification=trainer_pb2.TrainingSpecification(data=source(104), gan={"preset": "wgan"}),
        request_id="one",
    )
    job = stub.CreateTrainingJob(request)
    assert stub.CreateTrainingJob(request).name == job.name
    request.specification.seed = 1
    with pytest.raises(grpc.RpcError) as raised:
        stub.CreateTrainingJob(request)
    assert raised.value.code() == grpc.StatusCode.ALREADY_EXISTS

    named = {"name": job.name}
    assert stub.GetTrainingJob(trainer_pb2.GetTrainingJobRequest(**named)) == job
    assert job.specification.gan.clip_value == 0.01
    assert job.status.queue == "gpu"
    stub.CancelTrainingJob(trainer_pb2.CancelTrainingJobRequest(**named))
    events = list(stub.WatchTrainingJob(trainer_pb2.WatchTrainingJobRequest(**named)))
    states = [event.state_change.to for event in events]
    assert states == [1, 8]
    stub.DeleteTrainingJob(trainer_pb2.DeleteTrainingJobRequest(**named))
    with pytest.raises(grpc.RpcError) as raised:
        stub.GetTrainingJob(trainer_pb2.GetTrainingJobRequest(**named))
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND


def test_the_presets_have_every_field(stub: Stub) -> None:
    presets = stub.ListPresets(trainer_pb2.ListPresetsRequest()).presets
    assert [preset.name for preset in presets] == list(PRESETS)
    fields = set(types_pb2.GanSpecification.DESCRIPTOR.fields_by_name)
    for preset in presets:
        assert {descriptor.name for descriptor, _ in preset.gan.ListFields()} == fields
        assert preset.summary
        assert preset.paper
