from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from medsynth.data.readers.volume_files import read_volume_file
from medsynth.data.volume import upright
from tests.data.writers.samples import describe, labels, pixels, write

WINDOW = [-160.0, 240.0]


def load(file: Path) -> Any:
    return nibabel.load(file)


@pytest.mark.parametrize("bits", [8, 16])
def test_levels_and_hounsfield_units_by_nibabel_and_itk(bits: int, tmp_path: Path) -> None:
    images, masks = pixels(2, bits=bits), labels(2)
    about = describe(intensities=[WINDOW], units="HU", modality="CT", spacing=[1.5, 1.25])
    write(tmp_path / "a", "nifti", images, masks, about, first=7)
    hounsfield = -160 + images[1, 0] / (2**bits - 1) * 400
    file = tmp_path / "a" / "images" / "000000008.nii.gz"
    image = load(file)
    assert image.shape == (6, 5, 1)
    assert image.get_data_dtype() == images.dtype
    assert np.array_equal(image.dataobj.get_unscaled()[..., 0].T, images[1, 0])
    assert np.allclose(image.get_fdata()[..., 0].T, hounsfield, atol=1e-4)
    by_itk = sitk.GetArrayFromImage(sitk.ReadImage(file))
    assert np.allclose(by_itk[0], hounsfield, atol=1e-4)
    mask = sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "a" / "masks" / file.name))
    assert mask.dtype == np.uint8
    assert np.array_equal(mask[0], masks[1])


def test_levels_of_16_bits_can_be_had_back_from_what_itk_reads(tmp_path: Path) -> None:
    images = np.arange(2**16, dtype=np.uint16).reshape(1, 1, 256, 256)
    write(tmp_path / "a", "nifti", images, None, describe(intensities=[WINDOW]))
    values = sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "a/images/000000000.nii.gz"))
    assert np.array_equal(np.rint((values[0] + 160) / 400 * 65535), images[0, 0])


def test_spacing_without_orientation(tmp_path: Path) -> None:
    about = describe(spacing=[1.5, 1.25], slice_spacing=8.0)
    write(tmp_path / "a", "nifti", pixels(1), labels(1), about)
    for folder in ("images", "masks"):
        file = tmp_path / "a" / folder / "000000000.nii.gz"
        header = load(file).header
        assert header.get_zooms() == (1.25, 1.5, 8.0)
        assert header.get_xyzt_units()[0] == "mm"
        assert (int(header["qform_code"]), int(header["sform_code"])) == (2, 2)
        assert sitk.ReadImage(file).GetSpacing() == pytest.approx((1.25, 1.5, 8.0))


def test_the_affine_of_the_training_set_comes_back(tmp_path: Path) -> None:
    turn = np.deg2rad(30)
    affine = np.eye(4)
    affine[:3, 0] = 8 * np.array([0, np.sin(turn), np.cos(turn)])
    affine[:3, 1] = 1.5 * np.array([0, -np.cos(turn), np.sin(turn)])
    affine[:3, 2] = 1.25 * np.array([-1, 0, 0])
    affine[:3, 3] = 10, -20, 30
    write(tmp_path / "a", "nifti", pixels(1), None, describe(affine=affine.tolist()))
    file = tmp_path / "a" / "images" / "000000000.nii.gz"
    ours = read_volume_file(file).affine
    assert ours is not None
    assert np.allclose(ours, affine, atol=1e-5)
    for coordinates in (load(file).get_qform(), load(file).get_sform()):
        assert np.allclose(coordinates, affine[:, [2, 1, 0, 3]], atol=1e-5)
    origin = sitk.ReadImage(file).GetOrigin()
    assert origin == pytest.approx((-10, 20, 30), abs=1e-5)


def test_an_unknown_geometry_is_said_to_be_unknown(tmp_path: Path) -> None:
    write(tmp_path / "a", "nifti", pixels(1), None)
    header = load(tmp_path / "a" / "images" / "000000000.nii.gz").header
    assert header.get_xyzt_units()[0] == "unknown"
    assert (int(header["qform_code"]), int(header["sform_code"])) == (0, 0)
    assert header.get_zooms() == (1, 1, 1)


def test_channels_are_the_fourth_axis(tmp_path: Path) -> None:
    images = pixels(1, 3, bits=16)
    write(tmp_path / "a", "nifti", images, None)
    values = np.asanyarray(load(tmp_path / "a/images/000000000.nii.gz").dataobj)
    assert values.dtype == np.uint16
    assert np.array_equal(values[:, :, 0].transpose(2, 1, 0), images[0])
    ours = read_volume_file(tmp_path / "a/images/000000000.nii.gz").values
    assert np.array_equal(ours, images)


def test_channels_of_different_intensities_are_stored_as_intensities(tmp_path: Path) -> None:
    images = pixels(1, 2)
    about = describe(intensities=[[0.0, 2.55], [-100.0, 155.0]])
    write(tmp_path / "a", "nifti", images, None, about)
    image = load(tmp_path / "a" / "images" / "000000000.nii.gz")
    assert image.get_data_dtype() == np.float32
    expected = np.stack([images[0, 0] / 100, images[0, 1] - 100.0])
    assert np.allclose(image.get_fdata()[:, :, 0].transpose(2, 1, 0), expected, atol=1e-4)


def test_the_header_says_that_it_is_synthetic(tmp_path: Path) -> None:
    write(tmp_path / "a", "nifti", pixels(1), labels(1))
    for folder in ("images", "masks"):
        file = tmp_path / "a" / folder / "000000000.nii.gz"
        assert "Synthetic" in str(load(file).header["descrip"])
        assert file.read_bytes()[4:8] == bytes(4)
        assert len(gzip.decompress(file.read_bytes())) == 352 + 30


def test_read_by_the_projects_own_reader_of_volumes(tmp_path: Path) -> None:
    images = pixels(1)
    write(tmp_path / "a", "nifti", images, None, describe(spacing=[1.5, 1.25], slice_spacing=8.0))
    volume = read_volume_file(tmp_path / "a" / "images" / "000000000.nii.gz")
    assert np.array_equal(volume.values, images)
    assert volume.affine is not None
    assert np.allclose(volume.affine, upright(8.0, 1.5, 1.25))
