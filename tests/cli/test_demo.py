from __future__ import annotations

import io
import json
from pathlib import Path

from PIL import Image

from medsynth.v1 import jobs_pb2
from tests.cli.conftest import Medsynth
from tests.cli.services import Services


def test_demo_runs_the_whole_path_on_the_services_that_run(
    medsynth: Medsynth, services: Services, tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "out"
    ran = medsynth(
        *("demo", "--data", tmp_path, "--gan", "hinge", "--size", 128, "--images", 500),
        *("--count", 64, "--set", "batch_size=8", "--seed", 3, "--unet-steps", 10, "--out", out),
    )
    assert ran.code == 0
    prepare, train, draw, evaluate, sample = services.requests
    assert prepare.specification.uri == str(tmp_path)
    assert prepare.specification == train.specification.data
    assert train.specification.data.preparation.size == 128
    assert (train.specification.gan.batch_size, train.specification.images) == (8, 500)
    assert (draw.specification.generator, draw.specification.count) == ("generators/heart", 64)
    assert evaluate.specification.synthetic_dataset_job == "syntheticDatasetJobs/s1"
    assert evaluate.specification.unet_steps == 10
    assert {request.specification.seed for request in (train, draw, evaluate)} == {3}
    assert sample.generator == "generators/heart"
    assert "0.8765" in ran.out
    assert ran.out.splitlines()[-1].split() == ["report:", str(out / "report.html")]
    assert (out / "report.html").read_text() == "<html>hearts</html>"
    assert Image.open(io.BytesIO((out / "samples.png").read_bytes())).size[0] > 100
    assert json.loads((out / "report.json").read_text())["name"] == "reports/r1"
    assert "using the services that run" in ran.err


def test_demo_as_json(medsynth: Medsynth, services: Services, tmp_path: Path) -> None:
    ran = medsynth("demo", "--out", tmp_path, "--json")
    assert ran.code == 0
    assert ran.json["generator"]["weights_digest"] == "sha256:bb"
    assert ran.json["generator"]["deployed"] is True
    assert ran.json["synthetic_dataset"]["digest"] == "sha256:cc"
    assert ran.json["report"]["scores"][1]["value"] == 0.8765
    assert Path(ran.json["files"]["samples"]).is_file()


def test_a_step_that_fails_ends_the_demo(
    medsynth: Medsynth, services: Services, tmp_path: Path
) -> None:
    services.outcome = jobs_pb2.JOB_STATE_FAILED
    ran = medsynth("demo", "--out", tmp_path / "out")
    assert (ran.code, ran.out) == (3, "")
    assert "preparationJobs/p1: patient007 has no mask" in ran.err
    assert len(services.requests) == 1
    assert not (tmp_path / "out").exists()
