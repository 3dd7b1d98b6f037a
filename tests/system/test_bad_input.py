"""Bad input and machines that refuse, through real servers and real workers.

Every row: a clear error with field, value and what would be accepted; nothing half-written in the
storage; every process alive and answering afterwards.
"""

from __future__ import annotations

import gzip
import resource
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from medsynth.platform.jobs.record import ENDED
from medsynth.storage import MANIFEST, Storage
from medsynth.v1 import (
    evaluator_pb2,
    evaluator_pb2_grpc,
    jobs_pb2,
    sampler_pb2,
    sampler_pb2_grpc,
    trainer_pb2,
    trainer_pb2_grpc,
    types_pb2,
)
from tests.data.acdc_files import acdc_folder, write_nifti
from tests.redis_server import RedisServer, free_port
from tests.sampler import graphs
from tests.services import Services
from tests.support import children, eventually
from tests.trainer.asked import training_specification

FRAME = "patient002/patient002_frame01.nii.gz"
MASK = "patient002/patient002_frame01_gt.nii.gz"
READ_ONLY = "/sys/medsynth"
"""Where nobody may make a folder, root included."""


@dataclass
class Place:
    """Running services with the folders that requests may name, and one generator."""

    services: Services
    redis: RedisServer

    def __post_init__(self) -> None:
        channel = self.services.channel
        self.trainer = trainer_pb2_grpc.TrainerServiceStub(channel("trainer"))
        self.sampler = sampler_pb2_grpc.SamplerServiceStub(channel("sampler"))
        self.evaluator = evaluator_pb2_grpc.EvaluatorServiceStub(channel("evaluator"))

    @property
    def root(self) -> Path:
        """The one folder that requests may name."""
        return self.services.home / "data"

    @property
    def storage(self) -> Path:
        return Path(self.services.settings.storage)

    def half_written(self) -> list[Path]:
        """What no artifact, record or checkpoint accounts for."""
        found = list(self.storage.rglob("*.tmp")) if self.storage.is_dir() else []
        for collection in ("datasets", "generators", "syntheticDatasets", "reports"):
            for artifact in (self.storage / collection).glob("*"):
                if not (artifact / MANIFEST).is_file():
                    found += [path for path in artifact.rglob("*") if path.is_file()]
        return [*found, *(self.services.home / "tmp").glob("*/worker-*/attempt-*")]

    def answers(self) -> bool:
        """Whether every process lives and every service answers."""
        self.trainer.ListTrainingJobs(trainer_pb2.ListTrainingJobsRequest(), timeout=20)
        self.sampler.ListGenerators(sampler_pb2.ListGeneratorsRequest(), timeout=20)
        self.evaluator.ListEvaluationJobs(evaluator_pb2.ListEvaluationJobsRequest(), timeout=20)
        return self.services.alive()


def start(folder: Path) -> Place:
    redis = RedisServer(folder, append_only=True)
    redis.start()
    home = folder / "home"
    (home / "tmp").mkdir(parents=True)
    (home / "data").mkdir()
    services = Services(
        home,
        redis.url,
        triton_url=f"127.0.0.1:{free_port()}",
        data_roots=f'["{home / "data"}"]',
        full_disk_seconds=0,
        max_attempts=2,
        announce_seconds=1,
        reconcile_seconds=0.2,
    )
    services.start()
    return Place(services, redis)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = start(tmp_path_factory.mktemp("bad_input"))
    services = place.services
    services.start_worker("light", TMPDIR=str(services.home / "tmp"))
    graphs.publish(Storage(services.settings.storage), "small")
    yield place
    services.stop()
    place.redis.stop()


@pytest.fixture(autouse=True)
def unharmed(place: Place) -> Iterator[None]:
    """After each test: nothing half-written, and every process answers."""
    yield
    eventually(lambda: place.half_written() == [])
    assert eventually(place.answers)


def refusal(call: Callable[..., Any], request: Message) -> status_pb2.Status:
    """The status that a call is refused with, its stream's too."""

    def consume() -> None:
        answer = call(request, timeout=20)
        if not isinstance(answer, Message):
            list(answer)

    with pytest.raises(grpc.RpcError) as caught:
        consume()
    status = rpc_status.from_call(caught.value)
    assert status is not None, caught.value
    return status


def check(
    status: status_pb2.Status, code: str, field: str, parts: Sequence[str], reason: str = ""
) -> None:
    """Code, `ErrorInfo`, the field of `BadRequest`, and parts of the text."""
    assert code_pb2.Code.Name(status.code) == code, status
    info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert status.details[0].Unpack(info), status
    assert info.domain == "medsynth"
    assert info.reason == (reason or info.reason)
    assert all(part in status.message for part in parts), status.message
    assert "Traceback" not in str(status)
    if field:
        assert status.details[1].Unpack(request), status
        assert [violation.field for violation in request.field_violations] == [field]


# Refused at once


def training(**changes: Any) -> trainer_pb2.CreateTrainingJobRequest:
    specification = training_specification()
    specification.MergeFrom(trainer_pb2.TrainingSpecification(**changes))
    return trainer_pb2.CreateTrainingJobRequest(specification=specification)


def preparation(uri: object, **fields: Any) -> trainer_pb2.PrepareDatasetRequest:
    return trainer_pb2.PrepareDatasetRequest(
        specification=types_pb2.DataSource(
            uri=str(uri), preparation=types_pb2.Preparation(size=32, **fields)
        )
    )


def drawing(**fields: Any) -> sampler_pb2.CreateSyntheticDatasetJobRequest:
    return sampler_pb2.CreateSyntheticDatasetJobRequest(
        specification=sampler_pb2.SyntheticDatasetSpecification(
            **{"generator": "generators/small", **fields}
        )
    )


def evaluation(**fields: Any) -> evaluator_pb2.CreateEvaluationJobRequest:
    return evaluator_pb2.CreateEvaluationJobRequest(
        specification=evaluator_pb2.EvaluationSpecification(**fields)
    )


def gan(**fields: Any) -> dict[str, Any]:
    return {"gan": types_pb2.GanSpecification(**fields)}


def size(side: int) -> dict[str, Any]:
    return {"data": types_pb2.DataSource(preparation=types_pb2.Preparation(size=side))}


INVALID = "INVALID_ARGUMENT"

REFUSED = {
    "unknown preset": (training(**gan(preset="nogan")), "gan.preset", ["'nogan'", "wgan-gp"]),
    "size not a power of two": (
        training(**size(48)), "data.preparation.size", ["48", "32, 64, 128 or 256"]
    ),
    "negative images": (training(images=-3), "images", ["-3", "1 to 1000000000"]),
    "negative batch": (training(**gan(batch_size=-1)), "gan.batch_size", ["-1", "2 to 1024"]),
    "learning rate not a number": (
        training(**gan(generator_learning_rate=float("nan"))),
        "gan.generator_learning_rate",
        ["nan", "above 0 to 1"],
    ),
    "negative count of a data set": (drawing(count=-5), "count", ["-5", "1 to 10000000"]),
    "unknown format": (drawing(format="jpeg"), "format", ["'jpeg'", "one of png, npz"]),
    "negative count of an evaluation": (
        evaluation(generator="generators/small", count=-1), "count", ["-1", "2 to 1000000"]
    ),
    "nothing to evaluate": (evaluation(count=9), "subject", ["`generator`", "`folder`"]),
    "limits that no pixel can meet": (
        preparation("phantom://cardiac", intensity="window", intensity_low=0.0,
                    intensity_high=1e308),
        "preparation.intensity_high",
        ["1e+308", "1e+30"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("request_", "field", "parts"), REFUSED.values(), ids=REFUSED)
def test_a_field_that_cannot_be_accepted(
    place: Place, request_: Any, field: str, parts: list[str]
) -> None:
    call = {
        "CreateTrainingJobRequest": place.trainer.CreateTrainingJob,
        "PrepareDatasetRequest": place.trainer.PrepareDataset,
        "CreateSyntheticDatasetJobRequest": place.sampler.CreateSyntheticDatasetJob,
        "CreateEvaluationJobRequest": place.evaluator.CreateEvaluationJob,
    }[request_.DESCRIPTOR.name]
    path = f"specification.{field}"
    check(refusal(call, request_), INVALID, path, [path, *parts])


def test_a_negative_count_of_a_stream(place: Place) -> None:
    request = sampler_pb2.SampleRequest(generator="generators/small", count=-1)
    check(refusal(place.sampler.Sample, request), INVALID, "count", ["-1", "1 to 1000000000"])


@pytest.mark.parametrize("how", ["outside", "dots", "link", "link within"])
def test_a_path_outside_the_roots(place: Place, how: str, tmp_path: Path) -> None:
    link = place.root / f"link-{tmp_path.name}"
    link.symlink_to("/" if how == "link within" else tmp_path)
    named = {
        "outside": tmp_path,
        "dots": f"{place.root}/../../..",
        "link": link,
        "link within": f"{link}/etc",
    }[how]
    accepted = "the folders that the operator allows (MEDSYNTH_DATA_ROOTS)"
    source = preparation(named).specification
    for call, request, field in (
        (place.trainer.PrepareDataset, preparation(named), "uri"),
        (place.trainer.CreateTrainingJob, training(data=source), "data.uri"),
        (place.evaluator.CreateEvaluationJob, evaluation(folder=str(named)), "folder"),
    ):
        path = f"specification.{field}"
        check(refusal(call, request), "PERMISSION_DENIED", path, [path, str(named), accepted])


def test_an_empty_folder(place: Place) -> None:
    empty = place.root / "empty"
    empty.mkdir()
    check(
        refusal(place.trainer.PrepareDataset, preparation(empty)),
        "FAILED_PRECONDITION",
        "specification.uri",
        [str(empty), "patientNNN_frameFF.nii.gz"],
        "UNUSABLE_DATA",
    )


def test_a_folder_that_is_not_there(place: Place) -> None:
    nowhere = str(place.root / "nowhere")
    status = refusal(place.evaluator.CreateEvaluationJob, evaluation(folder=nowhere))
    check(status, "NOT_FOUND", "specification.folder", [nowhere, "does not exist"])


@pytest.mark.parametrize("content", [b"\xff\xff\xff", b"\x0a\x05ab", b"\x0a\x02\xff\xfe"])
def test_bytes_that_are_no_message(place: Place, content: bytes) -> None:
    for service, method in (
        ("trainer", "TrainerService/PrepareDataset"),
        ("sampler", "SamplerService/DeployGenerator"),
        ("evaluator", "EvaluatorService/GetEvaluationJob"),
    ):
        with place.services.channel(service) as channel:
            call = channel.unary_unary(f"/medsynth.v1.{method}")
            with pytest.raises(grpc.RpcError) as caught:
                call(content, timeout=20)
        status = rpc_status.from_call(caught.value)
        assert status is not None
        check(status, INVALID, "", ["not a message"], "UNDECODABLE_REQUEST")


# Found by a worker


def outcome(place: Place, job: Any) -> jobs_pb2.JobStatus:
    """How a job ended."""
    kind = type(job).__name__
    service = {"SyntheticDatasetJob": place.sampler}.get(kind, place.trainer)
    get = getattr(service, f"Get{kind}")
    module = sampler_pb2 if service is place.sampler else trainer_pb2
    request = getattr(module, f"Get{kind}Request")(name=job.name)

    def ended() -> jobs_pb2.JobStatus | None:
        status = get(request, timeout=20).status
        return status if status.state in ENDED else None

    status = eventually(ended, 240)
    assert status is not None
    return status


def another_size(folder: Path) -> None:
    write_nifti(folder / MASK, np.zeros((3, 40, 47), np.uint8))


def unknown_label(folder: Path) -> None:
    values = np.zeros((3, 40, 48), np.uint8)
    values[1, 2, 3] = 4
    write_nifti(folder / MASK, values)


def truncated(folder: Path) -> None:
    content = gzip.decompress((folder / FRAME).read_bytes())
    (folder / FRAME).write_bytes(gzip.compress(content[: len(content) // 2]))


def torn_archive(folder: Path) -> None:
    content = (folder / FRAME).read_bytes()
    (folder / FRAME).write_bytes(content[: len(content) // 2])


def not_a_number(folder: Path) -> None:
    values = np.ones((3, 40, 48), np.float32)
    values[0, 0, :2] = np.nan
    write_nifti(folder / FRAME, values)


def one_patient(folder: Path) -> None:
    for number in (2, 3, 4):
        for file in (folder / f"patient{number:03d}").iterdir():
            file.unlink()


def link_out(folder: Path) -> None:
    (folder / FRAME).unlink()
    (folder / FRAME).symlink_to("/etc/passwd")


UNUSABLE = {
    "mask of another size": (another_size, "FAILED_PRECONDITION", [MASK, "47", "48"]),
    "label outside the classes": (
        unknown_label, "FAILED_PRECONDITION", [MASK, "label 4", "3 lv cavity"]
    ),
    "truncated NIfTI": (truncated, "FAILED_PRECONDITION", [FRAME, "is cut off"]),
    "torn archive": (torn_archive, "FAILED_PRECONDITION", [FRAME, "not a readable NIfTI"]),
    "NaN intensities": (not_a_number, "FAILED_PRECONDITION", [FRAME, "2 of 5760", "NaN"]),
    "one patient": (one_patient, "FAILED_PRECONDITION", ["at least 3 patients", "patient001"]),
    "link out of the roots": (link_out, "FAILED_PRECONDITION", [FRAME, "outside the folders"]),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "code", "parts"), UNUSABLE.values(), ids=UNUSABLE)
def test_data_that_cannot_be_used(
    place: Place, damage: Callable[[Path], None], code: str, parts: list[str]
) -> None:
    folder = acdc_folder(place.root / damage.__name__)
    damage(folder)
    status = outcome(place, place.trainer.PrepareDataset(preparation(folder), timeout=20))
    assert status.state == jobs_pb2.JOB_STATE_FAILED
    assert status.attempt == 1
    check(status.error, code, "", parts)


# Machines that refuse


def test_a_disk_that_is_full_for_a_prepared_set(place: Place) -> None:
    services = place.services
    source = preparation("phantom://cardiac?patients=5&slices=4&seed=9")
    small_files = (resource.RLIMIT_FSIZE, 20_000)
    services.start_worker("light", small_files, TMPDIR=str(services.home / "tmp"))
    try:
        status = outcome(place, place.trainer.PrepareDataset(source, timeout=20))
    finally:
        services.start_worker("light", TMPDIR=str(services.home / "tmp"))
    assert status.attempt == 2, "tried again, as volumes were prepared that it goes on from"
    check(status.error, "UNAVAILABLE", "", ["no space", "free some"], "ATTEMPTS_EXHAUSTED")
    again = outcome(place, place.trainer.PrepareDataset(source, timeout=20))
    assert again.state == jobs_pb2.JOB_STATE_SUCCEEDED


@pytest.mark.slow
def test_a_training_outlives_a_full_disk(place: Place) -> None:
    """Its disk fills up after its first checkpoint; the next attempt goes on from there."""
    place.services.start_worker("gpu", TMPDIR=str(place.services.home / "tmp"))
    request = training(images=1600)
    job = place.trainer.CreateTrainingJob(request, timeout=20)
    checkpoints = place.storage / "jobs" / job.name.partition("/")[2]
    eventually(lambda: list(checkpoints.rglob("checkpoint-*.pt")), 240)
    (child,) = children(place.services.pid("gpu"), "medsynth.trainer.work")
    resource.prlimit(child, resource.RLIMIT_FSIZE, (400_000, 400_000))

    watch = place.trainer.WatchTrainingJob(
        trainer_pb2.WatchTrainingJobRequest(name=job.name), timeout=400
    )
    events = list(watch)
    (said,) = (event for event in events if "no space is left" in event.message)
    assert str(checkpoints) in said.message
    assert "free some" in said.message
    assert "Tried again in 0 s, from the last checkpoint" in said.message
    resumed = [event.progress.done for event in events if event.attempt > said.attempt]
    assert next(done for done in resumed if done) >= 400
    assert outcome(place, job).state == jobs_pb2.JOB_STATE_SUCCEEDED


@pytest.mark.slow
def test_memory_that_does_not_suffice(place: Place) -> None:
    services = place.services
    request = training(**gan(batch_size=1024), **size(256))
    little_memory = (resource.RLIMIT_DATA, 3 * 2**29)
    services.start_worker("gpu", little_memory, TMPDIR=str(services.home / "tmp"))
    try:
        status = outcome(place, place.trainer.CreateTrainingJob(request, timeout=20))
    finally:
        services.stop_worker("gpu")
    assert status.attempt == 2, "the first asks for the prepared set, the second fails for good"
    parts = ["memory does not suffice", "lower batch_size"]
    check(status.error, "RESOURCE_EXHAUSTED", "", parts, "OUT_OF_MEMORY")


def test_storage_that_takes_no_writes(place: Place) -> None:
    services = place.services
    services.start_worker("light", MEDSYNTH_STORAGE_ROOT=READ_ONLY)
    source = preparation("phantom://cardiac?patients=5&slices=4&seed=12")
    try:
        status = outcome(place, place.trainer.PrepareDataset(source, timeout=20))
    finally:
        services.start_worker("light", TMPDIR=str(services.home / "tmp"))
    assert status.attempt == 2
    check(status.error, "UNAVAILABLE", "", [READ_ONLY, "cannot be written", "make it writable"])


def test_a_triton_that_is_down(place: Place) -> None:
    request = sampler_pb2.DeployGeneratorRequest(name="generators/small")
    url = "Triton at 127.0.0.1:"
    check(refusal(place.sampler.DeployGenerator, request), "UNAVAILABLE", "", [url, "not answer"])


def test_a_redis_that_is_full(place: Place) -> None:
    request = preparation("phantom://cardiac?patients=5&slices=4&seed=10")
    client = place.redis.client
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", 1)
    try:
        status = refusal(place.trainer.PrepareDataset, request)
        parts = ["full", "delete jobs that have ended", "more memory"]
        check(status, "RESOURCE_EXHAUSTED", "", parts, "JOB_STORE_FULL")
        place.trainer.ListPresets(trainer_pb2.ListPresetsRequest(), timeout=20)
    finally:
        client.config_set("maxmemory", 0)
    job = place.trainer.PrepareDataset(request, timeout=20)
    assert outcome(place, job).state == jobs_pb2.JOB_STATE_SUCCEEDED


def test_a_redis_that_is_down(place: Place) -> None:
    request = preparation("phantom://cardiac?patients=5&slices=4&seed=11")
    place.redis.stop()
    try:
        status = refusal(place.trainer.PrepareDataset, request)
        check(status, "UNAVAILABLE", "", ["job store does not answer"], "JOB_STORE_DOWN")
    finally:
        place.redis.start()
    job = place.trainer.PrepareDataset(request, timeout=20)
    assert outcome(place, job).state == jobs_pb2.JOB_STATE_SUCCEEDED
