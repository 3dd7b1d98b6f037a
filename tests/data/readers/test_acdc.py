from __future__ import annotations

import gzip
import os
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medsynth.data import readers
from medsynth.data.files import open_files
from medsynth.data.readers import acdc
from medsynth.data.readers.interface import TESTING, TRAINING, Problem, ReaderOptions
from medsynth.data.source import Source, opened
from medsynth.data.volume import Volume
from medsynth.errors import DataError, InvalidArgumentError
from tests.data.acdc_files import AFFINE, acdc_folder, write_nifti
from tests.data.readers.reading import read_all, survey

FRAME = "patient002/patient002_frame01.nii.gz"
MASK = "patient002/patient002_frame01_gt.nii.gz"


def one(folder: Path) -> Volume:
    return next(v for v in read_all(acdc, folder) if v.name == "patient002_frame01")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return acdc_folder(tmp_path / "acdc")


def test_volumes(folder: Path) -> None:
    volumes = read_all(acdc, folder)
    assert len(volumes) == 8
    first = volumes[0]
    assert (first.patient, first.name, first.group) == ("patient001", "patient001_frame01", "DCM")
    assert first.images.shape == (3, 1, 40, 48)
    assert first.images.dtype == np.float32
    assert first.spacing == (8.0, 1.25, 1.5)
    assert first.masks is not None
    assert first.masks.shape == (3, 40, 48)
    assert first.masks.dtype == np.uint8
    # The right ventricle was drawn at small columns; the ring's middle at row 16.
    _, row, column = np.nonzero(first.masks == 3)
    assert (round(row.mean()), round(column.mean())) == (16, 20)
    assert np.nonzero(first.masks == 1)[2].max() < 20


def test_scaled_integers_are_unscaled(folder: Path) -> None:
    values = np.linspace(-1.0, 2.0, 3 * 40 * 48).reshape(3, 40, 48).astype(np.float32)
    image = nibabel.Nifti1Image(values.transpose(2, 1, 0), AFFINE)
    image.set_data_dtype(np.int16)
    nibabel.save(image, folder / FRAME)
    volume = one(folder)
    assert np.abs(volume.images[:, 0] - values).max() < 1e-3


def test_files_are_all_that_is_read(folder: Path) -> None:
    (folder / "patient001" / "patient001_4d.nii.gz").write_bytes(b"not read")
    (folder / "readme.txt").write_text("not read")
    (folder / "patient001" / "MANDATORY_CITATION.md").write_text("not read")
    files = acdc.relevant(open_files(str(folder)))
    assert len(files) == 4 * 5
    assert files == sorted(files)
    assert len(read_all(acdc, folder)) == 8


def test_training_and_testing_folders(tmp_path: Path) -> None:
    acdc_folder(tmp_path / "acdc" / "training", patients=2)
    assert readers.recognise(open_files(str(tmp_path / "acdc"))).NAME == "acdc"
    assert len(survey(acdc, tmp_path / "acdc").scans) == 4
    acdc_folder(tmp_path / "other", patients=3)
    (tmp_path / "acdc" / "testing").mkdir()
    (tmp_path / "other" / "patient003").rename(tmp_path / "acdc" / "testing" / "patient003")
    parts = {scan.patient: scan.part for scan in survey(acdc, tmp_path / "acdc").scans}
    assert parts == {"patient001": TRAINING, "patient002": TRAINING, "patient003": TESTING}
    (tmp_path / "other" / "patient002").rename(tmp_path / "acdc" / "testing" / "patient002")
    with pytest.raises(DataError, match=r"patient002/: the same patient is in .*testing"):
        survey(acdc, tmp_path / "acdc")


@pytest.mark.parametrize("top", ["database", "ACDC/database", "a\nb"])
def test_the_folders_of_the_download(tmp_path: Path, top: str) -> None:
    acdc_folder(tmp_path / "set" / top / "training", patients=2)
    acdc_folder(tmp_path / "other", patients=3)
    (tmp_path / "set" / top / "testing").mkdir()
    (tmp_path / "other/patient003").rename(tmp_path / "set" / top / "testing/patient003")
    (tmp_path / "set" / top / "training/patient001/patient001_4d.nii.gz").write_bytes(b"not read")
    files = open_files(str(tmp_path / "set"))
    assert readers.recognise(files).NAME == "acdc"
    found = survey(acdc, tmp_path / "set")
    assert found.problems == []
    parts = {scan.patient: scan.part for scan in found.scans}
    assert parts == {"patient001": TRAINING, "patient002": TRAINING, "patient003": TESTING}
    assert {volume.group for volume in read_all(acdc, tmp_path / "set")} == {"DCM", "NOR"}
    assert set(acdc.relevant(files)) == {path for scan in found.scans for path in scan.files}


def test_the_archive_of_the_download(tmp_path: Path) -> None:
    acdc_folder(tmp_path / "ACDC/database/training", patients=2)
    with zipfile.ZipFile(tmp_path / "acdc.zip", "w") as archive:
        for file in (tmp_path / "ACDC").rglob("*.*"):
            archive.write(file, file.relative_to(tmp_path))
    with opened(Source(str(tmp_path / "acdc.zip"))) as (reader, files):
        assert reader.NAME == "acdc"
        assert {scan.part for scan in reader.survey(files, ReaderOptions()).scans} == {TRAINING}


def test_packed_and_unpacked_is_one_frame(folder: Path) -> None:
    unpacked = folder / FRAME.removesuffix(".gz")
    unpacked.write_bytes(gzip.decompress((folder / FRAME).read_bytes()))
    found = survey(acdc, folder)
    assert found.problems == [Problem(FRAME, f"{FRAME.removesuffix('.gz')} is the same frame")]
    assert len({scan.name for scan in found.scans}) == len(found.scans) == 8


def test_uncompressed_files_and_no_info(folder: Path) -> None:
    (folder / "patient002" / "Info.cfg").unlink()
    for name in (FRAME, MASK):
        (folder / name.removesuffix(".gz")).write_bytes(
            gzip.decompress((folder / name).read_bytes())
        )
        (folder / name).unlink()
    volume = one(folder)
    assert volume.group == ""


def test_a_trailing_axis_of_one_is_dropped(folder: Path) -> None:
    values = np.zeros((48, 40, 3, 1), np.int16)
    values[5, 6, 1] = 100
    nibabel.save(nibabel.Nifti1Image(values, AFFINE), folder / FRAME)
    volume = one(folder)
    assert volume.images[1, 0, 6, 5] == 100


def broken(folder: Path, name: str, content: bytes | np.ndarray) -> str:
    """Replaces a file and returns the message of the error that reading gives."""
    if isinstance(content, bytes):
        (folder / name).write_bytes(content)
    else:
        write_nifti(folder / name, content)
    with pytest.raises(DataError) as caught:
        read_all(acdc, folder)
    assert str(folder / name) in caught.value.message
    return caught.value.message


def test_truncated(folder: Path) -> None:
    content = (folder / FRAME).read_bytes()
    assert "not a readable NIfTI" in broken(folder, FRAME, content[: len(content) // 2])
    assert "not a readable NIfTI" in broken(folder, FRAME, content[:20])
    assert "not a readable NIfTI" in broken(folder, FRAME, b"")


def test_flipped_bits(folder: Path) -> None:
    content = bytearray((folder / FRAME).read_bytes())
    content[len(content) // 2] ^= 0xFF
    broken(folder, FRAME, bytes(content))


def test_something_else(folder: Path) -> None:
    assert "not a readable NIfTI" in broken(folder, FRAME, b"<html>404</html>" * 100)
    assert "not a readable NIfTI" in broken(folder, FRAME, gzip.compress(b"hello" * 1000))


def test_a_header_that_claims_too_much(folder: Path) -> None:
    header = bytearray(gzip.decompress((folder / FRAME).read_bytes()))
    header[40:48] = np.array([3, 32000, 32000, 32000], "<i2").tobytes()
    assert "above" in broken(folder, FRAME, gzip.compress(bytes(header)))


def test_a_negative_shape(folder: Path) -> None:
    header = bytearray(gzip.decompress((folder / FRAME).read_bytes()))
    header[40:48] = np.array([3, -4, 40, 3], "<i2").tobytes()
    broken(folder, FRAME, gzip.compress(bytes(header)))


def test_no_slices(folder: Path) -> None:
    broken(folder, FRAME, np.zeros((0, 40, 48), np.int16))


def test_two_axes(folder: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((48, 40), np.int16), np.eye(4)), folder / FRAME)
    with pytest.raises(DataError, match="three axes"):
        read_all(acdc, folder)


def test_nan(folder: Path) -> None:
    values = np.ones((3, 40, 48), np.float32)
    values[1, 2, 3] = np.nan
    values[1, 2, 4] = np.inf
    assert "2 of 5760 intensities are NaN or infinite" in broken(folder, FRAME, values)


def test_too_large_for_single_precision(folder: Path) -> None:
    broken(folder, FRAME, np.full((3, 40, 48), 1e300))


def test_complex(folder: Path) -> None:
    assert "complex" in broken(folder, FRAME, np.ones((3, 40, 48), np.complex64))


def test_mask_of_another_shape(folder: Path) -> None:
    message = broken(folder, MASK, np.zeros((3, 48, 40), np.uint8))
    assert "(3, 48, 40)" in message
    assert "(3, 40, 48)" in message


def test_mask_of_several_channels(folder: Path) -> None:
    masks = np.zeros((48, 40, 3, 2), np.uint8)
    nibabel.save(nibabel.Nifti1Image(masks, AFFINE), folder / MASK)
    with pytest.raises(DataError, match=r"frame01_gt\.nii\.gz: the mask has 2 channels"):
        read_all(acdc, folder)


@pytest.mark.parametrize("label", [4, 255, -1, 0.5, np.nan])
def test_unknown_labels(folder: Path, label: float) -> None:
    mask = np.zeros((3, 40, 48), np.float32)
    mask[0, 0, 0] = label
    message = broken(folder, MASK, mask)
    assert f"label {label:g}" in message
    assert "3 lv cavity" in message


def test_missing_mask(folder: Path) -> None:
    (folder / MASK).unlink()
    problem = Problem(FRAME, "its mask patient002_frame01_gt.nii.gz is missing")
    assert survey(acdc, folder).problems == [problem]
    assert len(read_all(acdc, folder)) == 7


def test_a_dangling_link(folder: Path) -> None:
    (folder / FRAME).unlink()
    (folder / FRAME).symlink_to(folder / "gone.nii.gz")
    with pytest.raises(DataError, match="missing"):
        read_all(acdc, folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable(folder: Path) -> None:
    (folder / FRAME).chmod(0)
    with pytest.raises(DataError, match="patient002_frame01"):
        read_all(acdc, folder)


def test_info_that_is_no_text(folder: Path) -> None:
    (folder / "patient002" / "Info.cfg").write_bytes(b"\xff\xfe\x00group")
    with pytest.raises(DataError, match=r"Info\.cfg"):
        read_all(acdc, folder)


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("Group: DCM\n", "DCM"),
        ("ED: 1\r\n  Group :  DCM \r\nGroup: NOR", "DCM"),
        ("Group:\nHeight: 180\n", ""),
        ("Groups: DCM\n", ""),
        ("\n" * 60_000 + "Group: DCM", "DCM"),
        ("Group: " + "x" * 60_000, "x" * 97 + "..."),
        ("", ""),
    ],
)
def test_the_group_is_what_its_line_says(folder: Path, text: str, group: str) -> None:
    (folder / "patient002" / "Info.cfg").write_bytes(text.encode())
    assert one(folder).group == group


def test_info_of_any_length_is_not_read(folder: Path) -> None:
    (folder / "patient002" / "Info.cfg").write_bytes(b"\n" * (2**16 + 1))
    with pytest.raises(DataError, match=r"Info\.cfg: is longer than 65536 bytes"):
        one(folder)


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images found"):
        survey(acdc, tmp_path)
    for place in (tmp_path, tmp_path / "missing"):
        with pytest.raises(DataError, match="no reader recognises"):
            readers.recognise(open_files(str(place)))


def test_unknown_reader() -> None:
    with pytest.raises(InvalidArgumentError, match="acdc"):
        readers.get_reader("os")


def test_the_real_data_set(real_acdc: Path) -> None:
    files = open_files(str(real_acdc))
    assert readers.recognise(files).NAME == "acdc"
    scans = acdc.survey(files, ReaderOptions()).scans
    assert len(scans) == 60
    for scan in scans[:2]:
        volume = acdc.read(real_acdc, scan, ReaderOptions())
        assert volume.patient == "patient001"
        assert volume.group == "DCM"
        assert volume.images.shape == (10, 1, 256, 216)
        assert volume.masks is not None
        assert set(np.unique(volume.masks)) == {0, 1, 2, 3}
        assert volume.images[:, 0][volume.masks == 3].mean() > (
            1.5 * volume.images[:, 0][volume.masks == 2].mean()
        )
