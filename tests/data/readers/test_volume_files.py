from __future__ import annotations

import gzip
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medsynth.data.readers.volume_files import VolumeFile, check_place, ending, stem, voxels_of
from medsynth.errors import DataError
from tests.data.readers.volume_reading import (
    ITK_NAMES,
    TYPES,
    affine,
    changed,
    check_placed,
    itk_image,
    read,
    refused,
    voxels,
)


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


@pytest.mark.parametrize("name", ITK_NAMES)
def test_a_plane_is_no_volume(tmp_path: Path, name: str) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(voxels("i2", 4, 5)), tmp_path / name)
    assert "three axes" in refused(tmp_path / name)
    colours = sitk.GetImageFromArray(voxels("u1", 4, 5, 3), isVector=True)
    sitk.WriteImage(colours, tmp_path / name)
    assert "three axes" in refused(tmp_path / name)


@pytest.mark.parametrize("name", ITK_NAMES)
@pytest.mark.parametrize("claimed", [b"1000 1000 1000", b"5 4 300", b"99999999999999999999 4 3"])
def test_a_header_that_claims_more_than_there_is(tmp_path: Path, name: str, claimed: bytes) -> None:
    for packed in (False, True):
        sitk.WriteImage(itk_image(voxels()), tmp_path / name, packed)
        message = refused(changed(tmp_path / name, b" 5 4 3\n", b" " + claimed + b"\n"))
        assert "above 268435456 voxels" in message or "at most" in message or "cut off" in message


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
    assert voxels_of("S.MHD", {"S.RAW", "s.raw"}) == ("S.RAW",)
    assert voxels_of("d/a.mha", known) == voxels_of("d/a.nii", known) == ()


def test_endings() -> None:
    assert [ending(name) for name in ("a.NII.GZ", "a.nii", "a.Mhd", "a.raw", "a.gz", "nii")] == [
        ".nii.gz", ".nii", ".mhd", "", "", "",
    ]  # fmt: skip
    assert stem("a/b.c.nii.gz") == "b.c"
    assert stem("a/b.MHA") == "b"


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
