from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from medsynth.data.readers import dicom
from medsynth.data.readers.interface import ReaderOptions
from medsynth.errors import (
    InvalidArgumentError,
)
from tests.data.dicom_files import series, write_series
from tests.data.readers.dicom.identity import VALUES, identified, untold
from tests.data.readers.reading import survey


def test_the_issuer_of_an_id_makes_no_other_patient(tmp_path: Path) -> None:
    images = identified("1")
    del images[1].IssuerOfPatientID
    write_series(tmp_path, images)
    (scan,) = survey(dicom, tmp_path).scans
    assert len(scan.files) == 3


def test_a_series_of_two_patients_is_not_used(tmp_path: Path) -> None:
    images = identified("1")
    images[1].PatientID = "another"
    write_series(tmp_path, images)
    found = survey(dicom, tmp_path)
    assert found.scans == []
    assert [problem.reason for problem in found.problems] == [
        "the files of its series name different patients: whose is it?"
    ]


def test_an_id_of_many_people_is_said_and_a_pattern_tells_them_apart(tmp_path: Path) -> None:
    for number in range(3):
        images = identified(str(number), PatientID="ANON", PatientName=f"No^{number}")
        write_series(tmp_path / f"case{number} Zwirnhuber", images)
    found = survey(dicom, tmp_path)
    assert len({scan.patient for scan in found.scans}) == 1
    assert "several names or birth dates: 1" in found.remarks[0]
    apart = survey(dicom, tmp_path, ReaderOptions(patient_pattern=r"case(\d)"))
    assert len({scan.patient for scan in apart.scans}) == 3
    assert apart.remarks == ()
    untold(repr([(scan.patient, scan.name, scan.shown) for scan in apart.scans]))


def test_a_pattern_that_finds_nobody(tmp_path: Path) -> None:
    write_series(tmp_path / "case1", identified("1"))
    write_series(tmp_path / "Zwirnhuber", identified("2"))
    found = survey(dicom, tmp_path, ReaderOptions(patient_pattern=r"case(\d)"))
    assert len(found.scans) == 1
    assert {problem.reason for problem in found.problems} == {
        "patient_pattern finds no patient in this path"
    }
    untold(repr([problem.file for problem in found.problems]))
    with pytest.raises(InvalidArgumentError, match="patient_pattern") as caught:
        survey(dicom, tmp_path, ReaderOptions(patient_pattern="nobody"))
    untold("".join(traceback.format_exception(caught.value)))


def test_headers_of_halves_of_characters_end_nothing(tmp_path: Path) -> None:
    images = series(VALUES, PatientID="HALF", SpecificCharacterSet="ISO_IR 100")
    paths = write_series(tmp_path, images)
    for path in paths:
        content = path.read_bytes().replace(b"ISO_IR 100", b"unicode_escape"[:10])
        path.write_bytes(content.replace(b"HALF", b"\\ud8"))
    survey(dicom, tmp_path)
