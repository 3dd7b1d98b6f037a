from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from PIL import Image

from medsynth.data.sample_folder import read_sample_folder
from medsynth.data.writers import SampleWriter
from medsynth.errors import InvalidArgumentError
from tests.data.writers.samples import labels, pixels, write


@pytest.mark.parametrize(("channels", "bits"), [(1, 8), (3, 8), (1, 16)])
def test_pixel_for_pixel_by_pillow_and_itk(channels: int, bits: int, tmp_path: Path) -> None:
    images, masks = pixels(3, channels, bits=bits), labels(3)
    write(tmp_path / "a", "png", images, masks, first=41)
    for place in range(3):
        name = f"{41 + place:09d}.png"
        with Image.open(tmp_path / "a" / "images" / name) as picture:
            assert picture.mode == {(1, 8): "L", (3, 8): "RGB", (1, 16): "I;16"}[channels, bits]
            by_pillow = np.asarray(picture).reshape(5, 6, channels)
        by_itk = sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "a" / "images" / name))
        assert np.array_equal(by_pillow.transpose(2, 0, 1), images[place])
        assert np.array_equal(by_itk.reshape(5, 6, channels).transpose(2, 0, 1), images[place])
        with Image.open(tmp_path / "a" / "masks" / name) as picture:
            assert picture.mode == "L"
            assert np.array_equal(np.asarray(picture), masks[place])


def test_by_its_own_reader(tmp_path: Path) -> None:
    images, masks = pixels(3, 3), labels(3)
    write(tmp_path / "a", "png", images, masks)
    got, got_masks = read_sample_folder(tmp_path / "a")
    assert np.array_equal(got, images)
    assert got_masks is not None
    assert np.array_equal(got_masks, masks)


def test_no_masks_no_folder_of_masks(tmp_path: Path) -> None:
    write(tmp_path / "a", "png", pixels(1), None)
    assert not (tmp_path / "a" / "masks").exists()


def test_colours_of_16_bits_are_refused(tmp_path: Path) -> None:
    writer = SampleWriter(tmp_path / "a", "png", {})
    with pytest.raises(InvalidArgumentError, match=r"format.*npz or nifti"):
        writer.write(0, pixels(1, 3, bits=16), None)
    assert not list((tmp_path / "a").glob("images/*"))
