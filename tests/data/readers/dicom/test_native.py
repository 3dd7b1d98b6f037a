from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from medsynth.data.readers import dicom
from medsynth.data.readers.dicom import opening
from medsynth.data.readers.dicom.frames import decoded
from medsynth.data.readers.dicom.opening import opened
from medsynth.data.readers.dicom.scan import KEYWORDS
from medsynth.data.readers.interface import ReaderOptions
from medsynth.errors import DataError
from tests.data.dicom_files import clip, compress, enhanced, image, save
from tests.data.readers.reading import survey

FRAMES = np.arange(5 * 3 * 5, dtype=np.uint8).reshape(5, 3, 5)


def frames_of(file: Path, wanted: list[int]) -> tuple[dict[int, Any], bool]:
    """Frames by number, and whether they were read one by one."""
    dataset = opened(file, file, KEYWORDS, pixels=True)
    found = dict(decoded(dataset, file, wanted))
    return found, getattr(dataset, "native_frames", None) is not None


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_LONG", 16)


@pytest.mark.parametrize("dtype", ["u1", "<u2", "<i2", "<u4"])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_frames_are_read_one_by_one(tmp_path: Path, dtype: str, syntax: str) -> None:
    values = FRAMES.astype(dtype) * 3
    dataset = image(values, NumberOfFrames=5)
    dataset.file_meta.TransferSyntaxUID = syntax
    found, alone = frames_of(save(dataset, tmp_path / "x.dcm"), [4, 1])
    assert alone
    assert list(found) == [1, 4]
    assert all((found[frame][0] == values[frame]).all() for frame in found)


@pytest.mark.parametrize("planes", [0, 1])
def test_frames_of_colours(tmp_path: Path, planes: int) -> None:
    values = np.arange(3 * 4 * 5 * 3, dtype=np.uint8).reshape(3, 4, 5, 3)
    dataset = clip(values)
    dataset.PlanarConfiguration = planes
    if planes:
        dataset.PixelData = np.moveaxis(values, -1, 1).tobytes()
    found, alone = frames_of(save(dataset, tmp_path / "x.dcm"), [0, 2])
    assert alone
    assert all((found[frame] == np.moveaxis(values[frame], -1, 0)).all() for frame in found)


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, ""])
def test_frames_of_other_files_are_read_together(tmp_path: Path, syntax: str) -> None:
    values = FRAMES.astype(np.uint16)
    dataset = image(values, NumberOfFrames=5)
    if not syntax:
        dataset = compress(dataset, RLELossless)
    else:
        if syntax == ExplicitVRBigEndian:
            dataset.PixelData = values.astype(">u2").tobytes()
        dataset.file_meta.TransferSyntaxUID = syntax
    found, alone = frames_of(save(dataset, tmp_path / "x.dcm"), [4, 1])
    assert not alone
    assert all((found[frame][0] == values[frame]).all() for frame in found)


def test_floating_point_pixels_are_read_together(tmp_path: Path) -> None:
    values = FRAMES.astype(np.float32)
    dataset = image(values, NumberOfFrames=5)
    del dataset.PixelData
    dataset.FloatPixelData = values.tobytes()
    found, alone = frames_of(save(dataset, tmp_path / "x.dcm"), [3])
    assert not alone
    assert (found[3][0] == values[3]).all()


def test_a_file_that_ends_before_its_frames(tmp_path: Path) -> None:
    file = save(image(FRAMES, NumberOfFrames=5), tmp_path / "x.dcm")
    whole = file.read_bytes()
    dataset = opened(file, file, KEYWORDS, pixels=True)
    file.write_bytes(whole[:-40])
    with pytest.raises(DataError, match="cannot be decoded"):
        dict(decoded(dataset, file, [4]))
    with pytest.raises(DataError):
        frames_of(file, [4])


def test_one_volume_of_a_long_file_takes_the_memory_of_one(tmp_path: Path) -> None:
    frames = 2**9
    dataset = enhanced(np.zeros((2, 256, 256), np.uint16), [0, 1])
    groups = list(dataset.PerFrameFunctionalGroupsSequence)
    dataset.NumberOfFrames, dataset.PixelData = frames, bytes(frames * 2**17)
    dataset.PerFrameFunctionalGroupsSequence = groups * (frames // 2)
    file = save(dataset, tmp_path / "x.dcm")
    del dataset
    tracemalloc.start()
    try:
        found, alone = frames_of(file, [frames - 1])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert alone
    assert found[frames - 1].shape == (1, 256, 256)
    assert most < file.stat().st_size / 4


def test_an_enhanced_image_by_the_reader(tmp_path: Path) -> None:
    values = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    save(enhanced(values, [2, 0, 3, 1]), tmp_path / "e.dcm")
    (scan,) = survey(dicom, tmp_path).scans
    volume = dicom.read(tmp_path, scan, ReaderOptions())
    assert (volume.images[:, 0] == values).all()
