from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom.uid import JPEG2000Lossless

from medsynth.data import pseudonyms
from medsynth.data.files import open_files
from medsynth.data.local_files import LocalFiles
from medsynth.data.readers import dicom
from medsynth.data.readers.interface import ReaderOptions
from medsynth.data.reading import read_scan
from medsynth.errors import (
    DataError,
    MedsynthError,
    PermissionDeniedError,
    UnavailableError,
)
from tests.data.dicom_files import compress, image, save, segmentation, series, write_series
from tests.data.readers.dicom.identity import VALUES, identified, untold
from tests.data.readers.reading import survey


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
        f"{patient}/{patient}/b/file-4-of-8",
        f"{patient}/{patient}/file-8-of-8.dcm",
    }
    (scan,) = found.scans
    assert scan.files[0] == "ZWIRNHUBER_X/kx7731904-2017.05.23/a/1.dcm"
    with pytest.raises(DataError, match="cut short") as caught:
        dicom.read(tmp_path, scan, ReaderOptions())
    assert caught.value.message.startswith(f"{tmp_path}/{patient}/{patient}/a/file-1-of-8.dcm: ")


def test_patients_whom_no_header_names_are_not_named_by_their_folders(tmp_path: Path) -> None:
    for name, content in {"IM0001.dcm": b"", "IM0002.dcm": b"<html>404</html>" * 50}.items():
        (tmp_path / "Zwirnhuber_Xaverius").mkdir(exist_ok=True)
        (tmp_path / "Zwirnhuber_Xaverius" / name).write_bytes(content)
    anonymous = series(VALUES, PatientName="ANON", PatientID="")
    write_series(tmp_path / "Pfefferkorn" / "DICOM", [*anonymous, *anonymous[:1]])
    anonymous[0].SOPInstanceUID = "1.2.3"
    save(anonymous[0], tmp_path / "Pfefferkorn" / "DICOM" / "IM000009")
    found = survey(dicom, tmp_path)
    assert len(found.problems) == 3
    untold(repr([(problem.file, problem.reason) for problem in found.problems]))
    for problem in found.problems:
        assert "/file-" in problem.file


def test_a_file_that_cannot_be_read_is_told_by_its_number(tmp_path: Path) -> None:
    images = identified("1")
    write_series(tmp_path, images, [f"Zwirnhuber_{number:03d}.dcm" for number in range(3)])
    (tmp_path / "Zwirnhuber_001.dcm").write_bytes(b"")
    (problem,) = survey(dicom, tmp_path).problems
    assert problem.file == "file-2-of-3.dcm"


def test_the_name_of_a_segment_is_chosen_when_every_header_is_known(tmp_path: Path) -> None:
    images = identified("1")
    made = segmentation(images, {"Tumour Zwirnhuber": VALUES > 50})
    for keyword in ("PatientName", "PatientID", "PatientBirthDate"):
        setattr(made, keyword, "")
    save(made, tmp_path / "a" / "seg.dcm")
    write_series(tmp_path / "b", images)
    assert survey(dicom, tmp_path).classes == ("background", "Liver")


def test_a_term_is_no_name_even_if_a_patient_is_called_so(tmp_path: Path) -> None:
    images = identified("1", PatientName="Liver^Ed")
    save(segmentation(images, {"Liver": VALUES > 50}), tmp_path / "seg.dcm")
    write_series(tmp_path / "b", images)
    assert survey(dicom, tmp_path).classes == ("background", "Liver")


class Failing(LocalFiles):
    """Files that cannot be fetched, by a store that names them."""

    failure: type[MedsynthError] = UnavailableError

    @contextmanager
    def local(self, paths: Sequence[str]) -> Iterator[Path]:
        try:
            raise OSError(f"https://host/bucket/{paths[0]}")
        except OSError as error:
            raise self.failure(f"{self.name(paths[0])} cannot be reached: {error}") from error
        yield Path()


@pytest.mark.parametrize("failure", [UnavailableError, PermissionDeniedError, DataError])
def test_what_cannot_be_fetched_is_not_named(tmp_path: Path, failure: type[MedsynthError]) -> None:
    write_series(tmp_path / "Zwirnhuber", identified("1"))
    (scan,) = survey(dicom, tmp_path).scans
    failing = Failing(str(tmp_path))
    failing.failure = failure
    with pytest.raises(failure) as caught:
        read_scan(dicom, failing, scan, ReaderOptions())
    assert f"{tmp_path}" in caught.value.message
    untold("".join(traceback.format_exception(caught.value)))
    if failure is not DataError:
        with pytest.raises(failure, match="file 1 of 3") as caught:
            dicom.survey(failing, ReaderOptions())
        untold("".join(traceback.format_exception(caught.value)))


def test_a_refused_link_does_not_tell_its_path(tmp_path: Path) -> None:
    outside = save(image(VALUES[0]), tmp_path / "outside" / "x.dcm")
    (tmp_path / "in" / "Zwirnhuber").mkdir(parents=True)
    (tmp_path / "in" / "Zwirnhuber" / "IM0001").symlink_to(outside)
    found = dicom.survey(open_files(str(tmp_path / "in"), [str(tmp_path / "in")]), ReaderOptions())
    (problem,) = found.problems
    assert problem.reason.startswith("is a link to a file outside")
    untold(problem.file)


def test_without_a_key_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pseudonyms, "_key", b"")
    monkeypatch.setattr(pseudonyms, "_file", None)
    save(image(VALUES[0]), tmp_path / "x.dcm")
    with pytest.raises(DataError, match="a key of pseudonyms is set"):
        survey(dicom, tmp_path)
