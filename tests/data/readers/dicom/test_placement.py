from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medsynth.data.readers.dicom.placement import placement
from tests.data import dicom_files
from tests.data.dicom_files import affine_of, decimals, series
from tests.data.readers.dicom.stacked import VALUES, plane, volumes


def test_a_tilted_gantry_is_said_and_in_the_affine(tmp_path: Path) -> None:
    step = (0.0, 2.5 * np.tan(np.radians(20)), 2.5)
    (volume,) = volumes(tmp_path, series(VALUES, step=step))
    assert (volume.images[:, 0] == VALUES).all()
    assert volume.affine is not None
    expected = affine_of((-10, -20, 30), dicom_files.AXIAL, (2.5, 0.75, 0.5), step)
    assert np.allclose(volume.affine, expected, atol=1e-6)
    (remark,) = volume.remarks
    assert "tilted 20.0 degrees" in remark


def test_a_missing_slice_is_said(tmp_path: Path) -> None:
    images = series(VALUES)
    del images[2]
    (volume,) = volumes(tmp_path, images)
    assert len(volume.images) == 5
    (remark,) = volume.remarks
    assert "missing: 1; its widest gap is 5 mm where 2.5 mm is usual" in remark


def test_uneven_gaps_are_said_and_their_mean_is_taken(tmp_path: Path) -> None:
    images = series(VALUES)
    for each, height in zip(images, (0, 2, 4.7, 6, 8, 10), strict=True):
        each.ImagePositionPatient = decimals((0, 0, height))
    (volume,) = volumes(tmp_path, images)
    assert volume.spacing is not None
    assert volume.spacing[0] == pytest.approx(2)
    assert volume.remarks == ("the distance of its slices varies from 1.3 to 2.7 mm",)


def test_a_little_rounding_is_not_uneven(tmp_path: Path) -> None:
    images = series(VALUES)
    for number, each in enumerate(images):
        each.ImagePositionPatient = [f"{-10 + number * 1e-4:.4f}", "0", f"{number * 1.333:.2f}"]
    (volume,) = volumes(tmp_path, images)
    assert volume.remarks == ()


def test_slices_beside_their_line_are_said(tmp_path: Path) -> None:
    images = series(VALUES)
    images[3].ImagePositionPatient = decimals((-6, -20, 37.5))
    (volume,) = volumes(tmp_path, images)
    assert volume.remarks == (
        "its slices lie up to 4 mm beside the line from the first to the last",
    )


def test_a_single_slice_is_as_thick_as_it_says(tmp_path: Path) -> None:
    (volume,) = volumes(tmp_path / "a", series(VALUES[:1]))
    assert volume.spacing == pytest.approx((2.5, 0.75, 0.5))
    images = series(VALUES[:1], SliceThickness=None)
    (volume,) = volumes(tmp_path / "b", images)
    assert volume.spacing == pytest.approx((1, 0.75, 0.5))
    assert "taken to be 1 mm" in volume.remarks[0]


@pytest.mark.parametrize(
    ("elements", "oriented", "known"),
    [
        ({"ImageOrientationPatient": ["1", "0", "0", "1", "0", "0"]}, False, True),
        ({"ImageOrientationPatient": ["0", "0", "0", "0", "0", "0"]}, False, True),
        ({"ImageOrientationPatient": ["1", "0", "0"]}, False, True),
        ({"PixelSpacing": ["0", "1"]}, False, False),
        ({"PixelSpacing": ["-1", "1"]}, False, False),
        ({"PixelSpacing": ["1e300", "1"]}, False, False),
    ],
)
def test_a_geometry_that_cannot_be_is_none(
    tmp_path: Path, elements: dict[str, object], oriented: bool, known: bool
) -> None:
    images = series(VALUES)
    for each in images:
        for keyword, value in elements.items():
            setattr(each, keyword, value)
    (volume,) = volumes(tmp_path, images)
    assert volume.oriented == oriented
    assert (volume.spacing is not None) == known
    if volume.spacing is not None:
        assert volume.spacing[1:] == pytest.approx((0.75, 0.5))


def test_one_plane_without_a_place() -> None:
    assert placement([plane(0, position=None, spacing=None)]).affine is None
