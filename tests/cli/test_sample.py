from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medsynth.data.writers import FORMATS
from medsynth.v1 import sampler_pb2
from tests.cli.conftest import Medsynth
from tests.cli.services import Services


def test_images_and_masks_can_be_read_back(
    medsynth: Medsynth, services: Services, tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "samples"
    ran = medsynth("sample", "heart", "--count", 3, "--first", 5, "--seed", 2, "--out", out)
    assert (ran.code, ran.out) == (0, f"{out}\n")
    images = sorted((out / "images").iterdir())
    masks = sorted((out / "masks").iterdir())
    assert [path.stem for path in images] == [path.stem for path in masks]
    assert [int(np.asarray(Image.open(path))[0, 0]) for path in images] == [5, 6, 7]
    assert [int(np.asarray(Image.open(path))[0, 0]) for path in masks] == [1, 0, 1]
    assert services.requests == [
        sampler_pb2.SampleRequest(generator="generators/heart", count=3, seed=2, first_index=5)
    ]
    assert "3 of 3 images" in ran.err


def test_sample_as_json(medsynth: Medsynth, services: Services, tmp_path: Path) -> None:
    out = tmp_path / "samples"
    out.mkdir()
    ran = medsynth(
        "sample", "generators/heart", "--count", 2, "--format", "npz", "--out", out, "--json"
    )
    manifest = (out / "manifest.json").read_bytes()
    assert ran.json == {
        "out": str(out),
        "manifest": str(out / "manifest.json"),
        "manifest_digest": "sha256:" + hashlib.sha256(manifest).hexdigest(),
        "generator": "generators/heart",
        "generator_digest": "sha256:aa",
        "count": 2,
        "seed": 0,
        "first": 0,
        "format": "npz",
    }
    said = json.loads(manifest)["description"]
    assert (said["generator"], said["seed"]) == ("generators/heart", 0)
    assert "generators/heart" in (out / "croissant.json").read_text()
    facts = json.loads(manifest)["metadata"]
    assert facts["generator_digest"] == "sha256:aa"
    assert facts["classes"] == ["background", "myocardium"]


def test_a_folder_with_something_in_it_is_refused_and_left_alone(
    medsynth: Medsynth, services: Services, tmp_path: Path
) -> None:
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "thesis.tex").write_text("years of work")
    ran = medsynth("sample", "heart", "--count", 3, "--out", tmp_path / "samples")
    assert ran.code == 2
    assert "empty" in ran.err
    assert [path.name for path in (tmp_path / "samples").iterdir()] == ["thesis.tex"]
    assert services.requests == []


@pytest.mark.parametrize("exists", [False, True])
def test_nothing_half_written_stays_behind(
    medsynth: Medsynth, services: Services, tmp_path: Path, exists: bool
) -> None:
    services.sample_breaks = True
    out = tmp_path / "there" / "samples"
    out.parent.mkdir()
    if exists:
        out.mkdir()
    ran = medsynth("sample", "heart", "--count", 3, "--out", out, "--json")
    assert ran.code == 2
    assert ran.json["error"]["code"] == "RESOURCE_EXHAUSTED"
    assert list(out.parent.rglob("*")) == ([out] if exists else [])


def test_a_generator_that_is_not_there(
    medsynth: Medsynth, services: Services, tmp_path: Path
) -> None:
    ran = medsynth("sample", "liver", "--count", 3, "--out", tmp_path / "samples")
    assert (ran.code, ran.err) == (2, "Error: generators/liver does not exist\n")
    assert not (tmp_path / "samples").exists()


def test_a_data_set_is_drawn_into_the_storage(medsynth: Medsynth, services: Services) -> None:
    ran = medsynth(
        *("draw", "heart", "--count", 5000, "--format", "nnunet", "--seed", 3, "--first", 7),
        *("--title", "Hearts", "--licence", "CC0-1.0", "--intended-use", "teaching"),
        *("--number", 42, "--date", "2024-12-31"),
    )
    assert (ran.code, ran.out) == (0, "/storage/drawn\n")
    assert services.requests[0].specification == sampler_pb2.SyntheticDatasetSpecification(
        generator="generators/heart", count=5000, format="nnunet", seed=3, first_index=7,
        statement=sampler_pb2.SetStatement(
            title="Hearts", licence="CC0-1.0", intended_use="teaching", number=42,
            date="2024-12-31",
        ),
    )  # fmt: skip
    assert medsynth("draw", "heart", "--json").json["uri"] == "/storage/drawn"
    assert not services.requests[1].specification.HasField("statement")
    assert "medsynth jobs watch" in medsynth("draw", "heart", "--detach").err


def test_every_format_is_in_the_help(medsynth: Medsynth) -> None:
    told = " ".join(medsynth("draw", "--help").out.split())
    assert f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}" in told
