"""Everything works without the project's own client: reflection, health, and a job's whole life."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.system.conftest import Stack
from tests.system.reflection import ReflectionClient

SERVICES = {"trainer": "Trainer", "sampler": "Sampler", "evaluator": "Evaluator"}


@pytest.fixture(scope="module")
def trainer(stack: Stack) -> Iterator[ReflectionClient]:
    client = ReflectionClient(stack.addresses["trainer"])
    yield client
    client.close()


@pytest.mark.parametrize("name", SERVICES)
def test_a_server_lists_its_services(stack: Stack, name: str) -> None:
    client = ReflectionClient(stack.addresses[name])
    assert client.services() == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        f"medsynth.v1.{SERVICES[name]}Service",
    ]
    client.close()


@pytest.mark.parametrize("name", SERVICES)
def test_a_server_says_that_it_is_healthy(stack: Stack, name: str) -> None:
    with grpc.insecure_channel(stack.addresses[name]) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for service in ("", f"medsynth.v1.{SERVICES[name]}Service"):
            answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_a_preparation_runs_from_creation_to_its_data_set(trainer: ReflectionClient) -> None:
    service = "medsynth.v1.TrainerService"
    specification = {
        "uri": f"phantom://cardiac?patients=6&slices=4&seed={time.time_ns()}",
        "preparation": {"size": 32},
    }
    job = trainer.call(f"{service}/PrepareDataset", specification=specification)
    events = list(trainer.stream(f"{service}/WatchPreparationJob", name=job["name"]))
    states = [event["stateChange"]["to"] for event in events if "stateChange" in event]
    assert states == ["JOB_STATE_QUEUED", "JOB_STATE_RUNNING", "JOB_STATE_SUCCEEDED"]

    again = trainer.stream(
        f"{service}/WatchPreparationJob", name=job["name"], after_event_id=events[0]["eventId"]
    )
    assert list(again) == events[1:]

    ended = trainer.call(f"{service}/GetPreparationJob", name=job["name"])
    dataset = trainer.call(f"{service}/GetDataset", name=ended["dataset"])
    assert dataset["size"] == 32
    assert sum(int(split["patients"]) for split in dataset["splits"]) == 6

    trainer.call(f"{service}/DeletePreparationJob", name=job["name"])
    with pytest.raises(grpc.RpcError) as caught:
        trainer.call(f"{service}/GetPreparationJob", name=job["name"])
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_a_request_id_makes_one_job_of_two_calls(trainer: ReflectionClient) -> None:
    method = "medsynth.v1.TrainerService/PrepareDataset"
    request_id = f"once-{time.time_ns()}"

    def create(seed: int) -> str:
        specification = {"uri": f"phantom://cardiac?patients=5&slices=4&seed={seed}"}
        job = trainer.call(method, specification=specification, request_id=request_id)
        return str(job["name"])

    assert create(1) == create(1)
    with pytest.raises(grpc.RpcError) as caught:
        create(2)
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS


def test_the_servers_never_import_torch(stack: Stack) -> None:
    processes = stack.json("status")["processes"]
    for name in SERVICES:
        maps = Path(f"/proc/{processes[name]['pid']}/maps").read_text()
        assert "libtorch" not in maps
