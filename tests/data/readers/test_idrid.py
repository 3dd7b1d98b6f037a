from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from medsynth.data.files import open_files
from medsynth.data.readers import idrid
from medsynth.data.readers.interface import TESTING, TRAINING, ReaderOptions
from medsynth.data.volume import Volume
from medsynth.errors import DataError, InvalidArgumentError
from tests.data.readers.image_folders import disc, photo
from tests.data.readers.reading import read_all, survey

SETS = ("a. Training Set", "b. Testing Set")
FOLDERS = {
    "MA": "1. Microaneurysms",
    "HE": "2. Haemorrhages",
    "EX": "3. Hard Exudates",
    "SE": "4. Soft Exudates",
    "OD": "5. Optic Disc",
}


def image_file(root: Path, number: int) -> Path:
    part = SETS[number >= 55]
    return root / "1. Original Images" / part / f"IDRiD_{number:02d}.jpg"


def mask_file(root: Path, number: int, structure: str) -> Path:
    truths = root / "2. All Segmentation Groundtruths" / SETS[number >= 55]
    return truths / FOLDERS[structure] / f"IDRiD_{number:02d}_{structure}.tif"


def save_mask(file: Path, drawn: NDArray[np.generic]) -> None:
    """With a palette, as most of the set's are."""
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray((drawn > 0).astype(np.uint8), "P")
    picture.putpalette(bytes([0, 0, 0, 255, 0, 0]))
    picture.save(file, compression="tiff_lzw")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "idrid"
    for number in (1, 2, 55):
        photo(image_file(root, number), number)
        save_mask(mask_file(root, number, "OD"), disc(1))
    save_mask(mask_file(root, 1, "EX"), disc(0, 1))
    save_mask(mask_file(root, 1, "MA"), disc(0, 0, 1))
    return root


def only(folder: Path, name: str, *structures: str) -> Volume:
    volumes = read_all(idrid, folder, ReaderOptions(structures=structures))
    return next(volume for volume in volumes if volume.name == name)


def test_the_optic_disc(folder: Path) -> None:
    assert idrid.recognises(open_files(str(folder)))
    found = survey(idrid, folder)
    assert found.classes == ("background", "optic disc")
    assert not found.problems
    assert found.modality == "OP"
    assert [(scan.name, scan.part) for scan in found.scans] == [
        ("IDRiD_01", TRAINING), ("IDRiD_02", TRAINING), ("IDRiD_55", TESTING),
    ]  # fmt: skip
    for volume in read_all(idrid, folder):
        assert volume.images.shape == (1, 3, 20, 30)
        assert (volume.masks == disc(1)).all()
        assert volume.patient == volume.name


def test_patients_from_a_pattern(folder: Path) -> None:
    assert any("both sides of a split" in remark for remark in survey(idrid, folder).remarks)
    found = survey(idrid, folder, ReaderOptions(patient_pattern=r"IDRiD_0(\d)"))
    assert [scan.patient for scan in found.scans] == ["1", "2"]
    assert [problem.file for problem in found.problems] == [
        image_file(folder, 55).relative_to(folder).as_posix()
    ]
    assert not found.remarks
    with pytest.raises(InvalidArgumentError, match="patient_pattern"):
        survey(idrid, folder, ReaderOptions(patient_pattern="nobody"))


def test_structures_in_the_order_asked_for(folder: Path) -> None:
    volume = only(folder, "IDRiD_01", "optic disc", "hard exudates", "microaneurysms")
    assert (volume.masks == disc(1, 2, 3)).all()
    # What comes later is drawn over what came before.
    volume = only(folder, "IDRiD_01", "hard exudates", "microaneurysms", "optic disc")
    assert (volume.masks == disc(3)).all()


def test_a_lesion_without_mask_is_not_there(folder: Path) -> None:
    options = ReaderOptions(structures=("hard exudates", "soft exudates", "haemorrhages"))
    found = survey(idrid, folder, options)
    assert not found.problems
    assert len(found.classes) == 4
    volume = only(folder, "IDRiD_02", *options.structures)
    assert volume.masks is not None
    assert not volume.masks.any()
    assert (only(folder, "IDRiD_01", *options.structures).masks == disc(0, 1)).all()


def test_a_missing_optic_disc_is_a_problem(folder: Path) -> None:
    mask_file(folder, 2, "OD").unlink()
    found = survey(idrid, folder)
    assert [problem.reason for problem in found.problems] == [
        "the mask of its optic disc is missing"
    ]
    assert found.problems[0].file.endswith("IDRiD_02.jpg")
    assert len(found.scans) == 2
    assert len(survey(idrid, folder, ReaderOptions(structures=("haemorrhages",))).scans) == 3


def test_a_mask_without_image_is_a_problem(folder: Path) -> None:
    image_file(folder, 55).unlink()
    (problem,) = survey(idrid, folder).problems
    assert problem.file.endswith("IDRiD_55_OD.tif")


def test_below_the_folder_of_the_part(folder: Path, tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    folder.rename(top / "A. Segmentation")
    photo(top / "B. Disease Grading" / "1. Original Images" / SETS[0] / "IDRiD_001.jpg")
    files = open_files(str(top))
    assert idrid.recognises(files)
    assert len(idrid.relevant(files)) == 3 + 5
    assert [volume.name for volume in read_all(idrid, top)] == ["IDRiD_01", "IDRiD_02", "IDRiD_55"]


@pytest.mark.parametrize("channels", [3, 4])
def test_coloured_masks(folder: Path, channels: int) -> None:
    values = np.zeros((20, 30, channels), np.uint8)
    values[..., 0] = disc(255)
    values[..., 3:] = 255
    tifffile.imwrite(mask_file(folder, 1, "OD"), values, photometric="rgb", compression="lzw")
    assert (only(folder, "IDRiD_01").masks == disc(1)).all()


def test_unknown_structures(folder: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"options\.structures.*optic disc, micro"):
        survey(idrid, folder, ReaderOptions(structures=("optic disc", "fovea")))


def test_an_image_in_both_parts(folder: Path) -> None:
    copy = folder / "1. Original Images" / SETS[1] / "IDRiD_01.jpg"
    photo(copy)
    save_mask(
        folder / "2. All Segmentation Groundtruths" / SETS[1] / "x" / "IDRiD_01_OD.tif", disc(1)
    )
    with pytest.raises(DataError, match=r"IDRiD_01\.jpg: the same image is in"):
        survey(idrid, folder)


def test_a_mask_of_another_size(folder: Path) -> None:
    file = mask_file(folder, 2, "OD")
    save_mask(file, disc(1)[:9])
    with pytest.raises(DataError, match="the mask has shape") as caught:
        read_all(idrid, folder)
    assert caught.value.message.startswith(f"{file}: ")


@pytest.mark.parametrize("content", [b"", b"II*\0", b"<html>" * 99])
def test_broken_files(folder: Path, content: bytes) -> None:
    for file in (mask_file(folder, 2, "OD"), image_file(folder, 1)):
        file.write_bytes(content)
        with pytest.raises(DataError) as caught:
            read_all(idrid, folder)
        assert caught.value.message.startswith(f"{file}: not a readable")


def test_other_layouts_are_not_recognised(tmp_path: Path) -> None:
    photo(tmp_path / "1. Original Images" / SETS[0] / "IDRiD_001.jpg")
    files = open_files(str(tmp_path))
    assert not idrid.recognises(files)
    with pytest.raises(DataError, match="no images found"):
        idrid.survey(files, ReaderOptions())
