from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from medsynth.data.sample_folder import read_sample_folder
from tests.data.writers.samples import labels, pixels, write


@pytest.mark.parametrize(("channels", "bits"), [(1, 8), (8, 8), (3, 16)])
def test_pixel_for_pixel_by_numpy(channels: int, bits: int, tmp_path: Path) -> None:
    images, masks = pixels(4, channels, bits=bits), labels(4)
    write(tmp_path / "a", "npz", images, masks, first=998)
    for name, part in (("000000998", slice(0, 2)), ("000001000", slice(2, 4))):
        with np.load(tmp_path / "a" / f"{name}.npz", allow_pickle=False) as arrays:
            assert arrays["images"].dtype == images.dtype
            assert np.array_equal(arrays["images"], images[part])
            assert np.array_equal(arrays["masks"], masks[part])


def test_by_its_own_reader(tmp_path: Path) -> None:
    images, masks = pixels(4, 2), labels(4)
    write(tmp_path / "a", "npz", images, masks, first=998)
    got, got_masks = read_sample_folder(tmp_path / "a")
    assert np.array_equal(got, images)
    assert got_masks is not None
    assert np.array_equal(got_masks, masks)


def test_the_archive_is_whole(tmp_path: Path) -> None:
    write(tmp_path / "a", "npz", pixels(2), None)
    with zipfile.ZipFile(tmp_path / "a" / "000000000.npz") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["images.npy"]
