from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import mlcroissant
import numpy as np
import pytest

from medsynth.data.writers import FORMATS, SetDescription
from tests.data.writers.samples import DIGEST, describe, labels, pixels, write

FULL = {
    "licence": "https://creativecommons.org/publicdomain/zero/1.0/",
    "intended_use": "Teaching segmentation.",
    "citation": "A paper, 2024.",
    "creator": "A lab",
    "url": "https://example.org/set",
    "date": "2024-12-31",
    "modality": "CT",
}


def fields(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "croissant.json").read_text())
    return content


@pytest.mark.parametrize(
    ("format", "masked"),
    [(name, masked) for name in FORMATS for masked in (True, False) if masked or name != "nnunet"],
)
def test_its_own_library_finds_nothing_wrong(format: str, masked: bool, tmp_path: Path) -> None:
    write(tmp_path / "a", format, pixels(2), labels(2) if masked else None, describe(**FULL))
    dataset = mlcroissant.Dataset(jsonld=tmp_path / "a" / "croissant.json")
    issues = dataset.metadata.ctx.issues
    assert (issues.errors, issues.warnings) == (set(), set())
    assert dataset.metadata.name == "Livers, drawn"
    assert dataset.metadata.license == [FULL["licence"]]
    assert dataset.metadata.data_use_cases == [FULL["intended_use"]]


@pytest.mark.parametrize("kind", ["image", "mask"])
def test_its_own_library_reads_the_records(kind: str, tmp_path: Path) -> None:
    images, masks = pixels(3), labels(3)
    write(tmp_path / "a", "png", images, masks, describe(**FULL))
    dataset = mlcroissant.Dataset(jsonld=tmp_path / "a" / "croissant.json")
    name = f"{kind}-records"
    records = {record[f"{name}/filename"]: record for record in dataset.records(name)}
    assert len(records) == 3
    for place in range(3):
        got = np.asarray(records[f"{place:09d}.png".encode()][f"{name}/{kind}"])
        assert np.array_equal(got[..., 0], {"image": images[:, 0], "mask": masks}[kind][place])


@pytest.mark.parametrize("format", FORMATS)
def test_every_file_is_listed_or_matched_by_a_pattern(format: str, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    write(folder, format, pixels(2), labels(2))
    listed = fields(folder)["distribution"]
    sets = [item for item in listed if item["@type"] == "cr:FileSet"]
    files = {folder / item["contentUrl"]: item for item in listed if "contentUrl" in item}
    for file, item in files.items():
        content = file.read_bytes()
        assert item["sha256"] == hashlib.sha256(content).hexdigest()
        assert item["contentSize"] == f"{len(content)} B"
    matched = {file for item in sets for file in folder.glob(item["includes"])}
    written = {file for file in folder.rglob("*") if file.is_file()}
    assert matched
    assert matched | set(files) == written - {folder / "croissant.json"}
    assert not matched & set(files)


def test_what_is_known_is_said_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "a", "npz", pixels(2), labels(2), first=5)
    said = fields(tmp_path / "a")
    assert "2 images, indexes 5 to 6" in said["description"]
    assert f"Generator {DIGEST}, seed 7." in said["description"]
    assert "research only" in said["description"]
    assert said["license"] == "licence not stated"
    assert not {"citeAs", "creator", "url", "datePublished"} & set(said)


def test_nothing_is_known(tmp_path: Path) -> None:
    write(tmp_path / "a", "png", pixels(1), None, SetDescription())
    dataset = mlcroissant.Dataset(jsonld=tmp_path / "a" / "croissant.json")
    assert not dataset.metadata.ctx.issues.errors
    assert "None" not in (tmp_path / "a" / "croissant.json").read_text().replace("None is", "")
