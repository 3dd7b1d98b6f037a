from __future__ import annotations

import logging
import traceback
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import JPEG2000Lossless

from medsynth.data import pseudonyms
from medsynth.data.files import open_files
from medsynth.data.readers import dicom
from medsynth.data.readers.interface import ReaderOptions
from medsynth.errors import DataError, MedsynthError, PermissionDeniedError
from tests.data.dicom_files import compress, image, save, segmentation, series, write_series
from tests.data.readers.reading import survey

VALUES = np.arange(3 * 8 * 8, dtype=np.int16).reshape(3, 8, 8)

IDENTITY = {
    "PatientName": "Zwirnhuber^Xaverius^Q",
    "PatientID": "KX-7731904",
    "IssuerOfPatientID": "Sonnblickspital",
    "OtherPatientIDs": "ALT55512",
    "PatientBirthDate": "19310417",
    "PatientAddress": "Holzgasse 77",
    "InstitutionName": "Klinik Oberwaldstein",
    "InstitutionAddress": "Marktplatz 3, Oberwaldstein",
    "ReferringPhysicianName": "Pfefferkorn^Adelheid",
    "OperatorsName": "Blumentritt^R",
    "AccessionNumber": "ACC9900817",
    "StudyDate": "20170523",
    "StudyID": "STU4455",
    "StudyDescription": "Kontrolle nach Holzfuchs",
    "SeriesDescription": "Leber Zwirnhuber",
    "StationName": "WALDSTATION4",
    "DeviceSerialNumber": "SER-00991177",
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.7771",
    "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.7772",
    "FrameOfReferenceUID": "1.2.826.0.1.3680043.8.498.7773",
}
"""Values as they stand in headers; none of them may be found in what the reader gives."""

TELLING = [
    *IDENTITY.values(), "Zwirnhuber", "Xaverius", "Pfefferkorn", "Adelheid", "Blumentritt",
    "Oberwaldstein", "Sonnblick", "7731904", "3680043",
]  # fmt: skip


def everything_said(folder: Path, options: ReaderOptions | None = None) -> list[str]:
    """What surveying and reading a folder gives, errors with their tracebacks."""
    options = options or ReaderOptions()
    files = open_files(str(folder))
    said: list[str] = []
    try:
        found = dicom.survey(files, options)
    except MedsynthError as error:
        return [*traceback.format_exception(error), repr(error), str(error.to_dict())]
    said.append(repr(found))
    for scan in found.scans:
        try:
            with files.local(scan.files) as root:
                said.append(repr(dicom.read(root, scan, options)))
        except MedsynthError as error:
            said += [*traceback.format_exception(error), repr(error), str(error.to_dict())]
    return said


def untold(said: str) -> None:
    found = [value for value in TELLING if value.lower() in said.lower()]
    assert found == []


def identified(code: str, **changes: object) -> list[Dataset]:
    uid = f"{IDENTITY['SeriesInstanceUID']}.{code}"
    return series(VALUES, **{**IDENTITY, "SeriesInstanceUID": uid, **changes})


def damaged(folder: Path) -> None:
    """Series of one patient with every sort of thing that is wrong."""
    found = {
        "tangled": [*identified("1"), *identified("1")[:2]],
        "overlong": identified("2", Manufacturer="Zwirnhuber" * 30),
        "slope": identified("3", RescaleSlope="1.00001"),
        "cut": identified("4"),
        "mute": identified("5", SOPClassUID="1.2.3680043.99"),
        "codec": [compress(each, JPEG2000Lossless) for each in identified("6")],
        "colours": identified("9", PhotometricInterpretation="ZWIRNHUBER"),
        "numbers": identified("7", InstanceNumber="77", EchoTime="12.5"),
    }
    for name, images in found.items():
        write_series(folder / name, images)
    for file in (folder / "slope").iterdir():
        file.write_bytes(file.read_bytes().replace(b"1.00001", b"Pfeffer"))
    for number, file in enumerate(sorted((folder / "cut").iterdir())):
        file.write_bytes(file.read_bytes()[: file.stat().st_size * (number + 1) // 4])
    for file in (folder / "codec").iterdir():
        content = file.read_bytes()
        start = content.index(b"\xff\x4f\xff\x51") + 42
        file.write_bytes(content[:start] + b"Zwirnhuber" * 5 + content[start + 50 :])
    for file in (folder / "numbers").iterdir():
        file.write_bytes(file.read_bytes().replace(b"12.5", b"Zwir").replace(b"77", b"Zw"))


def test_nothing_that_is_given_names_the_patient(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    recwarn: pytest.WarningsRecorder,
) -> None:
    damaged(tmp_path / "damaged")
    images = identified("8")
    write_series(tmp_path / "whole", images)
    save(segmentation(images, {"Tumour, Zwirnhuber": VALUES > 50}), tmp_path / "whole" / "S.dcm")
    capfd.readouterr()
    recwarn.clear()
    caplog.clear()
    caplog.set_level(logging.DEBUG)
    said = [*everything_said(tmp_path / "damaged"), *everything_said(tmp_path / "whole")]
    said += everything_said(tmp_path / "whole", ReaderOptions(class_names=("spleen",)))
    for expected in ("Volume(", "cannot be decoded", "cannot be rescaled", "several images lie"):
        assert any(expected in each for each in said), expected
    streams = capfd.readouterr()
    logged = [record.getMessage() + repr(record.__dict__) for record in caplog.records]
    warned = [str(warning.message) for warning in recwarn]
    untold("\n".join([*said, streams.out, streams.err, *logged, *warned]))
    assert (streams.err, logged, warned) == ("", [], [])


def test_the_search_for_names_finds_them(tmp_path: Path) -> None:
    write_series(tmp_path / "Zwirnhuber", identified("1"))
    with pytest.raises(AssertionError, match="Zwirnhuber"):
        untold(repr(survey(dicom, tmp_path)))


def test_paths_in_problems_and_messages_are_scrubbed(tmp_path: Path) -> None:
    folder = tmp_path / "ZWIRNHUBER_X" / "kx7731904-2017.05.23"
    images = identified("1")
    compressed = [compress(each, JPEG2000Lossless) for each in images]
    write_series(folder / "a", compressed, ["1.dcm", "2.dcm", "3.dcm"])
    for file in (folder / "a").iterdir():
        file.write_bytes(file.read_bytes()[:-40])
    write_series(folder / "b", [*identified("2"), *identified("2")[:1]])
    (folder / "c.dcm").write_bytes(b"not DICOM")
    found = survey(dicom, tmp_path)
    patient = found.scans[0].patient
    assert {problem.file for problem in found.problems} == {
        f"{patient}/{patient}/b/IM000000",
        f"{patient}/{patient}/c.dcm",
    }
    (scan,) = found.scans
    assert scan.files[0] == "ZWIRNHUBER_X/kx7731904-2017.05.23/a/1.dcm"
    with pytest.raises(DataError, match="cut short") as caught:
        dicom.read(tmp_path, scan, ReaderOptions())
    assert caught.value.message.startswith(f"{tmp_path}/{patient}/{patient}/a/1.dcm: ")


def test_a_refused_link_does_not_tell_its_path(tmp_path: Path) -> None:
    outside = save(image(VALUES[0]), tmp_path / "outside" / "x.dcm")
    (tmp_path / "in" / "Zwirnhuber").mkdir(parents=True)
    (tmp_path / "in" / "Zwirnhuber" / "IM0001").symlink_to(outside)
    files = open_files(str(tmp_path / "in"), [str(tmp_path / "in")])
    with pytest.raises(PermissionDeniedError, match=r"file 1 of 1 is a link") as caught:
        dicom.survey(files, ReaderOptions())
    untold("".join(traceback.format_exception(caught.value)))


def test_without_a_key_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pseudonyms, "_key", b"")
    save(image(VALUES[0]), tmp_path / "x.dcm")
    with pytest.raises(DataError, match="a key of pseudonyms is set"):
        survey(dicom, tmp_path)
