"""The commands on generators, data sets and presets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medsynth.v1 import types_pb2
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
    ran = medsynth("data", "prepare", "--data", tmp_path, "--size", 128)
    assert (ran.code, ran.out) == (0, "datasets/d1\n")
    assert "train 576 slices of 36 patients" in ran.err
    assert services.requests[0].specification.uri == str(tmp_path)
    assert services.requests[0].specification.preparation.size == 128
    prepared = medsynth("data", "prepare", "--data", tmp_path, "--json").json
    assert prepared["dataset"]["splits"][0]["slices"] == 576
    assert "datasets/d1" in medsynth("data", "list").out
    assert medsynth("data", "show", "d1", "--json").json["channels"] == 1
    assert medsynth("data", "delete", "d1").out == "datasets/d1 deleted\n"


def test_what_data_hold(medsynth: Medsynth, services: Services, tmp_path: Path) -> None:
    ran = medsynth("data", "inspect", tmp_path, "--html", tmp_path / "deep" / "page.html")
    assert ran.code == 0
    out = " ".join(ran.out.split())
    for said in (
        "read as acdc",
        "6 patients, 12 volumes, 120 slices, 1 channel(s)",
        "1 rv cavity 10.00 %",
        "slices without any label: 30",
        "across patients: 1, 1 of them across the split",
        "a slice 1 and b slice 2 (correlation 0.999, turned)",
        "p7/x.nii.gz: not a readable NIfTI file",
        "and 15 more files",
        "note: uneven spacing",
    ):
        assert said in out
    assert (tmp_path / "deep" / "page.html").read_text() == "<html>what there is</html>"
    found = medsynth("data", "inspect", tmp_path, "--json").json
    assert {"reader", "patients", "volumes", "slices", "classes", "problems"} < set(found)
    assert found["job"] == "inspectionJobs/i1"
    assert services.requests[0].specification.uri == str(tmp_path)
    assert medsynth("delete", "inspections/i1").out == "inspections/i1 deleted\n"


def test_the_patients_of_an_inspection_are_a_split_file(
    medsynth: Medsynth, services: Services, tmp_path: Path
) -> None:
    file = tmp_path / "deep" / "split.json"
    ran = medsynth("data", "inspect", tmp_path, "--split-out", file, "--split-seed", 3)
    assert ran.code == 0
    assert str(file) in ran.out
    named = {"train": ["p0", "p2", "p5"], "validation": ["p3"], "test": ["p1", "p4"]}
    assert json.loads(file.read_text()) == named
    assert medsynth("data", "prepare", "--data", tmp_path, "--split-file", file).code == 0
    inspected, prepared = (request.specification.preparation for request in services.requests)
    assert inspected == types_pb2.Preparation(split_seed=3)
    assert prepared.assignment == types_pb2.Assignment(**named)


def test_an_inspection_that_was_started_before(
    medsynth: Medsynth, services: Services, tmp_path: Path
) -> None:
    job = medsynth("data", "inspect", tmp_path, "--detach", "--json").json["job"]
    assert job.startswith("inspectionJobs/")
    page = tmp_path / "page.html"
    ran = medsynth("data", "inspect", job, "--html", page)
    assert "read as acdc" in ran.out
    assert page.read_text() == "<html>what there is</html>"
    assert len(services.requests) == 1


@pytest.mark.parametrize(
    "flags",
    [
        ("--detach", "--html", "page.html"),
        ("--size", 64),
        ("--html", "/dev/null/page.html"),
    ],
)
def test_what_cannot_be_asked_of_an_inspection(
    flags: tuple[object, ...], medsynth: Medsynth, services: Services, tmp_path: Path
) -> None:
    ran = medsynth("data", "inspect", tmp_path, *flags)
    assert ran.code == 2
    assert ran.err
    assert services.requests == []
    assert medsynth("data", "inspect", "inspectionJobs/i1", "--channels", 1).code == 2


def test_every_choice_of_a_preparation_reaches_the_service(
    medsynth: Medsynth, services: Services, tmp_path: Path
) -> None:
    file = tmp_path / "split.json"
    file.write_text('{"train": ["a"], "validation": ["b"], "test": ["c", "d"]}')
    ran = medsynth(
        *("data", "prepare", "--data", tmp_path, "--reader", "folder", "--slicing", "axial"),
        *("--orientation", "standard", "--spacing", 1.5, "--slice-spacing", 5, "--fit", "stretch"),
        *("--keep-empty-share", 0.5, "--channels", 1, "--label-map", "1=0,3=1"),
        *("--split-file", file, "--bad-share", 0.1, "--patient-pattern", "p(.*)_"),
        *("--class-names", "a", "--class-names", "b", "--mask-values", 0, "--mask-values", 9),
        *("--structures", "optic disc"),
    )
    assert ran.code == 0
    sent = services.requests[0].specification
    assert sent.reader == "folder"
    assert sent.preparation == types_pb2.Preparation(
        slicing="axial", orientation="standard", spacing=1.5, slice_spacing=5, fit="stretch",
        keep_empty_share=0.5, channels=1, label_map={1: 0, 3: 1}, split="assigned", bad_share=0.1,
        assignment=types_pb2.Assignment(train=["a"], validation=["b"], test=["c", "d"]),
    )  # fmt: skip
    assert sent.options == types_pb2.ReaderOptions(
        patient_pattern="p(.*)_", class_names=["a", "b"], structures=["optic disc"],
        mask_values=[0, 9],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--label-map", "1"),
        ("--label-map", "a=b"),
        ("--label-map", "1=0,1=2"),
        ("--split-file", "none.json"),
        ("--mask-values", "99999999999"),
        ("--mask-values", "white"),
    ],
)
def test_what_no_choice_is(
    flag: str, value: str, medsynth: Medsynth, services: Services, tmp_path: Path
) -> None:
    ran = medsynth("data", "prepare", "--data", tmp_path, flag, value)
    assert ran.code == 2
    assert value in ran.err
    assert services.requests == []


def test_presets(medsynth: Medsynth, services: Services) -> None:
    assert "Hinge loss with spectral" in medsynth("presets").out
    assert medsynth("presets", "--json").json["presets"][0]["gan"]["batch_size"] == 64
    shown = medsynth("presets", "hinge").out
    assert "Geometric GAN" in shown
    assert "optimiser" in shown
    ran = medsynth("presets", "nogan")
    assert ran.code == 2
    assert "hinge" in ran.err
