"""The main job through the command, on a small scale: train, serve, draw, evaluate."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import Stack

DATA = "phantom://cardiac?patients=6&slices=4&seed=5"
CLASSES = ["background", "rv cavity", "myocardium", "lv cavity"]


@dataclass(frozen=True)
class Trained:
    stack: Stack
    printed: dict[str, Any]

    @property
    def generator(self) -> str:
        return str(self.printed["generator"])


def train(stack: Stack, *arguments: str, code: int = 0) -> Any:
    small = ("--size", "32", "--images", "256", "--set", "batch_size=16")
    filters = ("--set", "generator_filters=8", "--set", "discriminator_filters=8")
    return stack.json("train", *small, *filters, *arguments, code=code)


@pytest.fixture(scope="module")
def trained(stack: Stack) -> Trained:
    return Trained(stack, train(stack, "--data", DATA, "--gan", "hinge"))


def tree(folder: Path) -> dict[str, str]:
    """Digest of every image below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.png"))
    }


def test_training_tells_a_script_what_it_needs(trained: Trained) -> None:
    printed = trained.printed
    assert re.fullmatch(r"trainingJobs/\w+", printed["job"])
    assert re.fullmatch(r"generators/hinge-[0-9a-f]{12}", printed["generator"])
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", printed["weights_digest"])
    assert {"loss/generator", "loss/discriminator"} <= set(printed["metrics"])


def test_the_same_training_gives_the_same_weights(trained: Trained) -> None:
    again = train(trained.stack, "--data", DATA, "--gan", "hinge")
    assert again["job"] != trained.printed["job"]
    assert again["weights_digest"] == trained.printed["weights_digest"]


def test_another_seed_gives_other_weights(trained: Trained) -> None:
    other = train(trained.stack, "--data", DATA, "--gan", "hinge", "--seed", "1")
    assert other["weights_digest"] != trained.printed["weights_digest"]


def test_two_trainings_share_one_preparation(trained: Trained) -> None:
    jobs = trained.stack.json("jobs", "list")["jobs"]
    preparations = [
        job
        for job in jobs
        if job["name"].startswith("preparationJobs/") and "seed=5" in job["specification"]["uri"]
    ]
    assert len(preparations) == 1


def test_a_draw_is_the_same_in_one_piece_and_in_two(trained: Trained, tmp_path: Path) -> None:
    def draw(name: str, count: int, first: int) -> dict[str, str]:
        folder = tmp_path / name
        arguments = ("--count", str(count), "--first", str(first), "--seed", "3")
        trained.stack.run("sample", trained.generator, *arguments, "--out", str(folder))
        return tree(folder)

    whole = draw("whole", 30, 0)
    assert len(whole) == 60
    assert draw("start", 13, 0) | draw("rest", 17, 13) == whole


def test_an_undeployed_generator_is_gone_until_it_is_deployed(trained: Trained) -> None:
    stack, name = trained.stack, trained.generator
    for command, deployed in (("deploy", True), ("undeploy", False), ("deploy", True)):
        assert stack.json("generators", command, name).get("deployed", False) is deployed
        assert stack.json("generators", "show", name).get("deployed", False) is deployed


def test_an_evaluation_scores_all_regimes_and_says_what_is_missing(
    trained: Trained, tmp_path: Path
) -> None:
    out = tmp_path / "report"
    printed = trained.stack.json(
        "evaluate", trained.generator, "--count", "24", "--unet-steps", "20", "--out", str(out)
    )
    scores = printed["report"]["scores"]
    assert all(score.get("protocol") for score in scores)
    dice = {
        (score["comparison"], score["label"]): score["value"]
        for score in scores
        if score["metric"] == "dice"
    }
    regimes = ("real", "augmented", "synthetic", "mixed")
    assert set(dice) == {(r, label) for r in regimes for label in ("mean", *CLASSES[1:])}
    assert all(0 <= value <= 1 for value in dice.values())
    distances = {s["comparison"] for s in scores if s["metric"] == "unet-fd"}
    assert distances == {"synthetic-train", "synthetic-test", "floor"}
    for score in scores:
        if score["metric"] == "fid" and "value" not in score:
            assert "pt_inception-2015-12-05-6726825d.pth" in score["missing"]
    assert (out / "report.html").read_text().startswith("<!doctype html>")
    assert (out / "report.json").is_file()


def test_a_folder_is_evaluated_like_a_generator(trained: Trained, tmp_path: Path) -> None:
    folder = tmp_path / "drawn"
    trained.stack.run("sample", trained.generator, "--count", "24", "--out", str(folder))
    asked = ("--count", "24", "--metrics", "dice", "--unet-steps", "5", "--regimes", "synthetic")
    source = ("--data", DATA, "--size", "32")
    of_folder = trained.stack.json("evaluate", str(folder), *source, *asked)
    of_generator = trained.stack.json("evaluate", trained.generator, *asked)

    def values(printed: dict[str, Any]) -> list[float]:
        return [score["value"] for score in printed["report"]["scores"]]

    assert values(of_folder) == values(of_generator)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("--gan", "nogan"), ("gan.preset", "'nogan'", "wgan-gp")),
        (("--gan", "hinge", "--size", "48"), ("preparation.size", "48", "32, 64, 128 or 256")),
        (("--gan", "hinge", "--images", "-1"), ("images", "-1")),
        (("--gan", "hinge", "--set", "clip_value=0.1"), ("clip_value", "0.1", "wasserstein")),
    ],
)
def test_a_wrong_request_names_field_value_and_what_is_accepted(
    stack: Stack, arguments: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    error = stack.json("train", "--data", DATA, *arguments, code=2)["error"]
    assert all(part in error["message"] for part in parts), error["message"]


def test_a_missing_folder_is_a_user_error(stack: Stack, tmp_path: Path) -> None:
    missing = str(tmp_path / "nowhere")
    error = stack.json("train", "--data", missing, "--gan", "hinge", code=2)["error"]
    assert missing in error["message"]


def test_a_failed_job_has_an_exit_code_of_its_own(stack: Stack, tmp_path: Path) -> None:
    patient = tmp_path / "patient001"
    patient.mkdir()
    (patient / "Info.cfg").write_text("ED: 1\nES: 2\nGroup: NOR\n")
    for suffix in ("", "_gt"):
        (patient / f"patient001_frame01{suffix}.nii.gz").write_bytes(b"not a volume")
    error = stack.json("train", "--data", str(tmp_path), "--gan", "hinge", code=3)["error"]
    assert "patient001_frame01" in error["message"] or "patients" in error["message"]


def test_an_unreachable_service_has_an_exit_code_of_its_own(tmp_path: Path) -> None:
    nobody = {"MEDSYNTH_TRAINER_ADDRESS": "127.0.0.1:1", "MEDSYNTH_HOME": str(tmp_path)}
    away = Stack(tmp_path, {**os.environ, **nobody})
    message = away.json("presets", code=5)["error"]["message"]
    assert "medsynth up" in message
