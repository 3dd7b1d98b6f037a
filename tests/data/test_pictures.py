"""Pictures: tiles show the image, outlines follow the labels."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from medsynth.data import pictures


def test_a_tile_without_a_mask_is_the_image() -> None:
    image = np.arange(64 * 64, dtype=np.uint16).reshape(1, 64, 64).astype(np.uint8)
    shown = pictures.tile(image, None, 64)
    assert shown.shape == (64, 64, 3)
    assert all(np.array_equal(shown[:, :, channel], image[0]) for channel in range(3))


def test_three_channels_are_colours_and_two_show_the_first() -> None:
    image = np.stack([np.full((8, 8), value, np.uint8) for value in (10, 20, 30)])
    assert pictures.tile(image, None, 8)[0, 0].tolist() == [10, 20, 30]
    assert pictures.tile(image[:2], None, 8)[0, 0].tolist() == [10, 10, 10]


def test_each_label_is_outlined_in_its_colour_and_the_background_is_not() -> None:
    mask = np.zeros((32, 32), np.uint8)
    mask[4:12, 4:12], mask[16:28, 16:28] = 1, 2
    shown = pictures.tile(np.zeros((1, 32, 32), np.uint8), mask, 32)
    for label, inside in ((1, (4, 8)), (2, (16, 20))):
        assert tuple(shown[inside]) == pictures.outline_colour(label)
    assert not shown[7:9, 7:9].any()
    assert not shown[:3].any()
    drawn = shown.any(axis=2)
    assert not (drawn & (mask == 0)).any()


def test_a_grid_holds_every_tile_in_reading_order() -> None:
    images = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 16, 16), np.uint8)
    shown = pictures.grid(images, None, columns=3, side=16)
    assert shown.shape == (36, 56, 3)
    corners = [shown[row * 20, column * 20, 0] for row in range(2) for column in range(3)]
    assert corners[:5] == [0, 1, 2, 3, 4]


def test_png_gives_the_pixels_back() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(pictures.png(pixels)))), pixels)
