from __future__ import annotations

from pathlib import Path

from pydicom.uid import SecondaryCaptureImageStorage

from medsynth.data.readers import dicom
from tests.data.dicom_files import series, write_series
from tests.data.readers.dicom.identity import VALUES
from tests.data.readers.reading import read_all, survey


def test_text_burnt_in(tmp_path: Path) -> None:
    write_series(tmp_path / "a", series(VALUES, BurnedInAnnotation="YES"))
    scan = {"SOPClassUID": SecondaryCaptureImageStorage, "SeriesInstanceUID": "1.2.3"}
    write_series(tmp_path / "b", series(VALUES, **scan))
    clean = {**scan, "BurnedInAnnotation": "NO", "SeriesInstanceUID": "1.2.4"}
    write_series(tmp_path / "c", series(VALUES, **clean))
    saved = {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"], "SeriesInstanceUID": "1.2.5"}
    write_series(tmp_path / "d", series(VALUES, **saved))
    found = survey(dicom, tmp_path)
    assert {problem.reason for problem in found.problems} == {
        "its pixels have text burnt in, which may name the patient"
    }
    said = [any("captured from a screen" in each for each in s.detail.remarks) for s in found.scans]
    assert said == [True, False, True]


def test_faces_are_said(tmp_path: Path) -> None:
    write_series(tmp_path, series(VALUES, RecognizableVisualFeatures="YES"))
    (volume,) = read_all(dicom, tmp_path)
    assert "may be recognised" in volume.remarks[0]
