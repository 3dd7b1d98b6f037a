from __future__ import annotations

from pathlib import Path

import pytest

from medsynth.v1 import jobs_pb2, trainer_pb2, types_pb2
from tests.cli.conftest import Medsynth
from tests.cli.services import Services

TRAIN = ("train", "--data", "phantom://cardiac", "--gan", "hinge")


def test_train_waits_and_prints_the_name_of_the_generator_alone(
    medsynth: Medsynth, services: Services
) -> None:
    ran = medsynth(*TRAIN)
    assert (ran.code, ran.out) == (0, "generators/heart\n")
    assert "trainingJobs/t1  training  1,200 of 50,000 images  310 images/s  2:37 left" in ran.err
    assert "sample grid written" in ran.err
    assert "medsynth sample generators/heart" in ran.err


def test_train_as_json(medsynth: Medsynth, services: Services) -> None:
    ran = medsynth(*TRAIN, "--images", 50_000, "--json")
    assert ran.code == 0
    assert ran.json == {
        "job": "trainingJobs/t1",
        "generator": "generators/heart",
        "weights_digest": "sha256:bb",
        "images": 50_000,
        "metrics": {"loss/discriminator": "nan", "loss/generator": 0.5},
    }


def test_every_flag_reaches_the_request(
    medsynth: Medsynth, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    medsynth(
        *("train", "--data", "acdc", "--gan", "wgan", "--reader", "acdc", "--size", 128),
        *("--crop", "foreground", "--crop-share", 0.5, "--intensity", "window"),
        *("--intensity-low", -100, "--intensity-high", 200, "--train-share", 0.5),
        *("--validation-share", 0.25, "--split-seed", 3, "--images", 10, "--seed", 7),
        *("--precision", "float32", "--checkpoint-images", 5, "--grid-images", 4),
        *("--request-id", "mine", "--set", "clip_value=0.05", "--set", "batch-size=8"),
        *("--set", "differentiable_augmentation=yes", "--detach"),
    )
    assert services.requests[0] == trainer_pb2.CreateTrainingJobRequest(
        request_id="mine",
        specification=trainer_pb2.TrainingSpecification(
            data=types_pb2.DataSource(
                uri=str(tmp_path / "acdc"),
                reader="acdc",
                preparation=types_pb2.Preparation(
                    size=128,
                    crop="foreground",
                    crop_share=0.5,
                    intensity="window",
                    intensity_low=-100,
                    intensity_high=200,
                    train_share=0.5,
                    validation_share=0.25,
                    split_seed=3,
                ),
            ),
            gan=types_pb2.GanSpecification(
                preset="wgan", clip_value=0.05, batch_size=8, differentiable_augmentation=True
            ),
            images=10,
            seed=7,
            precision="float32",
            checkpoint_images=5,
            grid_images=4,
        ),
    )


def test_what_was_not_given_is_left_to_the_server(medsynth: Medsynth, services: Services) -> None:
    medsynth(*TRAIN)
    specification = services.requests[0].specification
    assert not specification.data.preparation.ListFields()
    assert [field.name for field, _ in specification.gan.ListFields()] == ["preset"]
    assert [field.name for field, _ in specification.ListFields()] == ["data", "gan"]


def test_detached_it_prints_the_job_and_how_to_follow_it(
    medsynth: Medsynth, services: Services
) -> None:
    ran = medsynth(*TRAIN, "--detach")
    assert (ran.code, ran.out) == (0, "trainingJobs/t1\n")
    assert "medsynth jobs watch trainingJobs/t1" in ran.err
    assert medsynth(*TRAIN, "--detach", "--json").json == {
        "job": "trainingJobs/t1",
        "state": "QUEUED",
    }


def test_a_refusal_is_a_user_error_that_names_the_field(
    medsynth: Medsynth, services: Services
) -> None:
    refused = ("train", "--data", "phantom://cardiac", "--gan", "nogan")
    ran = medsynth(*refused)
    assert (ran.code, ran.out) == (2, "")
    assert "specification.gan.preset" in ran.err
    ran = medsynth(*refused, "--json")
    assert ran.code == 2
    assert ran.json["error"]["code"] == "INVALID_ARGUMENT"
    assert ran.json["error"]["violations"][0]["field"] == "specification.gan.preset"


@pytest.mark.parametrize(
    ("outcome", "code", "name"),
    [
        (jobs_pb2.JOB_STATE_FAILED, 3, "UNUSABLE_DATA"),
        (jobs_pb2.JOB_STATE_CANCELLED, 4, "CANCELLED"),
    ],
)
def test_a_job_that_fails_or_is_cancelled_has_an_exit_code_of_its_own(
    medsynth: Medsynth, services: Services, outcome: int, code: int, name: str
) -> None:
    services.outcome = outcome
    ran = medsynth(*TRAIN)
    assert (ran.code, ran.out) == (code, "")
    assert "trainingJobs/t1" in ran.err
    ran = medsynth(*TRAIN, "--json")
    assert ran.code == code
    assert ran.json["job"] == "trainingJobs/t1"
    assert ran.json["error"]["reason"] == name


def test_a_service_that_does_not_answer_is_told_apart(medsynth: Medsynth) -> None:
    ran = medsynth(*TRAIN)
    assert (ran.code, ran.out) == (5, "")
    assert "127.0.0.1:1" in ran.err
    assert "medsynth up" in ran.err
    ran = medsynth(*TRAIN, "--json")
    assert ran.code == 5
    assert ran.json["error"]["metadata"] == {"service": "trainer", "address": "127.0.0.1:1"}
