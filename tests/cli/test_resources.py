"""The commands on generators, data sets and presets."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Medsynth
from tests.cli.services import Services


def test_generators(medsynth: Medsynth, services: Services) -> None:
    row = next(line for line in medsynth("generators", "list").out.splitlines() if "heart" in line)
    assert row.split()[:5] == ["generators/heart", "hinge", "4", "phantom://cardiac", "50,000"]
    listed = medsynth("generators", "list", "--json").json["generators"]
    assert [generator["name"] for generator in listed] == ["generators/heart"]
    shown = medsynth("generators", "show", "heart", "--json").json
    assert shown["gan"]["batch_size"] == 64
    assert shown["gan"]["beta1"] is None
    assert shown["metrics"] == {"loss/generator": 0.25}
    assert "batch_size" in medsynth("generators", "show", "heart").out
    assert medsynth("generators", "deploy", "heart").out == "generators/heart deployed\n"
    assert medsynth("generators", "undeploy", "heart", "--json").json["deployed"] is False


def test_what_is_cited_is_deleted_by_force_alone(medsynth: Medsynth, services: Services) -> None:
    ran = medsynth("generators", "delete", "heart")
    assert (ran.code, ran.err) == (2, "Error: reports/e1 cites it\n")
    assert medsynth("generators", "delete", "heart", "--force").out == "generators/heart deleted\n"
    name = "syntheticDatasets/s1"
    assert medsynth("delete", name).code == 2
    assert medsynth("delete", name, "--force", "--json").json == {"deleted": name}
    assert medsynth("delete", "reports/e1").out == "reports/e1 deleted\n"
    assert [request.name for request in services.requests[-2:]] == [name, "reports/e1"]


def test_what_is_no_resource_is_not_deleted(medsynth: Medsynth, services: Services) -> None:
    ran = medsynth("delete", "trainingJobs/t1")
    assert ran.code == 2
    assert "trainingJobs/t1" in ran.err
    assert "reports/{id}" in ran.err
    assert services.requests == []


def test_datasets(medsynth: Medsynth, services: Services, tmp_path: Path) -> None:
    ran = medsynth("datasets", "prepare", "--data", tmp_path, "--size", 128)
    assert (ran.code, ran.out) == (0, "datasets/d1\n")
    assert "train 576 slices of 36 patients" in ran.err
    assert services.requests[0].specification.uri == str(tmp_path)
    assert services.requests[0].specification.preparation.size == 128
    prepared = medsynth("datasets", "prepare", "--data", tmp_path, "--json").json
    assert prepared["dataset"]["splits"][0]["slices"] == 576
    assert "datasets/d1" in medsynth("datasets", "list").out
    assert medsynth("datasets", "show", "d1", "--json").json["channels"] == 1
    assert medsynth("datasets", "delete", "d1").out == "datasets/d1 deleted\n"


def test_presets(medsynth: Medsynth, services: Services) -> None:
    assert "Hinge loss with spectral" in medsynth("presets").out
    assert medsynth("presets", "--json").json["presets"][0]["gan"]["batch_size"] == 64
    shown = medsynth("presets", "hinge").out
    assert "Geometric GAN" in shown
    assert "optimiser" in shown
    ran = medsynth("presets", "nogan")
    assert ran.code == 2
    assert "hinge" in ran.err
