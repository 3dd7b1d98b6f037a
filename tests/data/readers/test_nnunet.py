from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from medsynth.data.files import open_files
from medsynth.data.readers import decathlon, nnunet
from medsynth.data.readers.interface import TESTING, TRAINING, Problem, ReaderOptions
from medsynth.data.readers.patients import UNKNOWN
from medsynth.data.splits import Surveyed
from medsynth.errors import DataError, InvalidArgumentError
from tests.data.readers.reading import read_all, survey
from tests.data.readers.volume_writing import AFFINE, SHAPE, image_of, mask_of, write

LABELS = {"background": 0, "PZ": 1, "TZ": 2}


def describe(folder: Path, **fields: Any) -> None:
    content = {
        "channel_names": {"0": "T2", "1": "ADC"},
        "labels": LABELS,
        "numTraining": 3,
        "file_ending": ".nii.gz",
        **fields,
    }
    (folder / "dataset.json").write_text(json.dumps(content))


def cases(folder: Path, ending: str, channels: int = 2, part: str = "Tr") -> None:
    for number in (1, 2, 3):
        for channel in range(channels):
            name = f"images{part}/case_{number:03d}_{channel:04d}{ending}"
            write(folder / name, image_of(10 * number + channel))
        write(folder / f"labels{part}/case_{number:03d}{ending}", mask_of(1, 2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    describe(tmp_path)
    cases(tmp_path, ".nii.gz")
    return tmp_path


@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".mha", ".mhd", ".nrrd"])
def test_volumes(tmp_path: Path, ending: str) -> None:
    describe(tmp_path, file_ending=ending)
    cases(tmp_path, ending)
    files = open_files(str(tmp_path))
    assert nnunet.recognises(files)
    assert not decathlon.recognises(files)
    found = survey(nnunet, tmp_path)
    assert found.classes == ("background", "PZ", "TZ")
    assert (found.problems, found.remarks) == ([], [UNKNOWN])
    volumes = read_all(nnunet, tmp_path)
    assert [volume.name for volume in volumes] == ["case_001", "case_002", "case_003"]
    second = volumes[1]
    assert (second.patient, second.units) == ("case_002", "")
    assert np.array_equal(second.images[:, 0], image_of(20))
    assert np.array_equal(second.images[:, 1], image_of(21))
    assert second.masks is not None
    assert np.array_equal(second.masks, mask_of(1, 2))
    assert second.affine is not None
    assert np.allclose(second.affine, AFFINE[:, [2, 1, 0, 3]])
    opened = {file for scan in found.scans for file in scan.files}
    assert sorted({"dataset.json"} | opened) == nnunet.relevant(files)


def test_pictures(tmp_path: Path) -> None:
    describe(tmp_path, file_ending=".png", channel_names={"0": "R", "1": "G", "2": "B"})
    colours = np.random.Generator(np.random.Philox(1)).integers(0, 255, (20, 24, 3))
    for name in ("imagesTr", "labelsTr"):
        (tmp_path / name).mkdir()
    for number in (1, 2):
        picture = Image.fromarray((colours // number).astype(np.uint8))
        picture.save(tmp_path / f"imagesTr/c{number}_0000.png")
        Image.fromarray(mask_of(1)[1]).save(tmp_path / f"labelsTr/c{number}.png")
    assert nnunet.recognises(open_files(str(tmp_path)))
    volume = read_all(nnunet, tmp_path)[0]
    assert np.array_equal(volume.images[0], colours.transpose(2, 0, 1))
    assert volume.masks is not None
    assert np.array_equal(volume.masks[0], mask_of(1)[1])
    assert volume.affine is None


def test_pictures_of_one_channel_each(tmp_path: Path) -> None:
    describe(tmp_path, file_ending=".png")
    for name in ("imagesTr", "labelsTr"):
        (tmp_path / name).mkdir()
    for channel in (0, 1):
        grey = np.full((20, 24), 50 + channel, np.uint8)
        Image.fromarray(grey).save(tmp_path / f"imagesTr/c_000{channel}.png")
    Image.fromarray(mask_of(1)[1]).save(tmp_path / "labelsTr/c.png")
    volume = read_all(nnunet, tmp_path)[0]
    assert volume.images[0, :, 3, 3].tolist() == [50, 51]
    (tmp_path / "imagesTr/c_0001.png").unlink()
    with pytest.raises(DataError, match=r"c_0000\.png: 1 channels, expected 2"):
        read_all(nnunet, tmp_path)


def test_ct_is_in_hounsfield_units(tmp_path: Path) -> None:
    for name, units, modality in (
        ("CT", "HU", "CT"), ("ct", "HU", "CT"), ("MRI", "", "MR"), ("T2", "", ""),
    ):  # fmt: skip
        describe(tmp_path, channel_names={"0": name})
        cases(tmp_path, ".nii.gz", channels=1)
        assert survey(nnunet, tmp_path).modality == modality
        assert read_all(nnunet, tmp_path)[0].units == units
    describe(tmp_path, channel_names={"0": "CT", "1": "PET"})
    cases(tmp_path, ".nii.gz")
    assert read_all(nnunet, tmp_path)[0].units == ""


def test_the_first_version_names_labels_by_value(tmp_path: Path) -> None:
    content = {
        "modality": {"0": "CT"},
        "labels": {"0": "background", "2": "tumour", "1": "liver"},
        "training": [{"image": "./imagesTr/case_001.nii.gz", "label": "not read"}],
        "numTraining": 3,
    }
    (tmp_path / "dataset.json").write_text(json.dumps(content))
    cases(tmp_path, ".nii.gz", channels=1)
    found = survey(nnunet, tmp_path)
    assert found.classes == ("background", "liver", "tumour")
    assert read_all(nnunet, tmp_path)[0].units == "HU"


def test_images_for_testing_with_masks_are_the_official_part(folder: Path) -> None:
    for channel in (0, 1):
        write(folder / f"imagesTs/case_009_000{channel}.nii.gz", image_of(channel))
    found = survey(nnunet, folder)
    assert {scan.part for scan in found.scans} == {TRAINING}
    assert found.remarks[0] == "1 images in imagesTs have no masks and are left out."
    write(folder / "labelsTs/case_009.nii.gz", mask_of(1))
    found = survey(nnunet, folder)
    assert [scan.name for scan in found.scans if scan.part == TESTING] == ["case_009"]
    assert found.remarks == [UNKNOWN]
    assert len(read_all(nnunet, folder)) == 4


def test_a_case_in_both_parts_is_refused(folder: Path) -> None:
    cases(folder, ".nii.gz", part="Ts")
    with pytest.raises(DataError, match=r"imagesTs/case_001_0000\.nii\.gz: the same case"):
        survey(nnunet, folder)


def test_what_lacks_a_part_is_a_problem(folder: Path) -> None:
    (folder / "imagesTr/case_001_0001.nii.gz").unlink()
    (folder / "labelsTr/case_002.nii.gz").unlink()
    write(folder / "imagesTr/case_003_0002.nii.gz", image_of(1))
    write(folder / "labelsTr/case_007.nii.gz", mask_of(1))
    found = survey(nnunet, folder)
    assert found.scans == []
    assert found.problems == [
        Problem("imagesTr/case_001_0000.nii.gz", "its channel 0001 is missing"),
        Problem("imagesTr/case_002_0000.nii.gz", "its mask is missing"),
        Problem("imagesTr/case_003_0002.nii.gz", "dataset.json has 2 channels alone"),
        Problem("labelsTr/case_007.nii.gz", "the image that it is a mask of is missing"),
    ]
    assert found.remarks == ["dataset.json speaks of 3 cases for training, 0 can be used."]


def test_patients_by_a_pattern(folder: Path) -> None:
    def patients(pattern: str) -> set[str]:
        found = survey(nnunet, folder, ReaderOptions(patient_pattern=pattern))
        return {scan.patient for scan in found.scans}

    assert patients("") == {"case_001", "case_002", "case_003"}
    assert patients(r"case_00[12]|case") == {"case_001", "case_002", "case"}
    told = survey(nnunet, folder, ReaderOptions(patient_pattern=r"case_\d+"))
    assert (told.remarks, told.problems) == ([], [])
    with pytest.raises(InvalidArgumentError, match="patient_pattern"):
        patients("nowhere")


def test_scans_with_pixels_that_nobody_labelled_are_refused(folder: Path) -> None:
    describe(folder, labels={"background": 0, "PZ": 1, "ignore": 2})
    write(folder / "labelsTr/case_001.nii.gz", mask_of(1))
    found = survey(nnunet, folder)
    assert found.classes == ("background", "PZ")
    assert "2 marks pixels that nobody labelled" in found.remarks[0]
    files = open_files(str(folder))
    first, second, _ = found.scans
    with files.local(first.files) as root:
        assert nnunet.read(root, first, ReaderOptions()).masks is not None
    with (
        pytest.raises(DataError, match=r"case_002\.nii\.gz: label 2 in the mask"),
        files.local(second.files) as root,
    ):
        nnunet.read(root, second, ReaderOptions())


def test_values_with_gaps_become_labels_without(folder: Path) -> None:
    describe(folder, labels={"background": 0, "TZ": 7, "PZ": 3})
    for number in (1, 2, 3):
        write(folder / f"labelsTr/case_00{number}.nii.gz", mask_of(3, 7))
    found = survey(nnunet, folder)
    assert found.classes == ("background", "PZ", "TZ")
    assert found.remarks[0] == "The values 0, 3, 7 of its masks become 0, 1, ..."
    masks = read_all(nnunet, folder)[0].masks
    assert masks is not None
    assert np.array_equal(masks, mask_of(1, 2))
    write(folder / "labelsTr/case_001.nii.gz", mask_of(3, 4))
    with pytest.raises(DataError, match="label 4 in the mask, expected 0 background, 3 PZ, 7 TZ"):
        read_all(nnunet, folder)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"labels": {}}, "labels is"),
        ({"channel_names": None}, "has no channel_names"),
        ({"file_ending": ".npy"}, "file_ending is '.npy'"),
        ({"file_ending": [".nii"]}, "file_ending is"),
        ({"dataset": {}}, "names its files by `dataset`"),
    ],
)
def test_what_dataset_json_says_that_cannot_be_read(
    folder: Path, fields: dict[str, Any], reason: str
) -> None:
    describe(folder, **fields)
    with pytest.raises(DataError) as caught:
        survey(nnunet, folder)
    assert caught.value.message.startswith(f"{folder / 'dataset.json'}: ")
    assert reason in caught.value.message


def test_another_ending_than_that_of_the_files(folder: Path) -> None:
    describe(folder, file_ending=".mha")
    with pytest.raises(DataError, match=r"no images found that end on \.mha"):
        survey(nnunet, folder)


def test_other_folders_are_not_recognised(folder: Path) -> None:
    (folder / "dataset.json").rename(folder / "other.json")
    assert not nnunet.recognises(open_files(str(folder)))
    with pytest.raises(DataError, match=r"dataset\.json: the file is missing"):
        survey(nnunet, folder)
    (folder / "other.json").rename(folder / "dataset.json")
    (folder / "labelsTr").rename(folder / "labels")
    assert not nnunet.recognises(open_files(str(folder)))


def refused(folder: Path, name: str) -> str:
    with pytest.raises(DataError) as caught:
        read_all(nnunet, folder)
    assert caught.value.message.startswith(f"{folder / name}: ")
    return caught.value.message


def test_channels_and_masks_of_other_shape_or_place(folder: Path) -> None:
    channel, mask = "imagesTr/case_002_0001.nii.gz", "labelsTr/case_002.nii.gz"
    write(folder / channel, image_of(21)[:, :19])
    assert "has (4, 19, 24) slices, rows and columns" in refused(folder, channel)
    moved = AFFINE + np.diag([0, 0, 0.5, 0])
    write(folder / channel, image_of(21), moved)
    assert "lies elsewhere" in refused(folder, channel)
    write(folder / channel, image_of(21))
    write(folder / mask, mask_of(1), moved)
    assert "lies elsewhere" in refused(folder, mask)
    write(folder / mask, np.zeros((*SHAPE, 2), np.uint8))
    assert "the mask has 2 channels" in refused(folder, mask)


def test_a_patient_in_both_parts_is_told(folder: Path) -> None:
    for channel in (0, 1):
        write(folder / f"imagesTs/case_009_000{channel}.nii.gz", image_of(channel))
    write(folder / "labelsTs/case_009.nii.gz", mask_of(1))
    pattern = ReaderOptions(patient_pattern="(case)")
    assert Surveyed.of(survey(nnunet, folder, pattern).scans).divided == ("case",)
    assert Surveyed.of(survey(nnunet, folder).scans).divided == ()
