from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from medsynth.data.writers.png_files import encode_pngs
from tests.data.writers.samples import labels, pixels


def by_pillow(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
        return np.asarray(picture)


@settings(deadline=None)
@given(
    st.integers(0, 5), st.integers(1, 9), st.integers(1, 9),
    st.sampled_from([(1, 8), (3, 8), (1, 16)]), st.integers(0, 3),
)  # fmt: skip
def test_pixel_for_pixel_by_pillow(
    count: int, rows: int, columns: int, form: tuple[int, int], seed: int
) -> None:
    channels, bits = form
    images = pixels(count, channels, rows, columns, bits, seed)
    read = [by_pillow(content) for content in encode_pngs(images)]
    assert len(read) == count
    for image, found in zip(images, read, strict=True):
        assert np.array_equal(found.reshape(rows, columns, channels).transpose(2, 0, 1), image)


@pytest.mark.parametrize("side", [1, 3, 64, 257])
@pytest.mark.parametrize(("channels", "bits"), [(1, 8), (3, 8), (1, 16)])
def test_pixel_for_pixel_by_itk(side: int, channels: int, bits: int, tmp_path: Path) -> None:
    rows, columns = np.mgrid[:side, : side + 2]
    smooth = (rows * 31 + columns * 17)[None, None] * np.arange(1, 7).reshape(2, 3, 1, 1)
    noise = pixels(2, channels, side, side + 2, bits)
    images = (smooth[:, :channels] + noise // 16).astype(noise.dtype)
    for image, content in zip(images, encode_pngs(images), strict=True):
        (tmp_path / "image.png").write_bytes(content)
        found = sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "image.png"))
        assert np.array_equal(found.reshape(*image.shape[1:], channels).transpose(2, 0, 1), image)


def test_labels_and_arrays_that_are_not_contiguous() -> None:
    masks = labels(4, 7, 9)
    for given_masks in (masks, masks[::2], masks[:, ::-1], masks.transpose(0, 2, 1)):
        for mask, content in zip(given_masks, encode_pngs(given_masks), strict=True):
            assert np.array_equal(by_pillow(content), mask)


def test_smooth_images_are_no_larger_than_pillows() -> None:
    rows, columns = np.mgrid[:64, :64]
    images = (128 + 60 * np.sin(rows / 9) * np.cos(columns / 7) + pixels(1, 1, 64, 64) // 32)[:, 0]
    (ours,) = encode_pngs(images.astype(np.uint8))
    stream = io.BytesIO()
    Image.fromarray(images[0].astype(np.uint8)).save(stream, "PNG")
    assert len(ours) < 1.1 * len(stream.getvalue())


def test_the_memory_does_not_grow_with_the_number_of_images() -> None:
    images = pixels(400, 1, 128, 128)
    tracemalloc.start()
    for _ in encode_pngs(images):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < images.nbytes / 2
