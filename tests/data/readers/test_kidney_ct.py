from __future__ import annotations

from pathlib import Path

import pytest

from medsynth.data.files import open_files
from medsynth.data.readers import kidney_ct
from medsynth.data.readers.interface import ReaderOptions
from medsynth.errors import DataError, InvalidArgumentError
from tests.data.readers.image_folders import photo, real
from tests.data.readers.reading import read_all, survey

TWICE = "CT-KIDNEY-DATASET-Normal-Cyst-Tumor-Stone/CT-KIDNEY-DATASET-Normal-Cyst-Tumor-Stone/"


def kidneys(root: Path, above: str) -> Path:
    for k, group in enumerate(("Cyst", "Normal", "Stone", "Tumor")):
        folder = f"{above}{group}/" if above != "flat" else ""
        for number in (1, 20):
            photo(root / folder / f"{group}- ({number}).jpg", k + number)
    (root / "kidneyData.csv").write_text("not an image")
    return root


@pytest.mark.parametrize("above", ["", TWICE, "flat"])
def test_classes_are_groups(tmp_path: Path, above: str) -> None:
    kidneys(tmp_path, above)
    files = open_files(str(tmp_path))
    assert kidney_ct.recognises(files)
    assert len(kidney_ct.relevant(files)) == 8
    volumes = read_all(kidney_ct, tmp_path)
    assert [v.group for v in volumes] == [
        g for g in ("cyst", "normal", "stone", "tumor") for _ in (1, 2)
    ]
    assert volumes[0].name == volumes[0].patient == "Cyst- (1)"
    assert len({v.patient for v in volumes}) == 8
    assert {v.masks is None for v in volumes} == {True}
    assert volumes[0].images.shape == (1, 3, 20, 30)
    found = survey(kidney_ct, tmp_path)
    assert found.classes == ()
    assert found.modality == "CT"
    assert any("both sides of a split" in remark for remark in found.remarks)


def test_patients_from_a_pattern(tmp_path: Path) -> None:
    kidneys(tmp_path, "")
    found = survey(kidney_ct, tmp_path, ReaderOptions(patient_pattern=r"\((\d)"))
    assert {scan.patient for scan in found.scans} == {"1", "2"}
    assert not found.remarks
    with pytest.raises(InvalidArgumentError, match="patient_pattern"):
        survey(kidney_ct, tmp_path, ReaderOptions(patient_pattern="nobody"))


def test_the_same_name_twice_is_one_patient(tmp_path: Path) -> None:
    photo(tmp_path / "a" / "Cyst- (1).jpg")
    photo(tmp_path / "b" / "Cyst- (1).jpg")
    volumes = read_all(kidney_ct, tmp_path)
    assert [v.patient for v in volumes] == ["Cyst- (1)"] * 2
    assert len({v.name for v in volumes}) == 2


def test_other_layouts_are_not_recognised(tmp_path: Path) -> None:
    assert not kidney_ct.recognises(open_files(str(tmp_path)))
    photo(tmp_path / "normal" / "normal (1).png")
    assert not kidney_ct.recognises(open_files(str(tmp_path)))
    kidneys(tmp_path, "")
    assert not kidney_ct.recognises(open_files(str(tmp_path)))


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images found"):
        survey(kidney_ct, tmp_path)


def test_a_broken_slice(tmp_path: Path) -> None:
    kidneys(tmp_path, "")
    (tmp_path / "Stone" / "Stone- (1).jpg").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"/Stone/Stone- \(1\)\.jpg: not a readable"):
        read_all(kidney_ct, tmp_path)


def test_the_real_slices() -> None:
    volumes = read_all(kidney_ct, real("kidney_ct"))
    assert kidney_ct.recognises(open_files(str(real("kidney_ct"))))
    assert sorted(v.group for v in volumes) == ["cyst", "normal", "stone", "tumor", "tumor"]
    assert all(len(v.images[0]) == 3 and v.images.std() > 10 for v in volumes)
