from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medsynth.data.readers import dicom
from medsynth.data.readers.dicom.stacks import MOST_STACKS, TangledError, stacks
from tests.data.dicom_files import series, write_series
from tests.data.readers.dicom.stacked import VALUES, plane, volumes
from tests.data.readers.reading import read_all, survey

CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)


def test_copies_of_an_instance_are_left_out(tmp_path: Path) -> None:
    images = series(VALUES)
    write_series(tmp_path / "a", images)
    write_series(tmp_path / "b", images[:2])
    (volume,) = read_all(dicom, tmp_path)
    assert (volume.images[:, 0] == VALUES).all()
    assert volume.remarks == ("copies of its images that were left out: 2",)


def test_orientations_are_taken_apart(tmp_path: Path) -> None:
    axial, coronal = series(VALUES), series(VALUES + 500, orientation=CORONAL)
    one, two = volumes(tmp_path, [*axial, *coronal])
    assert (one.images[:, 0] == VALUES).all()
    assert (two.images[:, 0] == VALUES + 500).all()
    assert (one.name[-2:], two.name[-2:]) == ("-1", "-2")
    assert "images of 2 kinds" in one.remarks[0]


def test_echoes_are_taken_apart(tmp_path: Path) -> None:
    images = [
        each
        for echo in (4.6, 2.3, 12.0)
        for each in series(VALUES + round(100 * echo), EchoTime=str(echo), Modality="MR")
    ]
    found = volumes(tmp_path, images)
    assert [volume.images[0, 0, 0, 0] for volume in found] == [230, 460, 1200]
    assert all(
        "3 volumes at the same place, told apart by echo time" in v.remarks[0] for v in found
    )


def test_two_marks_together_take_a_series_apart(tmp_path: Path) -> None:
    images = [
        each
        for echo in ("1", "2")
        for kind in ("M", "P")
        for each in series(VALUES, EchoTime=echo, ImageType=["ORIGINAL", "PRIMARY", kind])
    ]
    found = volumes(tmp_path, images)
    assert len(found) == 4
    assert "echo time and kind of image" in found[0].remarks[0]


def test_phases_are_taken_apart_by_number(tmp_path: Path) -> None:
    images = [each for phase in range(3) for each in series(VALUES + phase, TriggerTime=str(phase))]
    for number, each in enumerate(sorted(images, key=lambda one: one.ImagePositionPatient[2])):
        each.InstanceNumber = number
        each.TriggerTime = f"{number * 1.1:.3f}"
    found = volumes(tmp_path, images)
    assert [volume.images[0, 0, 0, 0] for volume in found] == [0, 1, 2]
    assert "told apart by their numbers" in found[0].remarks[0]


def test_what_nothing_tells_apart_is_a_problem(tmp_path: Path) -> None:
    write_series(tmp_path, [*series(VALUES), *series(VALUES)[:2]])
    found = survey(dicom, tmp_path)
    assert found.scans == []
    (problem,) = found.problems
    assert "several images lie at each of 2 positions" in problem.reason


def test_an_image_without_a_place_is_a_volume_of_its_own(tmp_path: Path) -> None:
    images = series(VALUES)
    del images[1].ImagePositionPatient
    one, two = volumes(tmp_path, images)
    assert (one.images[:, 0] == VALUES[[0, 2, 3, 4, 5]]).all()
    assert (two.images[:, 0] == VALUES[1:2]).all()
    assert (one.oriented, two.oriented) == (True, False)


def test_volumes_a_little_beside_each_other_are_taken_apart(tmp_path: Path) -> None:
    """As a scanner moves its slices along with the patient between time points."""
    images = [
        each
        for phase in range(3)
        for each in series(
            VALUES + 500 * phase,
            origin=(0, 0, 0.05 * phase**2),
            TemporalPositionIdentifier=str(phase + 9),
        )
    ]
    found = volumes(tmp_path, images)
    assert [volume.images[0, 0, 0, 0] for volume in found] == [0, 500, 1000]
    assert all(len(volume.images) == 6 for volume in found)
    assert "3 volumes beside each other, told apart by time" in found[0].remarks[0]


def test_stretches_of_a_body_stay_one_volume(tmp_path: Path) -> None:
    images = [
        each
        for part in range(2)
        for each in series(VALUES, origin=(0, 0, 17.0 * part), AcquisitionNumber=str(part))
    ]
    (volume,) = volumes(tmp_path, images)
    assert len(volume.images) == 12
    assert "the distance of its slices varies" in volume.remarks[0]


def test_marks_are_sorted_as_numbers(tmp_path: Path) -> None:
    images = [
        each
        for echo in ("12", "2.35")
        for each in series(VALUES + round(100 * float(echo)), EchoTime=echo, Modality="MR")
    ]
    found = volumes(tmp_path, images)
    assert [volume.images[0, 0, 0, 0] for volume in found] == [235, 1200]


def test_too_many_orientations() -> None:
    angles = np.linspace(0, np.pi, MOST_STACKS + 100)
    planes = [
        plane(0, number, orientation=(np.cos(a), np.sin(a), 0.0, -np.sin(a), np.cos(a), 0.0))
        for number, a in enumerate(angles)
    ]
    with pytest.raises(TangledError, match="more than 1000 orientations"):
        stacks(planes)
