from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medsynth.data.files import open_files
from medsynth.data.readers import dicom
from tests.data.dicom_files import series, write_series
from tests.data.readers.reading import survey


@pytest.mark.parametrize(
    ("names", "recognised"),
    [
        (["a/x.dcm"], True),
        (["a/X.IMA", "readme.md"], True),
        (["x.dcm", "a.nii.gz", "b.nii.gz"], False),
        (["DICOMDIR", "A/IM1", "A/B.TXT", "C.TXT"], True),
        (["A/IM000001", "A/IM000002", "A/notes.txt"], True),
        (["IMG0001", "I1000000", "IM-0001-0001"], True),
        (["1.2.840.113619.2.5.1", "MR.1.2.840.113619.2.5.2"], True),
        (["17106", "CT2/17136"], True),
        (["README", "LICENSE", "Makefile"], False),
        (["case_1.png", "case_2.png", "IM000001"], False),
        (["liver-orig001.mhd", "liver-orig001.raw"], False),
        ([], False),
    ],
)
def test_recognition_by_names_alone(tmp_path: Path, names: list[str], recognised: bool) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"never opened")
    assert dicom.recognises(open_files(str(tmp_path))) == recognised


def test_relevant_files(tmp_path: Path) -> None:
    names = ["1.2.3.4.5", "E1.MR", "IM1", "PAT.CT.0001", "a.dcm", "i123.CTDC.1"]
    for name in [*names, "DICOMDIR", "x.png", "notes.txt", "set.zip", "a.img"]:
        (tmp_path / name).write_bytes(b"")
    assert dicom.relevant(open_files(str(tmp_path))) == names


def test_files_of_a_scanner_are_found_by_their_content(tmp_path: Path) -> None:
    images = series(np.zeros((2, 4, 4), np.int16))
    write_series(tmp_path, images, ["i1.MRDC.1", "i1.MRDC.2"])
    (tmp_path / "notes.3").write_text("a page of a manual")
    found = survey(dicom, tmp_path)
    assert [len(scan.files) for scan in found.scans] == [2]
    assert found.problems == []
