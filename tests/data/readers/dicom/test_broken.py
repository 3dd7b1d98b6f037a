from __future__ import annotations

import os
import resource
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from medsynth.data.readers import dicom
from medsynth.data.readers.interface import ReaderOptions
from medsynth.errors import DataError
from tests.data.dicom_files import (
    compress,
    enhanced,
    image,
    save,
    segmentation,
    series,
    write_series,
)
from tests.data.readers.reading import read_all, survey

VALUES = np.arange(3 * 8 * 8, dtype=np.int16).reshape(3, 8, 8)


def outcome(folder: Path) -> str:
    """What is wrong with a folder, wherever it is found; empty for nothing."""
    try:
        found = survey(dicom, folder)
        read_all(dicom, folder)
    except DataError as error:
        return error.message
    return "; ".join(problem.reason for problem in found.problems)


@pytest.mark.parametrize("share", [0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
@pytest.mark.parametrize("syntax", ["", RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_truncated(tmp_path: Path, share: float, syntax: str) -> None:
    images = series(VALUES)
    paths = write_series(tmp_path, [compress(each, syntax) if syntax else each for each in images])
    content = paths[1].read_bytes()
    paths[1].write_bytes(content[: int(len(content) * share)])
    assert outcome(tmp_path)


@pytest.mark.parametrize("name", ["MR_truncated.dcm", "rtplan_truncated.dcm"])
def test_truncated_real_files(tmp_path: Path, name: str) -> None:
    path = get_testdata_file(name, download=False)
    (tmp_path / name).write_bytes(Path(str(path)).read_bytes())
    assert outcome(tmp_path)


def test_something_else_under_a_name_of_dicom(tmp_path: Path) -> None:
    (tmp_path / "x.dcm").write_bytes(b"<html>404</html>" * 100)
    (tmp_path / "IM0001").write_bytes(b"")
    assert outcome(tmp_path).count("lacks the mark DICM") == 2


@pytest.mark.parametrize(
    "elements",
    [
        {"Rows": 65535, "Columns": 65535, "NumberOfFrames": 1000},
        {"Rows": 65535, "Columns": 65535},
        {"Rows": 16000, "Columns": 16000},
        {"NumberOfFrames": 2**31 - 1},
        {"NumberOfFrames": 10000, "Rows": 150, "Columns": 150},
        {"NumberOfFrames": 0},
        {"NumberOfFrames": -3},
        {"Rows": 0},
        {"SamplesPerPixel": 200},
        {"SamplesPerPixel": 3},
        {"BitsAllocated": 12},
        {"BitsStored": 99},
        {"PhotometricInterpretation": "PALETTE COLOR"},
        {"PhotometricInterpretation": "NO SUCH THING"},
        {"SeriesInstanceUID": None},
    ],
)
@pytest.mark.parametrize("syntax", ["", RLELossless, JPEG2000Lossless, JPEGLosslessSV1])
def test_headers_that_cannot_be(tmp_path: Path, elements: dict[str, object], syntax: str) -> None:
    each = image(VALUES[0])
    if syntax:
        compress(each, syntax)
    for keyword, value in elements.items():
        if value is None:
            delattr(each, keyword)
        else:
            setattr(each, keyword, value)
    save(each, tmp_path / "x.dcm")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert outcome(tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**18


def test_a_length_that_is_not_there(tmp_path: Path) -> None:
    path = save(image(VALUES[0]), tmp_path / "x.dcm")
    content = path.read_bytes()
    pixels = content.index(b"\xe0\x7f\x10\x00OW\0\0")
    path.write_bytes(content[: pixels + 8] + struct.pack("<I", 2**32 - 2) + content[pixels + 12 :])
    assert outcome(tmp_path) == ""
    path.write_bytes(content[: pixels + 8] + struct.pack("<I", 2**32 - 2) + b"12345678")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "cannot be decoded" in outcome(tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**18


def test_a_deflated_file_that_unpacks_to_too_much(tmp_path: Path) -> None:
    each = image(VALUES[0])
    each.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = save(each, tmp_path / "x.dcm")
    assert outcome(tmp_path) == ""
    content = path.read_bytes()
    start = 144 + struct.unpack("<I", content[140:144])[0]
    deflate = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    blanks = b"".join(deflate.compress(bytes(2**24)) for _ in range(20)) + deflate.flush()
    path.write_bytes(content[:start] + blanks)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "not a readable DICOM file" in outcome(tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**17


def test_sequences_nested_without_end(tmp_path: Path) -> None:
    path = save(image(VALUES[0]), tmp_path / "x.dcm")
    content = path.read_bytes()
    start = 144 + struct.unpack("<I", content[140:144])[0]
    nested = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 5000
    path.write_bytes(content[:start] + nested)
    assert outcome(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable(tmp_path: Path) -> None:
    save(image(VALUES[0]), tmp_path / "x.dcm").chmod(0)
    assert "Permission denied" in outcome(tmp_path)


def test_files_that_go_between_survey_and_reading(tmp_path: Path) -> None:
    paths = write_series(tmp_path, series(VALUES))
    (scan,) = survey(dicom, tmp_path).scans
    paths[1].unlink()
    with pytest.raises(DataError, match="IM000001: not a readable DICOM file"):
        dicom.read(tmp_path, scan, ReaderOptions())
    save(image(np.zeros((3, 3), np.int16)), paths[1])
    with pytest.raises(DataError, match=r"IM000001: .*\(1, 3, 3\).*\(1, 8, 8\)"):
        dicom.read(tmp_path, scan, ReaderOptions())


@pytest.mark.parametrize("position", [None, ["-10", "-20", "30"]])
def test_positions_that_change_between_survey_and_reading(
    tmp_path: Path, position: list[str] | None
) -> None:
    images = series(VALUES)
    paths = write_series(tmp_path, images)
    (scan,) = survey(dicom, tmp_path).scans
    del images[1].ImagePositionPatient
    if position is not None:
        images[1].ImagePositionPatient = position
    save(images[1], paths[1])
    with pytest.raises(DataError, match="changed since they were looked at"):
        dicom.read(tmp_path, scan, ReaderOptions())


SAMPLES = {
    "native": lambda: [image(VALUES[0], ImagePositionPatient=["0", "0", "0"])],
    "rle": lambda: [compress(image(VALUES[0]), RLELossless)],
    "jpeg-2000": lambda: [compress(image(VALUES[0]), JPEG2000Lossless)],
    "jpeg-ls": lambda: [compress(image(VALUES[0]), JPEGLSLossless)],
    "jpeg-lossless": lambda: [compress(image(VALUES[0]), JPEGLosslessSV1)],
    "enhanced": lambda: [enhanced(VALUES, [2, 0, 1])],
    "segmentation": lambda: [
        *(images := series(VALUES)), segmentation(images, {"liver": VALUES > 90})
    ],
}  # fmt: skip
REAL = ["JPGExtended.dcm", "SC_rgb_jpeg_dcmtk.dcm", "examples_palette.dcm", "image_dfl.dcm"]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[bytes]]:
    """Files whose bytes are changed, the last of each."""
    folder = tmp_path_factory.mktemp("samples")
    found = {
        name: [path.read_bytes() for path in write_series(folder / name, make())]
        for name, make in SAMPLES.items()
    }
    for name in REAL:
        if (path := get_testdata_file(name, download=False)) is not None:
            found[name] = [Path(str(path)).read_bytes()]
    return found


@st.composite
def changes(draw: st.DrawFn) -> list[tuple[float, bytes]]:
    """Where bytes change, as a share of the file, and to what."""
    place = st.floats(0, 1, exclude_max=True)
    few = st.binary(min_size=1, max_size=6)
    return draw(st.lists(st.tuples(place, few), min_size=1, max_size=8))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from([*SAMPLES, *REAL]), changes(), st.floats(0.5, 1))
@example("native", [(0.0, b"\0")], 1.0)
def test_changed_bytes_give_a_volume_or_a_reason(
    tmp_path_factory: pytest.TempPathFactory,
    samples: dict[str, list[bytes]],
    name: str,
    changed: list[tuple[float, bytes]],
    kept: float,
) -> None:
    folder = tmp_path_factory.mktemp("changed")
    *others, last = samples.get(name, samples["native"])
    content = bytearray(last)
    for share, new in changed:
        place = int(share * len(content))
        content[place : place + len(new)] = new
    if kept < 0.8:
        del content[int(len(content) * (kept + 0.2)) :]
    for number, whole in enumerate(others):
        (folder / f"IM{number:04d}").write_bytes(whole)
    (folder / "x.dcm").write_bytes(content)
    outcome(folder)
