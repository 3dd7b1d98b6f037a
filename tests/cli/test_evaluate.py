from __future__ import annotations

import json
from pathlib import Path

import pytest

from medsynth.v1 import evaluator_pb2, types_pb2
from tests.cli.conftest import Medsynth
from tests.cli.services import Services


def test_the_table_has_every_score_and_says_what_is_missing(
    medsynth: Medsynth, services: Services
) -> None:
    ran = medsynth("evaluate", "heart")
    assert ran.code == 0
    rows = [line.split() for line in ran.out.splitlines()]
    assert ["dice", "synthetic", "mean", "0.8765", "0.86", "to", "0.89"] in rows
    assert ["fid", "synthetic-train", "missing"] in rows
    assert "missing: the Inception weights are not there: put them into weights/" in ran.out
    assert "reports/r1" in ran.out


def test_the_report_is_saved(medsynth: Medsynth, services: Services, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "report"
    ran = medsynth("evaluate", "heart", "--out", out)
    assert str(out / "report.html") in ran.out
    assert (out / "report.html").read_text() == "<html>hearts</html>"
    assert json.loads((out / "report.json").read_text())["scores"][1]["value"] == 0.8765
    assert sorted(path.name for path in out.iterdir()) == ["report.html", "report.json"]


def test_evaluate_as_json_has_every_score_with_its_protocol(
    medsynth: Medsynth, services: Services, tmp_path: Path
) -> None:
    ran = medsynth("evaluate", "heart", "--out", tmp_path, "--json")
    assert ran.json["job"] == "evaluationJobs/e1"
    assert ran.json["files"]["html"] == str(tmp_path / "report.html")
    fid, dice = ran.json["report"]["scores"]
    assert (fid["value"], fid["low"]) == (None, None)
    assert "Inception" in fid["missing"]
    assert fid["protocol"]["features"] == "inception-2015-12-05/pool3-2048"
    assert dice["value"] == 0.8765
    assert dice["protocol"]["seed"] == 0


def test_a_folder_is_sent_as_an_absolute_path(
    medsynth: Medsynth, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "drawn").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    medsynth(
        *("evaluate", "drawn", "--data", "~/acdc", "--size", 128, "--count", 50),
        *("--metrics", "dice, unet-fd", "--regimes", "real,synthetic", "--repeats", 3),
        *("--unet-steps", 100, "--seed", 4, "--detach"),
    )
    assert services.requests[0].specification == evaluator_pb2.EvaluationSpecification(
        folder=str(tmp_path / "drawn"),
        data=types_pb2.DataSource(
            uri=str(tmp_path / "acdc"), preparation=types_pb2.Preparation(size=128)
        ),
        count=50,
        metrics=["dice", "unet-fd"],
        regimes=["real", "synthetic"],
        repeats=3,
        unet_steps=100,
        seed=4,
    )


def test_a_preparation_without_data_is_refused(medsynth: Medsynth, services: Services) -> None:
    ran = medsynth("evaluate", "heart", "--size", 128)
    assert ran.code == 2
    assert "--size without --data" in ran.err
    assert services.requests == []


def test_a_folder_needs_real_images(medsynth: Medsynth, services: Services, tmp_path: Path) -> None:
    ran = medsynth("evaluate", tmp_path)
    assert ran.code == 2
    assert "--data says which real images" in ran.err
    assert services.requests == []


def test_who_does_not_wait_is_told_how_to_save_the_report(
    medsynth: Medsynth, services: Services, tmp_path: Path
) -> None:
    ran = medsynth("evaluate", "heart", "--detach")
    assert "medsynth report evaluationJobs/e1 --out DIR" in ran.err
    ran = medsynth("evaluate", "heart", "--detach", "--out", tmp_path / "report")
    assert ran.code == 2
    assert "medsynth report JOB --out DIR" in " ".join(ran.err.split())
    assert len(services.requests) == 1


@pytest.mark.parametrize("name", ["evaluationJobs/e1", "reports/r1", "r1"])
def test_a_report_is_saved_later(
    name: str, medsynth: Medsynth, services: Services, tmp_path: Path
) -> None:
    medsynth("evaluate", "heart")
    ran = medsynth("report", name, "--out", tmp_path)
    assert ran.code == 0
    assert "0.8765" in ran.out
    assert (tmp_path / "report.html").read_text() == "<html>hearts</html>"
    assert medsynth("report", name, "--json").json["report"]["name"] == "reports/r1"
