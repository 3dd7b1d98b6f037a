from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy import ndimage

from medsynth.data.files import open_files
from medsynth.data.readers import folder
from medsynth.data.readers.interface import TESTING, TRAINING, ReaderOptions
from medsynth.data.splits import Surveyed
from medsynth.data.volume import Volume
from medsynth.errors import DataError, InvalidArgumentError
from tests.data.readers.image_folders import COLUMNS, ROWS, disc, photo, real, save
from tests.data.readers.reading import read_all, survey


def pairs(root: Path, count: int = 3, images: str = "images", masks: str = "masks") -> Path:
    for k in range(count):
        photo(root / images / f"{k}.png", k)
        save(root / masks / f"{k}.png", disc(1, 2))
    return root


def problems(root: Path) -> dict[str, str]:
    return {problem.file: problem.reason for problem in survey(folder, root).problems}


def names(root: Path) -> list[str]:
    return [scan.name for scan in survey(folder, root).scans]


def read_broken(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_all(folder, root)
    return caught.value.message


def test_masks_in_a_parallel_folder(tmp_path: Path) -> None:
    pairs(tmp_path)
    (tmp_path / "readme.txt").write_text("not an image")
    assert folder.recognises(open_files(str(tmp_path)))
    assert survey(folder, tmp_path).classes == ("background", "label 1", "label 2")
    assert not problems(tmp_path)
    volumes = read_all(folder, tmp_path)
    assert [(v.patient, v.name, v.group) for v in volumes] == [
        (str(k), str(k), "") for k in (0, 1, 2)
    ]
    for volume in volumes:
        stored = np.asarray(Image.open(tmp_path / "images" / f"{volume.name}.png"))
        assert volume.images.shape == (1, 3, ROWS, COLUMNS)
        assert (volume.images[0] == stored.transpose(2, 0, 1)).all()
        assert volume.masks is not None
        assert (volume.masks == disc(1, 2)).all()
        assert volume.masks.dtype == np.uint8
        assert volume.affine is None


@pytest.mark.parametrize("images", ["image", "imgs", "IMG", "train_images"])
@pytest.mark.parametrize(
    "masks", ["mask", "labels", "annotations", "groundtruth", "Ground_Truth", "gt", "segmentations"]
)
def test_names_of_parallel_folders(tmp_path: Path, images: str, masks: str) -> None:
    masks = f"train_{masks}" if images.startswith("train") else masks
    pairs(tmp_path, 2, images, masks)
    assert all(volume.masks is not None for volume in read_all(folder, tmp_path))
    assert [name.removeprefix("train/") for name in names(tmp_path)] == ["0", "1"]


@pytest.mark.parametrize("suffix", ["_mask", "_seg", "_gt", "_label", "_Mask"])
@pytest.mark.parametrize("masks", ["masks/", "images/", ""])
def test_suffixes(tmp_path: Path, suffix: str, masks: str) -> None:
    images = "images/" if masks else ""
    for k in range(2):
        photo(tmp_path / f"{images}{k}.jpg", k)
        save(tmp_path / f"{masks}{k}{suffix}.png", disc(255))
    volumes = read_all(folder, tmp_path)
    assert len(volumes) == 2
    assert all((volume.masks == disc(1)).all() for volume in volumes)


@pytest.mark.parametrize("pattern", ["{part}/{kind}", "{kind}/{part}", "x/{part}_{kind}/y"])
def test_official_parts(tmp_path: Path, pattern: str) -> None:
    for part in ("train", "val", "validation", "test"):
        images, masks = (pattern.format(part=part, kind=kind) for kind in ("images", "masks"))
        pairs(tmp_path, 2, images, masks)
    scans = survey(folder, tmp_path).scans
    assert {scan.name: scan.part for scan in scans} == {
        **{f"{part}/{k}": TRAINING for part in ("train", "val", "validation") for k in "01"},
        **{f"test/{k}": TESTING for k in "01"},
    }
    assert len({scan.patient for scan in scans}) == 8
    assert all(volume.masks is not None for volume in read_all(folder, tmp_path))


def test_a_patient_in_two_parts(tmp_path: Path) -> None:
    for part in ("train", "test"):
        pairs(tmp_path, 2, f"{part}/images", f"{part}/masks")
    found = survey(folder, tmp_path, ReaderOptions(patient_pattern=r"(\d)\.png"))
    assert {scan.patient for scan in found.scans} == {"0", "1"}
    surveyed = Surveyed.of(found.scans)
    assert surveyed.divided == ("0", "1")
    assert surveyed.remarks[0].startswith("2 patients, such as 0, 1, are in several parts")


def test_two_observers(tmp_path: Path) -> None:
    for name in ("Image_01L", "Image_01R", "Image_02L"):
        photo(tmp_path / f"{name}.jpg")
        Image.fromarray(disc(1) > 0).save(tmp_path / f"{name}_1stHO.png")
        Image.fromarray(disc() > 0).save(tmp_path / f"{name}_2ndHO.png")
    options = ReaderOptions(patient_pattern=r"Image_(\d+)[LR]", class_names=("vessel",))
    volumes = read_all(folder, tmp_path, options)
    assert [v.patient for v in volumes] == ["01", "01", "02"]
    assert all((volume.masks == disc(1)).all() for volume in volumes)
    assert survey(folder, tmp_path, options).classes == ("background", "vessel")
    assert not any("2ndHO" in path for path in folder.relevant(open_files(str(tmp_path))))


def test_a_folder_for_each_class(tmp_path: Path) -> None:
    for group in ("benign", "malignant", "normal"):
        for k in (1, 2):
            photo(tmp_path / "all" / group / f"{group} ({k}).png", k, channels=1)
    found = survey(folder, tmp_path)
    assert found.classes == ()
    assert [scan.name for scan in found.scans][:2] == ["benign/benign (1)", "benign/benign (2)"]
    assert [v.group for v in read_all(folder, tmp_path)] == [
        g for g in ("benign", "malignant", "normal") for _ in "12"
    ]
    assert all(volume.masks is None for volume in read_all(folder, tmp_path))


def test_classes_with_masks_beside_as_in_busi(tmp_path: Path) -> None:
    left, right = disc(255), disc(255)
    left[:, COLUMNS // 2 :] = right[:, : COLUMNS // 2] = 0
    for group in ("benign", "normal"):
        for k in (1, 2):
            photo(tmp_path / group / f"{group} ({k}).png", k)
            save(tmp_path / group / f"{group} ({k})_mask.png", left)
    save(tmp_path / "benign" / "benign (2)_mask_1.png", right)
    volumes = {volume.name: volume for volume in read_all(folder, tmp_path)}
    assert len(volumes) == 4
    assert volumes["normal/normal (1)"].group == "normal"
    assert (volumes["benign/benign (1)"].masks == left // 255).all()
    assert (volumes["benign/benign (2)"].masks == disc(1)).all()


@pytest.mark.parametrize("masks", ["masks", "mask"])
def test_a_class_that_is_called_mask(tmp_path: Path, masks: str) -> None:
    for k in range(3):
        photo(tmp_path / masks / f"with {k}.png", k)
        photo(tmp_path / "none" / f"without {k}.png", k)
    assert [v.group for v in read_all(folder, tmp_path)] == [masks] * 3 + ["none"] * 3
    remark = survey(folder, tmp_path).remarks[0]
    assert f"3 files, such as {masks}/with 0.png, lie in folders as masks do" in remark


@pytest.mark.parametrize(
    ("images", "masks", "suffix"),
    [
        ("Original", "Ground Truth", ""),
        ("PNG/Original", "PNG/Ground Truth", ""),
        ("ISIC-2017_Training_Data", "ISIC-2017_Training_Part1_GroundTruth", "_segmentation"),
        ("photos/left", "labels/left", ""),
    ],
)
def test_masks_beside_a_folder_of_another_name(
    tmp_path: Path, images: str, masks: str, suffix: str
) -> None:
    for k in range(4):
        photo(tmp_path / images / f"{k}.png", k)
        save(tmp_path / masks / f"{k}{suffix}.png", disc(255))
    volumes = read_all(folder, tmp_path)
    assert [(v.name, v.patient, v.group) for v in volumes] == [(k, k, "") for k in "0123"]
    assert all((volume.masks == disc(1)).all() for volume in volumes)
    assert not problems(tmp_path)
    assert "which have the same names" in survey(folder, tmp_path).remarks[0]


def test_masks_beside_two_folders_of_their_names_are_not_guessed(tmp_path: Path) -> None:
    for k in range(3):
        for name in ("left", "right", "gt"):
            photo(tmp_path / name / f"{k}.png", k)
    found = survey(folder, tmp_path)
    assert len(found.scans) == 9
    assert "such as gt/0.png, lie in folders as masks do" in found.remarks[0]


def test_images_elsewhere_are_said_to_be_left_out(tmp_path: Path) -> None:
    pairs(tmp_path / "train", 2)
    photo(tmp_path / "test" / "2.png")
    photo(tmp_path / "x" / "3.png")
    found = survey(folder, tmp_path)
    assert len(found.scans) == 2
    assert "2 files, such as test/2.png, lie neither in" in found.remarks[0]
    assert "x/3.png" not in folder.relevant(open_files(str(tmp_path)))


def test_patients_below_classes(tmp_path: Path) -> None:
    for group, patient in (("benign", "p1"), ("benign", "p2"), ("bad", "p3"), ("bad", "p4")):
        for visit in ("old", "new"):
            for k in range(2):
                photo(tmp_path / group / patient / visit / f"{k}.png", k)
    found = survey(folder, tmp_path, ReaderOptions(patient_pattern=r"/(p\d)/"))
    assert "taken for classes: bad, benign, and those below them" in found.remarks[-1]
    volumes = read_all(folder, tmp_path, ReaderOptions(patient_pattern=r"/(p\d)/"))
    assert {(v.patient, v.group) for v in volumes} == {
        ("p1", "benign"), ("p2", "benign"), ("p3", "bad"), ("p4", "bad"),
    }  # fmt: skip
    assert "taken for classes: new, old." in survey(folder, tmp_path).remarks[-1]


def test_a_patient_in_each_of_two_domains(tmp_path: Path) -> None:
    for name in ("A/x1", "A/x2", "B/y1", "B/y2"):
        photo(tmp_path / f"{name}.png")
    volumes = read_all(folder, tmp_path, ReaderOptions(patient_pattern=r"[xy]"))
    assert [v.group for v in volumes] == ["A", "A", "B", "B"]


@pytest.mark.parametrize("folders", [("A", "B"), ("trainA", "trainB"), ("train/a", "train/b")])
def test_pairs(tmp_path: Path, folders: tuple[str, str]) -> None:
    for k in range(3):
        photo(tmp_path / folders[0] / f"{k}.png", k, channels=1)
        photo(tmp_path / folders[1] / f"{k}.jpg", k + 5)
    found = survey(folder, tmp_path)
    assert len(found.scans) == 3
    assert "the channels of A come first" in found.remarks[0]
    first = read_all(folder, tmp_path)[0]
    assert first.images.shape == (1, 4, ROWS, COLUMNS)
    stored = np.asarray(Image.open(tmp_path / folders[0] / "0.png"))
    assert (first.images[0, 0] == stored).all()
    assert first.group == ""
    assert found.scans[0].part == (TRAINING if "train" in folders[0] else "")


def test_pairs_in_parts(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for side in "AB":
            photo(tmp_path / f"{part}{side}" / "1.png")
    scans = survey(folder, tmp_path).scans
    assert [(scan.name, scan.part) for scan in scans] == [
        ("test/1", TESTING),
        ("train/1", TRAINING),
    ]
    assert scans[0].files == ("testA/1.png", "testB/1.png")


def test_half_of_a_pair_is_a_problem(tmp_path: Path) -> None:
    for k in range(20):
        photo(tmp_path / "A" / f"{k}.png")
        photo(tmp_path / "B" / f"{k}.png")
    (tmp_path / "B" / "7.png").unlink()
    assert list(problems(tmp_path)) == ["A/7.png"]
    assert len(names(tmp_path)) == 19


def test_pairs_of_different_size(tmp_path: Path) -> None:
    photo(tmp_path / "A" / "1.png")
    save(tmp_path / "B" / "1.png", disc(1)[:5])
    assert read_broken(tmp_path).startswith(f"{tmp_path / 'B' / '1.png'}: the image has shape (5, ")


def test_two_domains_without_pairs(tmp_path: Path) -> None:
    for k in range(4):
        photo(tmp_path / "trainA" / f"horse {k}.png", k)
        photo(tmp_path / "trainB" / f"zebra {k}.png", k)
    photo(tmp_path / "trainB" / "horse 0.png")
    volumes = read_all(folder, tmp_path)
    assert [v.group for v in volumes] == ["A"] * 4 + ["B"] * 5
    assert len({v.name for v in volumes}) == 9
    # The same name in A and in B is one patient.
    assert len({v.patient for v in volumes}) == 8
    assert "1 names are in A and in B" in survey(folder, tmp_path).remarks[0]


def test_images_alone(tmp_path: Path) -> None:
    for k in range(3):
        photo(tmp_path / f"{k}.bmp", k)
    (volume, *_) = volumes = read_all(folder, tmp_path)
    assert len(volumes) == 3
    assert (volume.group, volume.masks, volume.name) == ("", None, "0")
    assert names(tmp_path / "1.bmp") == ["1"]


def test_patients_from_a_pattern(tmp_path: Path) -> None:
    for name in ("p01/a_1", "p01/a_2", "p02/b_1"):
        photo(tmp_path / f"{name}.png")
    found = survey(folder, tmp_path, ReaderOptions(patient_pattern=r"^(p\d+)/"))
    assert [scan.patient for scan in found.scans] == ["p01", "p01", "p02"]
    volumes = read_all(folder, tmp_path, ReaderOptions(patient_pattern=r"p\d+"))
    assert [(v.patient, v.group) for v in volumes] == [("p01", ""), ("p01", ""), ("p02", "")]
    assert not any("patient_pattern" in remark for remark in found.remarks)
    assert any("patient_pattern" in remark for remark in survey(folder, tmp_path).remarks)


def test_a_pattern_that_fits_some_or_none(tmp_path: Path) -> None:
    for name in ("p1", "p2", "other"):
        photo(tmp_path / f"{name}.png")
    found = survey(folder, tmp_path, ReaderOptions(patient_pattern=r"p(\d)\."))
    assert [problem.file for problem in found.problems] == ["other.png"]
    assert [scan.patient for scan in found.scans] == ["1", "2"]
    with pytest.raises(InvalidArgumentError, match=r"options\.patient_pattern.*other\.png"):
        survey(folder, tmp_path, ReaderOptions(patient_pattern="q"))
    with pytest.raises(InvalidArgumentError, match="patient_pattern"):
        survey(folder, tmp_path, ReaderOptions(patient_pattern="(q)?p"))


def test_too_many_folders_for_classes(tmp_path: Path) -> None:
    for k in range(101):
        photo(tmp_path / f"case{k}" / "1.png")
    assert {volume.group for volume in read_all(folder, tmp_path)} == {""}
    assert "101 folders" in survey(folder, tmp_path).remarks[-1]


def test_orphans_are_problems(tmp_path: Path) -> None:
    pairs(tmp_path)
    photo(tmp_path / "images" / "alone.png")
    save(tmp_path / "masks" / "nobody.png", disc(1))
    assert problems(tmp_path) == {
        "images/alone.png": "its mask is missing",
        "masks/nobody.png": "there is no image to this mask",
    }
    assert names(tmp_path) == ["0", "1", "2"]
    assert "masks/nobody.png" in folder.relevant(open_files(str(tmp_path)))


def test_orphans_beside(tmp_path: Path) -> None:
    for k in range(2):
        photo(tmp_path / f"{k}.png", k)
    save(tmp_path / "0_mask.png", disc(1))
    save(tmp_path / "9_mask.png", disc(1))
    assert set(problems(tmp_path)) == {"1.png", "9_mask.png"}
    assert names(tmp_path) == ["0"]


def test_two_kinds_of_masks_are_a_problem(tmp_path: Path) -> None:
    pairs(tmp_path, 2)
    save(tmp_path / "labels" / "0.png", disc(1))
    save(tmp_path / "masks" / "1.tif", disc(1))
    assert set(problems(tmp_path)) == {"images/0.png", "images/1.png"}
    assert "masks/0.png" in problems(tmp_path)["images/0.png"]


def test_parallel_folders_of_which_nothing_fits(tmp_path: Path) -> None:
    photo(tmp_path / "images" / "a.png")
    save(tmp_path / "masks" / "b.png", disc(1))
    assert len(problems(tmp_path)) == 2
    assert names(tmp_path) == []


def test_the_same_name_in_two_formats_is_one_patient(tmp_path: Path) -> None:
    photo(tmp_path / "1.png")
    photo(tmp_path / "1.jpg")
    volumes = read_all(folder, tmp_path)
    assert [(v.patient, v.name) for v in volumes] == [("1", "1.jpg"), ("1", "1.png")]


def test_odd_names(tmp_path: Path) -> None:
    odd = [" a b ", "Größe 好", "new\nline", "quote'\"", "%20*?[x]", "-rf"]
    for k, name in enumerate(odd):
        photo(tmp_path / "images" / f"{name}.png", k)
        save(tmp_path / "masks" / f"{name}_mask.png", disc(1, 2))
    volumes = read_all(folder, tmp_path)
    assert sorted(volume.name for volume in volumes) == sorted(odd)
    assert all(volume.masks is not None for volume in volumes)


def test_class_names(tmp_path: Path) -> None:
    pairs(tmp_path)
    options = ReaderOptions(class_names=("disc", "cup"))
    assert survey(folder, tmp_path, options).classes == ("background", "disc", "cup")
    with pytest.raises(InvalidArgumentError, match=r"specification\.data\.options\.class_names"):
        survey(folder, tmp_path, ReaderOptions(class_names=("disc",)))
    with pytest.raises(InvalidArgumentError, match="no masks"):
        survey(folder, tmp_path / "images", options)


def test_mask_values(tmp_path: Path) -> None:
    for k in range(2):
        photo(tmp_path / "images" / f"{k}.jpg", k)
        save(tmp_path / "masks" / f"{k}.png", disc(100, 200))
    with pytest.raises(DataError, match=r"0\.png: .*values 0, 100, 200.*mask_values"):
        survey(folder, tmp_path)
    volumes = read_all(folder, tmp_path, ReaderOptions(mask_values=(0, 200, 100)))
    assert all((volume.masks == disc(2, 1)).all() for volume in volumes)


def test_a_mask_of_another_size(tmp_path: Path) -> None:
    pairs(tmp_path)
    save(tmp_path / "masks" / "1.png", disc(1)[:7])
    message = read_broken(tmp_path)
    assert message.startswith(f"{tmp_path / 'masks' / '1.png'}: the mask has shape (1, 7, ")


def test_a_label_that_the_others_do_not_have(tmp_path: Path) -> None:
    pairs(tmp_path, 5)
    save(tmp_path / "masks" / "1.png", disc(1, 77))
    message = read_broken(tmp_path)
    assert message.startswith(f"{tmp_path / 'masks' / '1.png'}: value 77 in the mask")


def test_nan_and_infinity(tmp_path: Path) -> None:
    values = np.ones((4, 5), np.float32)
    values[1, 2], values[2, 2] = np.nan, np.inf
    tifffile.imwrite(tmp_path / "a.tif", values)
    message = read_broken(tmp_path)
    assert message == f"{tmp_path / 'a.tif'}: 2 of 20 intensities are NaN or infinite"
    tifffile.imwrite(tmp_path / "a.tif", np.full((4, 5), 1e300))
    assert "20 of 20 intensities" in read_broken(tmp_path)


def test_constant_images_are_read(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.full((4, 5), 7, np.uint8))
    (volume,) = read_all(folder, tmp_path)
    assert (volume.images == 7).all()


def test_broken_files(tmp_path: Path) -> None:
    pairs(tmp_path)
    content = (tmp_path / "images" / "1.png").read_bytes()
    for broken in (content[:100], b"", b"GIF89a" + content):
        (tmp_path / "images" / "1.png").write_bytes(broken)
        message = read_broken(tmp_path)
        assert message.startswith(f"{tmp_path / 'images' / '1.png'}: not a readable")


def test_too_many_channels(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((4, 5, 9), np.uint8), photometric="minisblack",
        planarconfig="contig",
    )  # fmt: skip
    assert "9 channels, expected at most 8" in read_broken(tmp_path)


def test_what_is_not_recognised(tmp_path: Path) -> None:
    files = open_files(str(tmp_path))
    assert not folder.recognises(files)
    with pytest.raises(DataError, match="no images found"):
        folder.survey(files, ReaderOptions())
    photo(tmp_path / "imagesTr" / "a_0000.png")
    assert not folder.recognises(open_files(str(tmp_path)))
    (tmp_path / "imagesTr").rename(tmp_path / "volumes")
    assert folder.recognises(open_files(str(tmp_path)))
    (tmp_path / "volumes" / "a.nii.gz").write_bytes(b"")
    assert not folder.recognises(open_files(str(tmp_path)))


def check_real(name: str, count: int, options: ReaderOptions) -> list[Volume]:
    root = real(name)
    assert folder.recognises(open_files(str(root)))
    assert not survey(folder, root, options).problems
    volumes = read_all(folder, root, options)
    assert len(volumes) == len({volume.name for volume in volumes}) == count
    return volumes


def test_the_real_chase_db1() -> None:
    options = ReaderOptions(patient_pattern=r"Image_(\d+)[LR]", class_names=("vessel",))
    volumes = check_real("chase_db1", 28, options)
    assert len({volume.patient for volume in volumes}) == 14
    for volume in volumes:
        assert volume.masks is not None
        vessels = volume.masks[0] == 1
        around = ndimage.binary_dilation(vessels, iterations=8) & ~vessels
        # Blood takes in green light.
        assert volume.images[0, 1][vessels].mean() < volume.images[0, 1][around].mean()


def test_the_real_drishti_gs1() -> None:
    for volume in check_real("drishti_gs1", 50, ReaderOptions(class_names=("disc", "cup"))):
        assert volume.masks is not None
        assert set(np.unique(volume.masks)) == {0, 1, 2}
        assert volume.images[:, 1][volume.masks[:] == 2].mean() > volume.images[:, 1].mean()


def test_the_real_busi() -> None:
    volumes = check_real("busi", 300, ReaderOptions())
    assert {volume.group for volume in volumes} == {"normal", "benign", "malignant"}
    assert {volume.masks is None for volume in volumes} == {True}


def test_the_real_msd_liver() -> None:
    options = ReaderOptions(patient_pattern=r"(?:flipped|mirrored)_(\d+)_", class_names=("liver",))
    volumes = check_real("msd_liver", 302, options)
    assert len({volume.patient for volume in volumes}) == 61
    assert all(v.masks is not None and set(np.unique(v.masks)) <= {0, 1} for v in volumes)
    assert 0.02 < np.mean([v.masks.mean() for v in volumes if v.masks is not None]) < 0.2
