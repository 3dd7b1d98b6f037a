from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from tests.data.readers.volume_reading import (
    SPACING,
    TYPES,
    affine,
    check_placed,
    read,
    refused,
    voxels,
)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("order", ["<", ">"])
def test_what_nibabel_wrote(tmp_path: Path, kind: Any, order: str) -> None:
    for dtype in TYPES:
        values = voxels(order + dtype)
        header = kind.header_class(endianness=order)
        header.set_data_dtype(order + dtype)
        nibabel.save(kind(values.transpose(2, 1, 0), affine(), header), tmp_path / "a.nii")
        found = read(tmp_path / "a.nii")
        assert found.values.dtype == np.dtype(order + dtype)
        assert np.array_equal(found.values, values[:, None])
        check_placed(found)


def test_packed_nifti_and_its_name_may_differ(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(voxels().transpose(2, 1, 0), affine()), tmp_path / "a.nii.gz")
    (tmp_path / "b.nii").write_bytes((tmp_path / "a.nii.gz").read_bytes())
    (tmp_path / "c.nii.gz").write_bytes(gzip.decompress((tmp_path / "a.nii.gz").read_bytes()))
    for name in ("a.nii.gz", "b.nii", "c.nii.gz"):
        assert np.array_equal(read(tmp_path / name).values, voxels()[:, None])


def test_the_quaternion_places_a_nifti_without_a_matrix(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(voxels().transpose(2, 1, 0), affine())
    image.set_qform(affine(), 1)
    image.set_sform(None, 0)
    nibabel.save(image, tmp_path / "a.nii")
    check_placed(read(tmp_path / "a.nii"))


def test_a_nifti_without_orientation_keeps_its_spacing_and_says_so(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(voxels().transpose(2, 1, 0), None)
    image.header.set_zooms(SPACING)
    nibabel.save(image, tmp_path / "a.nii")
    found = read(tmp_path / "a.nii")
    assert found.affine is not None
    assert np.linalg.norm(found.affine[:3, :3], axis=0) == pytest.approx(SPACING[::-1])
    assert "not which way its axes lead" in found.remarks[0]


@pytest.mark.parametrize(("unit", "factor"), [("meter", 1e3), ("mm", 1), ("micron", 1e-3)])
def test_units_of_length_become_millimetres(tmp_path: Path, unit: str, factor: float) -> None:
    image = nibabel.Nifti1Image(voxels().transpose(2, 1, 0), affine())
    image.header.set_xyzt_units(unit)
    nibabel.save(image, tmp_path / "a.nii")
    found = read(tmp_path / "a.nii").affine
    assert found is not None
    assert np.allclose(found[:3], affine()[:3, [2, 1, 0, 3]] * factor, rtol=1e-5)


def test_slope_and_intercept_are_applied_as_by_nibabel(tmp_path: Path) -> None:
    values = np.linspace(-1000.7, 2000.3, 60).reshape(3, 4, 5)
    image = nibabel.Nifti1Image(values.transpose(2, 1, 0), affine())
    image.set_data_dtype(np.int16)
    nibabel.save(image, tmp_path / "a.nii")
    found = read(tmp_path / "a.nii").values
    again = np.asarray(nibabel.load(tmp_path / "a.nii").dataobj)
    assert np.array_equal(found[:, 0], again.transpose(2, 1, 0).astype(np.float32))
    assert np.abs(found[:, 0] - values).max() < 0.1


def test_extensions_before_the_voxels_are_passed_over(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(voxels().transpose(2, 1, 0), affine())
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(6, b"a comment" * 5000))
    nibabel.save(image, tmp_path / "a.nii.gz")
    assert np.array_equal(read(tmp_path / "a.nii.gz").values, voxels()[:, None])


@pytest.mark.parametrize("axes", [(1,), (1, 1), (1, 1, 1), (1, 2), (2, 1, 1), (8,)])
def test_axes_of_one_do_not_count(tmp_path: Path, axes: tuple[int, ...]) -> None:
    values = voxels("i2", *reversed(axes), 3, 4, 5)
    nibabel.save(nibabel.Nifti1Image(values.T, affine()), tmp_path / "a.nii")
    channels = values.reshape(-1, 3, 4, 5)
    assert np.array_equal(read(tmp_path / "a.nii").values, np.moveaxis(channels, 0, 1))


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((5, 4), "three axes"),
        ((5, 4, 3, 2, 2), "three axes and channels"),
        ((5, 4, 3, 9), "9 volumes or components in one file, expected at most 8 channels"),
        ((5, 4, 0), "is empty"),
        ((0, 4, 3), "is empty"),
    ],
)
def test_other_axes_are_refused(tmp_path: Path, shape: tuple[int, ...], reason: str) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros(shape, np.int16), affine()), tmp_path / "a.nii")
    assert reason in refused(tmp_path / "a.nii")


@pytest.mark.parametrize(
    "dtype", [np.complex64, np.complex128, [("R", "u1"), ("G", "u1"), ("B", "u1")]]
)
def test_voxels_that_are_no_real_numbers_are_refused(tmp_path: Path, dtype: Any) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((5, 4, 3), dtype), affine()), tmp_path / "a.nii")
    assert "voxels of type" in refused(tmp_path / "a.nii")


def test_a_nifti_that_claims_more_than_there_is(tmp_path: Path) -> None:
    for name in ("a.nii", "a.nii.gz"):
        nibabel.save(nibabel.Nifti2Image(voxels().transpose(2, 1, 0), affine()), tmp_path / name)
        content = (tmp_path / name).read_bytes()
        whole = bytearray(content if name == "a.nii" else gzip.decompress(content))
        for size, reason in ((1000, "above"), (600, "at most"), (2**62, "above"), (-5, "empty")):
            whole[24:48] = np.array([size] * 3, "<i8").tobytes()
            (tmp_path / name).write_bytes(whole if name == "a.nii" else gzip.compress(whole))
            assert reason in refused(tmp_path / name)


def test_a_gzip_bomb_behind_the_voxels_is_stopped(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(voxels().transpose(2, 1, 0), affine()), tmp_path / "a.nii")
    bomb = gzip.compress((tmp_path / "a.nii").read_bytes() + bytes(2**27), 1)
    (tmp_path / "a.nii.gz").write_bytes(bomb)
    assert "goes on for more than" in refused(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("matrix", [np.zeros((4, 4)), np.ones((4, 4)), np.full((4, 4), np.nan)])
def test_a_matrix_that_places_nothing_is_none(tmp_path: Path, matrix: np.ndarray) -> None:
    image = nibabel.Nifti1Image(voxels().transpose(2, 1, 0), np.eye(4))
    image.header["srow_x"], image.header["srow_y"], image.header["srow_z"] = matrix[:3]
    image.header["sform_code"] = 1
    with (tmp_path / "a.nii").open("wb") as stream:
        image.header.write_to(stream)
        stream.write(bytes(4) + voxels().tobytes())
    assert read(tmp_path / "a.nii").affine is None


def test_a_length_that_is_nowhere_in_the_header(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(voxels().transpose(2, 1, 0), affine()), tmp_path / "a.nii")
    content = bytearray((tmp_path / "a.nii").read_bytes())
    content[40:48] = np.array([3, -1, 1, 1], "<i2").tobytes()
    (tmp_path / "a.nii").write_bytes(content)
    assert "not a readable NIfTI file" in refused(tmp_path / "a.nii")
