from __future__ import annotations

import bz2
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from tests.data.readers.volume_reading import (
    affine,
    changed,
    itk_image,
    read,
    refused,
    voxels,
)


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


@pytest.mark.parametrize(
    ("units", "millimetres"),
    [
        ('"cm" "cm" "cm"', 10),
        ('"mm" "mm" "mm"', 1),
        ('"µm" "µm" "µm"', 1e-3),
        ('"cm" "cm" "mm"', None),
        ('"inch" "inch" "inch"', None),
        ('"cm"', None),
        ("cm cm cm", None),
    ],
)
def test_spacings_are_in_the_units_of_their_axes(
    tmp_path: Path, units: str, millimetres: float | None
) -> None:
    sitk.WriteImage(itk_image(voxels()), tmp_path / "a.nrrd")
    spacings = f'units: {units}\nspace units: "m" "m" "m"\nspacings: 0.1 0.1 0.5\n#'
    changed(tmp_path / "a.nrrd", b"space directions:", spacings.encode())
    found = read(tmp_path / "a.nrrd")
    if millimetres is None:
        assert (found.affine, found.remarks) == (None, ())
        return
    assert found.affine is not None
    expected = np.array([0.5, 0.1, 0.1]) * millimetres
    assert np.linalg.norm(found.affine[:3, :3], axis=0) == pytest.approx(expected)
    assert "not which way" in found.remarks[0]


@pytest.mark.parametrize("coding", ["utf-8", "latin-1"])
def test_micrometres_in_either_coding(tmp_path: Path, coding: str) -> None:
    sitk.WriteImage(itk_image(voxels()), tmp_path / "a.nrrd")
    units = 'encoding: raw\nspace units: "µm" "µm" "µm"'.encode(coding)
    found = read(changed(tmp_path / "a.nrrd", b"encoding: raw", units)).affine
    assert found is not None
    assert np.allclose(found[:3], affine()[:3, [2, 1, 0, 3]] / 1000)
