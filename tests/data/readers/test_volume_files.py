from __future__ import annotations

import bz2
import gzip
import os
import warnings
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medsynth.data.readers.volume_files import (
    VolumeFile,
    check_place,
    ending,
    read_volume_file,
    stem,
    voxels_of,
)
from medsynth.errors import DataError

TURN = np.linalg.qr(np.array([[5.0, 1, 0.3], [-1, 4, 0.6], [0.2, 0.5, -3]]))[0]
SPACING, ORIGIN = (0.7, 0.8, 2.5), (-120.5, 33.25, 801)
RAS = np.diag([-1.0, -1.0, 1.0])
TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")
ITK_NAMES = ("a.mha", "a.mhd", "a.nrrd", "a.nhdr")


def voxels(dtype: str = "i2", *shape: int) -> np.ndarray:
    shape = shape or (3, 4, 5)
    values = np.arange(np.prod(shape)) * 3 - (0 if dtype[0] == "u" else 60)
    return values.reshape(shape).astype(dtype)


def itk_image(values: np.ndarray, vectors: bool = False) -> sitk.Image:
    image = sitk.GetImageFromArray(values, isVector=vectors)
    image.SetSpacing(SPACING)
    image.SetOrigin(ORIGIN)
    image.SetDirection(TURN.ravel().tolist())
    return image


def affine() -> np.ndarray:
    """Of `itk_image`, from (column, row, slice) to the axes of NIfTI."""
    out = np.eye(4)
    out[:3, :3] = RAS @ TURN * SPACING
    out[:3, 3] = RAS @ ORIGIN
    return out


def read(file: Path) -> VolumeFile:
    known = {str(path) for path in file.parent.iterdir()}
    return read_volume_file(file, [Path(path) for path in voxels_of(str(file), known)])


def refused(file: Path) -> str:
    with pytest.raises(DataError) as caught:
        read(file)
    assert caught.value.message.startswith(f"{file}: ")
    return caught.value.message


def check_placed(found: VolumeFile) -> None:
    assert found.affine is not None
    assert np.allclose(found.affine[:3], affine()[:3, [2, 1, 0, 3]], atol=1e-4)
    assert found.remarks == ()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ITK_NAMES)
def test_what_itk_wrote(tmp_path: Path, name: str, packed: bool) -> None:
    for dtype in TYPES:
        values = voxels(dtype)
        sitk.WriteImage(itk_image(values), tmp_path / name, packed)
        found = read(tmp_path / name)
        assert found.values.dtype == np.dtype(dtype)
        assert np.array_equal(found.values, values[:, None])
        check_placed(found)


@pytest.mark.parametrize("name", [*ITK_NAMES, "a.nii", "a.nii.gz"])
def test_components_are_channels(tmp_path: Path, name: str) -> None:
    values = voxels("f4", 3, 4, 5, 2)
    sitk.WriteImage(itk_image(values, vectors=True), tmp_path / name)
    found = read(tmp_path / name)
    assert np.array_equal(found.values, np.moveaxis(values, -1, 1))
    check_placed(found)


@pytest.mark.parametrize("name", [*ITK_NAMES, "a.nii", "a.nii.gz"])
def test_a_fourth_axis_is_channels(tmp_path: Path, name: str) -> None:
    values = voxels("i2", 2, 3, 4, 5)
    sitk.WriteImage(sitk.GetImageFromArray(values, isVector=False), tmp_path / name)
    found = read(tmp_path / name)
    assert np.array_equal(found.values, np.moveaxis(values, 0, 1))
    assert found.affine is not None


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


@pytest.mark.parametrize("name", ITK_NAMES)
def test_a_plane_is_no_volume(tmp_path: Path, name: str) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(voxels("i2", 4, 5)), tmp_path / name)
    assert "three axes" in refused(tmp_path / name)
    colours = sitk.GetImageFromArray(voxels("u1", 4, 5, 3), isVector=True)
    sitk.WriteImage(colours, tmp_path / name)
    assert "three axes" in refused(tmp_path / name)


@pytest.mark.parametrize(
    "dtype", [np.complex64, np.complex128, [("R", "u1"), ("G", "u1"), ("B", "u1")]]
)
def test_voxels_that_are_no_real_numbers_are_refused(tmp_path: Path, dtype: Any) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((5, 4, 3), dtype), affine()), tmp_path / "a.nii")
    assert "voxels of type" in refused(tmp_path / "a.nii")


def changed(file: Path, old: bytes, new: bytes) -> Path:
    content = file.read_bytes()
    assert content.count(old) == 1
    file.write_bytes(content.replace(old, new))
    return file


@pytest.mark.parametrize("name", ITK_NAMES)
@pytest.mark.parametrize("claimed", [b"1000 1000 1000", b"5 4 300", b"99999999999999999999 4 3"])
def test_a_header_that_claims_more_than_there_is(tmp_path: Path, name: str, claimed: bytes) -> None:
    for packed in (False, True):
        sitk.WriteImage(itk_image(voxels()), tmp_path / name, packed)
        message = refused(changed(tmp_path / name, b" 5 4 3\n", b" " + claimed + b"\n"))
        assert "above 268435456 voxels" in message or "at most" in message or "cut off" in message


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


@pytest.mark.parametrize("name", [*ITK_NAMES, "a.nii", "a.nii.gz"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_is_cut_off(tmp_path: Path, name: str, packed: bool) -> None:
    noise = np.random.Generator(np.random.Philox(1)).integers(0, 99, (9, 9, 9))
    sitk.WriteImage(itk_image(noise.astype(np.int16)), tmp_path / name, packed)
    whole = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for path, content in whole.items():
        for share in (0, 0.1, 0.5, 0.99):
            path.write_bytes(content[: int(len(content) * share)])
            if not (path.suffix in (".mhd", ".nhdr") and share == 0.99):
                refused(tmp_path / name)
        if packed and path.suffix not in (".mhd", ".nhdr", ".nii"):
            path.write_bytes(content[:-2])
            refused(tmp_path / name)
        path.write_bytes(content)
    read(tmp_path / name)


@pytest.mark.parametrize("name", ["a.mha", "a.nrrd", "a.nii.gz"])
def test_a_flipped_bit_in_what_is_packed(tmp_path: Path, name: str) -> None:
    noise = np.random.Generator(np.random.Philox(1)).integers(0, 99, (9, 9, 9))
    sitk.WriteImage(itk_image(noise.astype(np.int16)), tmp_path / name, True)
    content = bytearray((tmp_path / name).read_bytes())
    content[-300] ^= 16
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name)


@pytest.mark.parametrize("name", ["a.mhd", "a.nhdr"])
@pytest.mark.parametrize(
    "other", ["/etc/passwd", "../a.raw", "b.raw", "LIST", "a%03d.raw 1 3 1", "deep/a.raw", ""]
)
def test_voxels_are_read_from_no_other_file(tmp_path: Path, name: str, other: str) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    sitk.WriteImage(itk_image(voxels()), folder / name)
    for place in (tmp_path / "a.raw", folder / "b.raw"):
        place.write_bytes((folder / "a.raw").read_bytes())
    changed(folder / name, b" a.raw\n", f" {other}\n".encode())
    assert "expected a file of the same name" in refused(folder / name)


@pytest.mark.parametrize("name", ["a.mhd", "a.nhdr"])
def test_a_header_whose_voxels_are_missing(tmp_path: Path, name: str) -> None:
    sitk.WriteImage(itk_image(voxels()), tmp_path / name)
    (tmp_path / "a.raw").unlink()
    assert "'a.raw'" in refused(tmp_path / name)


def test_files_beside_a_header_are_those_of_its_name() -> None:
    known = {"d/a.raw", "d/a.zraw", "d/a.raw.gz", "d/b.raw", "a.raw", "d/a.mha.raw", "d/a.nii"}
    assert voxels_of("d/a.mhd", known) == ("d/a.raw", "d/a.zraw", "d/a.raw.gz")
    assert voxels_of("a.nhdr", known) == ("a.raw",)
    assert voxels_of("d/a.mha", known) == voxels_of("d/a.nii", known) == ()


def test_endings() -> None:
    assert [ending(name) for name in ("a.NII.GZ", "a.nii", "a.Mhd", "a.raw", "a.gz", "nii")] == [
        ".nii.gz", ".nii", ".mhd", "", "", "",
    ]  # fmt: skip
    assert stem("a/b.c.nii.gz") == "b.c"
    assert stem("a/b.MHA") == "b"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"NDims = 3", b"NDims = 1000000000"),
        (b"NDims = 3", b"NDims = 0"),
        (b"NDims = 3", b"NDims = -3"),
        (b"DimSize = 5 4 3", b"DimSize = 5 4"),
        (b"DimSize = 5 4 3", b"DimSize = 5 4 0"),
        (b"DimSize = 5 4 3", b"DimSize = 5 4 -3"),
        (b"DimSize = 5 4 3", b"DimSize = 5 4 3\nDimSize = 5 4 2"),
        (b"MET_SHORT", b"MET_STRING"),
        (b"MET_SHORT", b"MET_SHORT\nElementNumberOfChannels = 0"),
        (b"MET_SHORT", b"MET_SHORT\nElementNumberOfChannels = 1000000000"),
        (b"MET_SHORT", b"MET_SHORT\nHeaderSize = -2"),
        (b"MET_SHORT", b"MET_SHORT\nHeaderSize = 99999999999"),
        (b"BinaryData = True", b"BinaryData = False"),
        (b"CompressedData = False", b"CompressedData = True"),
        (b"CompressedData = False", b"CompressedData = False\nnonsense"),
        (b"ElementDataFile", b"ElementFile"),
        (b"Offset = -120.5", b"Offset = x"),
    ],
)
def test_headers_of_metaimages_that_make_no_sense(tmp_path: Path, old: bytes, new: bytes) -> None:
    sitk.WriteImage(itk_image(voxels()), tmp_path / "a.mha")
    refused(changed(tmp_path / "a.mha", old, new))


def test_fields_of_metaimages_that_itk_does_not_write(tmp_path: Path) -> None:
    sitk.WriteImage(itk_image(voxels()), tmp_path / "a.mhd")
    (tmp_path / "a.raw").write_bytes(b"skip" + voxels(">i2").tobytes())
    changed(tmp_path / "a.mhd", b"DataByteOrderMSB = False", b"DataByteOrderMSB = True")
    for before in (b"4", b"-1"):
        changed(tmp_path / "a.mhd", b"MET_SHORT", b"MET_SHORT\nHeaderSize = " + before)
        found = read(tmp_path / "a.mhd")
        assert np.array_equal(found.values, voxels()[:, None])
        check_placed(found)
        changed(tmp_path / "a.mhd", b"\nHeaderSize = " + before, b"")
    changed(tmp_path / "a.mhd", b"ElementSpacing", b"Element")
    (tmp_path / "a.raw").write_bytes(voxels(">i2").tobytes())
    assert read(tmp_path / "a.mhd").affine is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"NRRD0004", b"NRRD0000"),
        (b"type: short", b"type: block"),
        (b"type: short", b"typ: short"),
        (b"dimension: 3", b"dimension: 1000000000"),
        (b"dimension: 3", b"dimension: 0"),
        (b"sizes: 5 4 3", b"sizes: 5 4"),
        (b"sizes: 5 4 3", b"sizes: 5 4 3\nsizes: 5 4 2"),
        (b"kinds: domain domain domain", b"nonsense"),
        (b"endian: little\n", b""),
        (b"endian: little", b"endian: middle"),
        (b"encoding: raw", b"encoding: hex"),
        (b"encoding: raw", b"encoding: gzip"),
        (b"encoding: raw", b"encoding: bz2"),
        (b"encoding: raw", b"encoding: raw\nbyte skip: 99999999999"),
        (b"encoding: raw", b"encoding: raw\nline skip: 99999999999"),
        (b"space directions: (", b"space directions: none ("),
        (b"space origin: (-120.5", b"space origin: (x"),
    ],
)
def test_headers_of_nrrds_that_make_no_sense(tmp_path: Path, old: bytes, new: bytes) -> None:
    sitk.WriteImage(itk_image(voxels()), tmp_path / "a.nrrd")
    refused(changed(tmp_path / "a.nrrd", old, new))


@pytest.mark.parametrize(
    ("space", "senses"),
    [
        (b"left-posterior-superior", (1, 1, 1)),
        (b"LPS", (1, 1, 1)),
        (b"right-anterior-superior", (-1, -1, 1)),
        (b"left-anterior-superior", (1, -1, 1)),
    ],
)
def test_spaces_of_nrrds(tmp_path: Path, space: bytes, senses: tuple[int, ...]) -> None:
    sitk.WriteImage(itk_image(voxels()), tmp_path / "a.nrrd")
    changed(tmp_path / "a.nrrd", b"left-posterior-superior", space)
    found = read(tmp_path / "a.nrrd").affine
    assert found is not None
    expected = np.diag([*senses, 1]) @ affine()[:, [2, 1, 0, 3]]
    assert np.allclose(found[:3], expected[:3])


def test_nrrds_that_do_not_say_where_they_lie(tmp_path: Path) -> None:
    sitk.WriteImage(itk_image(voxels()), tmp_path / "a.nrrd")
    changed(tmp_path / "a.nrrd", b"space: left-posterior-superior", b"space: 3D-right-handed")
    found = read(tmp_path / "a.nrrd")
    assert found.affine is not None
    assert "not which way" in found.remarks[0]
    changed(tmp_path / "a.nrrd", b"space directions:", b"spacings: 1 2 3\n#")
    found = read(tmp_path / "a.nrrd")
    assert found.affine is not None
    assert np.linalg.norm(found.affine[:3, :3], axis=0).tolist() == [3, 2, 1]
    changed(tmp_path / "a.nrrd", b"spacings: 1 2 3\n", b"")
    assert read(tmp_path / "a.nrrd").affine is None


def test_units_and_other_encodings_of_nrrds(tmp_path: Path) -> None:
    sitk.WriteImage(itk_image(voxels()), tmp_path / "a.nrrd")
    changed(tmp_path / "a.nrrd", b"encoding: raw", b'encoding: raw\nspace units: "cm" "cm" "cm"')
    found = read(tmp_path / "a.nrrd").affine
    assert found is not None
    assert np.allclose(found[:3], affine()[:3, [2, 1, 0, 3]] * 10)
    changed(tmp_path / "a.nrrd", b'"cm" "cm" "cm"', b'"cm" "mm" "mm"')
    assert read(tmp_path / "a.nrrd").affine is None
    header, _, data = (tmp_path / "a.nrrd").read_bytes().partition(b"\n\n")
    header = header.replace(b"encoding: raw", b"encoding: bzip2\nline skip: 1\nkey:=value")
    (tmp_path / "a.nrrd").write_bytes(header + b"\n\npassed over\n" + bz2.compress(data))
    assert np.array_equal(read(tmp_path / "a.nrrd").values, voxels()[:, None])


@pytest.mark.parametrize("matrix", [np.zeros((4, 4)), np.ones((4, 4)), np.full((4, 4), np.nan)])
def test_a_matrix_that_places_nothing_is_none(tmp_path: Path, matrix: np.ndarray) -> None:
    image = nibabel.Nifti1Image(voxels().transpose(2, 1, 0), np.eye(4))
    image.header["srow_x"], image.header["srow_y"], image.header["srow_z"] = matrix[:3]
    image.header["sform_code"] = 1
    with (tmp_path / "a.nii").open("wb") as stream:
        image.header.write_to(stream)
        stream.write(bytes(4) + voxels().tobytes())
    assert read(tmp_path / "a.nii").affine is None


def test_a_file_of_another_kind_or_none(tmp_path: Path) -> None:
    for name in (*ITK_NAMES, "a.nii", "a.nii.gz"):
        assert "the file is missing" in refused(tmp_path / name)
        for content in (b"", b"<html>404</html>" * 100, gzip.compress(b"hello" * 1000)):
            (tmp_path / name).write_bytes(content)
            assert "not a readable" in refused(tmp_path / name)
        (tmp_path / name).unlink()
        (tmp_path / name).mkdir()
        refused(tmp_path / name)
    (tmp_path / "a.png").write_bytes(b"x")
    assert "expected a file that ends on" in refused(tmp_path / "a.png")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.nii").write_bytes(b"x")
    (tmp_path / "a.nii").chmod(0)
    assert "Permission denied" in refused(tmp_path / "a.nii")


def at(matrix: np.ndarray | None) -> VolumeFile:
    return VolumeFile(np.zeros((10, 1, 100, 80)), matrix)


def test_a_mask_lies_where_its_image_does() -> None:
    place = affine()[:, [2, 1, 0, 3]]
    check_place(at(None), at(None), Path("m"))
    check_place(at(place), at(place.astype(np.float32).astype(np.float64)), Path("m"))
    moved, longer = place.copy(), place.copy()
    moved[:3, 3] += 0.1
    longer[:3, 0] *= 1.01
    for other in (moved, longer, place * [-1, 1, 1, 1]):
        with pytest.raises(DataError, match="m: lies elsewhere than its image"):
            check_place(at(other), at(place), Path("m"))
    check_place(at(longer), at(place), Path("m"), tolerance=0.1)
    for one, other in ((None, place), (place, None)):
        with pytest.raises(DataError, match=r"m: only .* says where it lies"):
            check_place(at(one), at(other), Path("m"))


CHANGES = st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), min_size=1, max_size=5)
TEXT = st.sampled_from(
    [b"9", b"-", b" ", b"\n", b"1000000000 ", b"nan", b"1e308", b"%", b":", b"="]
)


@settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from([*ITK_NAMES, "a.nii", "a.nii.gz"]),
    packed=st.booleans(),
    changes=CHANGES,
    texts=st.lists(st.tuples(st.integers(0, 600), TEXT), max_size=3),
)
def test_whatever_bytes_it_holds_it_is_read_or_refused(
    tmp_path: Path,
    name: str,
    packed: bool,
    changes: list[tuple[int, int]],
    texts: list[tuple[int, bytes]],
) -> None:
    sitk.WriteImage(itk_image(voxels()), tmp_path / name, packed)
    content = (tmp_path / name).read_bytes()
    whole = bytearray(gzip.decompress(content) if name == "a.nii.gz" else content)
    for place, value in changes:
        whole[place % len(whole)] = value
    for place, text in texts:
        whole[place:place] = text
    (tmp_path / name).write_bytes(gzip.compress(whole) if name == "a.nii.gz" else whole)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = read(tmp_path / name)
        except DataError as error:
            message = error.message
        else:
            message = f"{tmp_path / name}: "
            assert found.values.ndim == 4
            assert found.values.dtype.kind in "iuf"
    assert message.startswith(f"{tmp_path / name}: ")
