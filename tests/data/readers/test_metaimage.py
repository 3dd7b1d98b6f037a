from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from tests.data.readers.volume_reading import (
    changed,
    check_placed,
    itk_image,
    read,
    refused,
    voxels,
)


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
        (b"MET_SHORT", b"MET_SHORT\nElementToIntensityFunctionSlope = x"),
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


def test_blank_lines_of_a_header_say_nothing(tmp_path: Path) -> None:
    sitk.WriteImage(itk_image(voxels()), tmp_path / "a.mha")
    changed(tmp_path / "a.mha", b"\nNDims", b"\n\n \n\nNDims")
    assert np.array_equal(read(tmp_path / "a.mha").values, voxels()[:, None])


@pytest.mark.parametrize(
    ("slope", "offset", "said"), [(1, 0, False), (2, 0, True), (1, -1024, True)]
)
def test_slope_and_offset_are_not_used_which_is_said(
    tmp_path: Path, slope: float, offset: float, said: bool
) -> None:
    sitk.WriteImage(itk_image(voxels()), tmp_path / "a.mha")
    fields = f"ElementToIntensityFunctionSlope = {slope}\n"
    fields += f"ElementToIntensityFunctionOffset = {offset}\n"
    changed(tmp_path / "a.mha", b"NDims", fields.encode() + b"NDims")
    found = read(tmp_path / "a.mha")
    assert np.array_equal(found.values, voxels()[:, None])
    assert [f"slope {slope} and offset {offset}" in remark for remark in found.remarks] == (
        [True] if said else []
    )


@pytest.mark.parametrize("name", ["SCAN", "größe", "größe µ"])
def test_voxels_of_any_name_are_found(tmp_path: Path, name: str) -> None:
    sitk.WriteImage(itk_image(voxels()), tmp_path / "a.mhd")
    changed(tmp_path / "a.mhd", b"a.raw", f"{name}.RAW".encode())
    (tmp_path / "a.mhd").rename(tmp_path / f"{name}.MHD")
    (tmp_path / "a.raw").rename(tmp_path / f"{name}.RAW")
    assert np.array_equal(read(tmp_path / f"{name}.MHD").values, voxels()[:, None])
