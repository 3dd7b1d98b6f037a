from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medsynth.data.readers.volume_scans import Content, make_scan, read_scan, stored_for
from medsynth.data.volume import Volume
from medsynth.errors import DataError
from tests.data.readers.volume_writing import AFFINE, SHAPE, image_of, mask_of, write

CHANNELS = ("a.mhd", "b.mhd", "c.mhd")
NAMES = ("background", "liver")


def read(folder: Path, content: Content) -> Volume:
    known = {path.name for path in folder.iterdir()}
    return read_scan(folder, make_scan("p", "p_1", content, known))


def refused(folder: Path, content: Content) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, content)
    return caught.value.message


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed, name in enumerate(CHANNELS):
        write(tmp_path / name, image_of(seed))
    write(tmp_path / "mask.nrrd", mask_of(1))
    return tmp_path


def test_a_scan_names_every_file_that_is_opened(folder: Path) -> None:
    scan = make_scan("p", "p_1", Content(CHANNELS[:2], "m.nhdr"), {"a.raw", "b.raw", "m.raw"}, "t")
    assert scan.files == ("a.mhd", "a.raw", "b.mhd", "b.raw", "m.nhdr", "m.raw")
    assert (scan.patient, scan.name, scan.part) == ("p", "p_1", "t")


def test_channels_and_mask_are_joined(folder: Path) -> None:
    volume = read(folder, Content(CHANNELS, "mask.nrrd", NAMES, units="HU"))
    assert [np.array_equal(volume.images[:, n], image_of(n)) for n in range(3)] == [True] * 3
    assert volume.masks is not None
    assert np.array_equal(volume.masks, mask_of(1))
    assert (volume.units, volume.spacing) == ("HU", pytest.approx((8, 1.25, 1.5)))


def test_a_file_may_hold_several_channels(folder: Path) -> None:
    write(folder / "b.mhd", image_of(1, channels=2))
    volume = read(folder, Content(CHANNELS, channels=4))
    assert volume.images.shape == (SHAPE[0], 4, *SHAPE[1:])
    assert np.array_equal(volume.images[:, 2], image_of(1, channels=2)[..., 1])


def test_other_numbers_of_channels_are_refused(folder: Path) -> None:
    assert "3 channels, expected 2" in refused(folder, Content(CHANNELS, channels=2))
    for name in CHANNELS:
        write(folder / name, image_of(1, channels=3))
    assert "9 channels, expected at most 8" in refused(folder, Content(CHANNELS))


def test_all_channels_together_are_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = Content(CHANNELS)
    monkeypatch.setattr("medsynth.data.readers.volume_scans.LARGEST", 2 * image_of(0).size)
    assert read(folder, Content(CHANNELS[:2])).images.shape[1] == 2
    assert refused(folder, content).startswith(f"{folder / 'c.mhd'}: with it the scan is above")


def test_channels_lie_in_one_place_and_have_one_size(folder: Path) -> None:
    write(folder / "c.mhd", image_of(2)[:, :19])
    message = refused(folder, Content(CHANNELS))
    assert f"{folder / 'c.mhd'}: has (4, 19, 24) slices, rows and columns" in message
    write(folder / "c.mhd", image_of(2), AFFINE + np.diag([0, 0, 0.5, 0]))
    assert f"{folder / 'c.mhd'}: lies elsewhere" in refused(folder, Content(CHANNELS))


def test_a_mask_of_other_shape_place_or_channels_is_refused(folder: Path) -> None:
    content = Content(CHANNELS[:1], "mask.nrrd", NAMES)
    for values, affine, reason in (
        (mask_of(1)[:3], AFFINE, "the mask has shape"),
        (mask_of(1), AFFINE * [1, 1, 1.01, 1], "lies elsewhere"),
        (np.zeros((*SHAPE, 2), np.uint8), AFFINE, "the mask has 2 channels"),
        (mask_of(2), AFFINE, "label 2 in the mask"),
    ):
        write(folder / "mask.nrrd", values, affine)
        assert refused(folder, content).startswith(f"{folder / 'mask.nrrd'}: {reason}")


def test_stored_values_are_told_where_they_are_not_the_labels() -> None:
    assert stored_for((0, 1, 2)) == ((), ())
    assert stored_for([0, 255]) == (
        (0, 255), ("The values 0, 255 of its masks become 0, 1, ...",)
    )  # fmt: skip
    assert stored_for((1, 0))[0] == (1, 0)
