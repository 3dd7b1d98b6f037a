from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medsynth.data.files import open_files
from medsynth.data.readers import decathlon, nnunet
from medsynth.data.readers.interface import Problem, ReaderOptions
from medsynth.data.readers.patients import UNKNOWN
from medsynth.errors import DataError, InvalidArgumentError
from tests.data.readers.reading import read_all, survey
from tests.data.readers.volume_writing import AFFINE, image_of, mask_of, write

NAMES = ("liver_1", "liver_10", "liver_2")


def describe(folder: Path, **fields: Any) -> None:
    content = {
        "name": "Liver",
        "modality": {"0": "CT"},
        "labels": {"0": "background", "1": "liver", "2": "cancer"},
        "numTraining": 3,
        "training": [
            {"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"}
            for name in NAMES
        ],
        "test": ["./imagesTs/liver_7.nii.gz"],
        **fields,
    }
    (folder / "dataset.json").write_text(json.dumps(content))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    describe(tmp_path)
    for number, name in enumerate(NAMES):
        write(tmp_path / f"imagesTr/{name}.nii.gz", image_of(number))
        write(tmp_path / f"labelsTr/{name}.nii.gz", mask_of(1, 2))
        (tmp_path / f"imagesTr/._{name}.nii.gz").write_bytes(b"not read")
    write(tmp_path / "imagesTs/liver_7.nii.gz", image_of(7))
    return tmp_path


def test_volumes(folder: Path) -> None:
    files = open_files(str(folder))
    assert decathlon.recognises(files)
    assert not nnunet.recognises(files)
    found = survey(decathlon, folder)
    assert (found.classes, found.modality) == (("background", "liver", "cancer"), "CT")
    assert found.problems == []
    assert found.remarks == [UNKNOWN, "1 images for testing have no masks and are left out."]
    volumes = read_all(decathlon, folder)
    assert [volume.name for volume in volumes] == sorted(NAMES)
    assert [volume.patient for volume in volumes] == sorted(NAMES)
    assert {volume.units for volume in volumes} == {"HU"}
    last = volumes[2]
    assert np.array_equal(last.images[:, 0], image_of(2))
    assert last.masks is not None
    assert np.array_equal(last.masks, mask_of(1, 2))
    assert last.affine is not None
    assert np.allclose(last.affine, AFFINE[:, [2, 1, 0, 3]])
    assert "imagesTr/._liver_1.nii.gz" not in decathlon.relevant(files)
    assert len(decathlon.relevant(files)) == 8


def test_a_fourth_axis_is_channels(folder: Path) -> None:
    describe(folder, modality={"0": "T2", "1": "ADC"})
    for number, name in enumerate(NAMES):
        write(folder / f"imagesTr/{name}.nii.gz", image_of(number, channels=2))
    volume = read_all(decathlon, folder)[0]
    assert np.array_equal(volume.images, np.moveaxis(image_of(0, channels=2), -1, 1))
    assert volume.units == ""
    describe(folder)
    with pytest.raises(DataError, match=r"liver_1\.nii\.gz: 2 channels, expected 1"):
        read_all(decathlon, folder)


def test_four_digits_at_the_end_of_a_name_are_no_channel(tmp_path: Path) -> None:
    write(tmp_path / "imagesTr/case_0001.nii.gz", image_of(1))
    write(tmp_path / "labelsTr/case_0001.nii.gz", mask_of(1))
    (tmp_path / "dataset.json").write_text("{}")
    files = open_files(str(tmp_path))
    assert decathlon.recognises(files)
    assert not nnunet.recognises(files)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("./imagesTr/liver_1.nii.gz", "expected an image and a label"),
        ({"image": "./imagesTr/liver_1.nii.gz"}, "expected an image and a label"),
        ({"image": 5, "label": 6}, "expected an image and a label"),
        (None, "expected an image and a label"),
        ({"image": "imagesTr/gone.nii.gz", "label": "labelsTr/liver_1.nii.gz"}, "is missing"),
        ({"image": "imagesTr/liver_1.nii.gz", "label": "labelsTr/gone.nii.gz"}, "is missing"),
        ({"image": "/etc/passwd.nii", "label": "labelsTr/liver_1.nii.gz"}, "is missing"),
        ({"image": "../../x.nii", "label": "labelsTr/liver_1.nii.gz"}, "is missing"),
        ({"image": "dataset.json", "label": "labelsTr/liver_1.nii.gz"}, "expected a volume"),
    ],
)
def test_entries_that_cannot_be_used_are_problems(folder: Path, entry: Any, reason: str) -> None:
    rest = [{"image": "imagesTr/liver_2.nii.gz", "label": "labelsTr/liver_2.nii.gz"}]
    describe(folder, training=[entry, *rest])
    found = survey(decathlon, folder)
    assert [scan.name for scan in found.scans] == ["liver_2"]
    assert [problem.file for problem in found.problems] == ["dataset.json"]
    assert reason in found.problems[0].reason


def test_an_image_that_is_listed_twice_or_not_at_all(folder: Path) -> None:
    entry = {"image": "imagesTr/liver_2.nii.gz", "label": "./labelsTr/liver_2.nii.gz"}
    describe(folder, training=[entry, entry], test=[])
    found = survey(decathlon, folder)
    assert len(found.scans) == 1
    assert found.problems == [Problem("imagesTr/liver_2.nii.gz", "dataset.json lists it twice")]
    assert found.remarks[1:] == [
        "2 images in imagesTr are not in dataset.json, such as imagesTr/liver_1.nii.gz."
    ]


@pytest.mark.parametrize("training", [None, [], {}, "imagesTr"])
def test_without_a_list_nothing_is_known(folder: Path, training: Any) -> None:
    describe(folder, training=training)
    with pytest.raises(DataError, match=r"dataset\.json: training is .*, expected a list"):
        survey(decathlon, folder)


def test_patients_by_a_pattern(folder: Path) -> None:
    found = survey(decathlon, folder, ReaderOptions(patient_pattern=r"liver_\d"))
    assert [scan.patient for scan in found.scans] == ["liver_1", "liver_1", "liver_2"]
    assert UNKNOWN not in found.remarks
    with pytest.raises(InvalidArgumentError, match="patient_pattern"):
        survey(decathlon, folder, ReaderOptions(patient_pattern="nowhere"))


def test_a_mask_that_lies_elsewhere(folder: Path) -> None:
    write(folder / "labelsTr/liver_2.nii.gz", mask_of(1), AFFINE * [1, 1, 1.01, 1])
    with pytest.raises(DataError, match=r"labelsTr/liver_2\.nii\.gz: lies elsewhere"):
        read_all(decathlon, folder)


def test_other_folders_are_not_recognised(folder: Path) -> None:
    (folder / "labelsTr").rename(folder / "labels")
    assert not decathlon.recognises(open_files(str(folder)))
    (folder / "labels").rename(folder / "labelsTr")
    (folder / "dataset.json").unlink()
    assert not decathlon.recognises(open_files(str(folder)))


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4),
    volume=st.booleans(),
)
def test_whatever_bytes_a_file_holds_it_is_read_or_refused(
    folder: Path, changes: list[tuple[int, int]], volume: bool
) -> None:
    file = folder / ("imagesTr/liver_1.nii.gz" if volume else "dataset.json")
    whole = file.read_bytes()
    content = bytearray(whole)
    for place, value in changes:
        content[place % len(content)] = value
    file.write_bytes(content)
    message = f"{folder}"
    try:
        read_all(decathlon, folder)
    except DataError as error:
        message = error.message
    finally:
        file.write_bytes(whole)
    assert message.startswith(f"{folder}")
