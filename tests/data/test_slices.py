from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from medsynth.data.preparation import CROPS, INTENSITIES, Preparation
from medsynth.data.slices import crop_box, cut, prepare_volume, resize_image, resize_masks
from medsynth.data.volume import Volume
from medsynth.errors import DataError, InvalidArgumentError


def volume(images: np.ndarray, masks: np.ndarray | None = None) -> Volume:
    return Volume("p", "p_1", "", images.astype(np.float32), masks, None)


def ramp(rows: int, columns: int, slices: int = 1) -> np.ndarray:
    plane = np.linspace(0, 100, rows * columns).reshape(rows, columns)
    return np.repeat(plane[None, None], slices, axis=0)


def test_none_pads_to_a_square_with_black() -> None:
    masks = np.ones((1, 20, 40), np.uint8)
    images, labels = prepare_volume(
        volume(np.full((1, 1, 20, 40), 9.0) + ramp(20, 40), masks),
        Preparation(size=40, intensity="window", intensity_low=0, intensity_high=100),
    )
    assert images.shape == (1, 1, 40, 40)
    assert labels is not None
    assert not images[0, 0, :10].any()
    assert not images[0, 0, 30:].any()
    assert images[0, 0, 12:28].all()
    assert labels[0, 10:30].all()
    assert not labels[0, :10].any()


def test_window_is_in_the_files_units() -> None:
    plane = np.array([[-2000.0, -160.0], [40.0, 240.0]])
    large = np.kron(plane, np.ones((32, 32)))[None, None]
    images, masks = prepare_volume(
        volume(large), Preparation(intensity="window", intensity_low=-160, intensity_high=240)
    )
    assert masks is None
    assert [images[0, 0, r, c] for r, c in ((5, 5), (5, 58), (58, 5), (58, 58))] == [0, 0, 128, 255]


def test_percentiles_are_of_the_whole_volume_and_of_each_channel() -> None:
    bright, dark = ramp(64, 64), ramp(64, 64) / 1000
    images, _ = prepare_volume(
        volume(np.concatenate([bright, dark], axis=1)),
        Preparation(intensity_low=0, intensity_high=100),
    )
    assert np.array_equal(images[:, 0], images[:, 1])
    assert (images.min(), images.max()) == (0, 255)
    both = np.concatenate([bright, dark], axis=0)
    images, _ = prepare_volume(volume(both), Preparation(intensity_low=0, intensity_high=100))
    assert images[1].max() == 0


def test_foreground_centres_on_the_labels_of_the_volume() -> None:
    masks = np.zeros((2, 50, 60), np.uint8)
    masks[0, 30:34, 20:24] = 2
    top, left, side = crop_box(
        volume(ramp(50, 60, 2), masks), Preparation(crop="foreground", crop_share=0.4)
    )
    assert side == 20
    assert (top, left) == (22, 12)


def test_foreground_stays_inside_the_slice() -> None:
    masks = np.zeros((1, 50, 60), np.uint8)
    masks[0, 0, 59] = 1
    assert crop_box(
        volume(ramp(50, 60), masks), Preparation(crop="foreground", crop_share=0.4)
    ) == (0, 40, 20)


@pytest.mark.parametrize("masks", [None, np.zeros((1, 50, 60), np.uint8)])
def test_foreground_falls_back_to_the_middle(masks: np.ndarray | None) -> None:
    scan = volume(ramp(50, 60), masks)
    assert crop_box(scan, Preparation(crop="foreground")) == crop_box(
        scan, Preparation(crop="centre")
    )


def test_centre_uses_no_label() -> None:
    masks = np.zeros((1, 50, 60), np.uint8)
    masks[0, :5, :5] = 1
    assert crop_box(volume(ramp(50, 60), masks), Preparation(crop="centre", crop_share=0.6)) == (
        10,
        15,
        30,
    )


def test_a_constant_volume_is_refused_by_name() -> None:
    with pytest.raises(DataError, match=r"p_1, channel 0.*all 7"):
        prepare_volume(volume(np.full((2, 1, 40, 40), 7.0)), Preparation())


def test_intensities_too_far_apart_for_their_type_are_refused_by_name() -> None:
    extremes = np.kron(np.array([[-3e38, 3e38]]), np.ones((64, 32)))[None, None]
    with pytest.raises(DataError, match=r"p_1, channel 0.*too far apart"):
        prepare_volume(volume(extremes), Preparation(intensity_low=0, intensity_high=100))


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "crop": st.sampled_from(CROPS),
        "crop_share": st.floats(0, 1),
        "intensity": st.sampled_from(INTENSITIES),
        "intensity_low": st.floats(),
        "intensity_high": st.floats(),
    },
)
PIXELS = arrays(
    np.float32,
    st.tuples(st.integers(1, 2), st.just(1), st.integers(1, 9), st.integers(1, 9)),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
)


@pytest.mark.filterwarnings("error")
@settings(deadline=None)
@given(FIELDS, PIXELS, st.booleans())
def test_whatever_is_accepted_can_be_prepared_or_is_refused_by_name(
    fields: dict[str, Any], pixels: np.ndarray, masked: bool
) -> None:
    try:
        images, masks = prepare_volume(
            volume(pixels, (pixels[:, 0] > 0).astype(np.uint8) if masked else None),
            Preparation.from_mapping({"size": 32, **fields}),
        )
    except (InvalidArgumentError, DataError):
        return
    assert images.shape == (len(pixels), 1, 32, 32)
    assert (masks is not None) == masked


def test_reducing_averages() -> None:
    board = np.indices((256, 256)).sum(0) % 2
    reduced = resize_image(board.astype(np.float32), 32)
    assert np.abs(reduced.astype(int) - 127.5).max() < 6


@settings(deadline=None, max_examples=50)
@given(
    st.integers(8, 90).flatmap(
        lambda side: arrays(np.uint8, (2, side, side), elements=st.integers(0, 7))
    ),
    st.integers(32, 96),
)
def test_resized_masks_have_no_new_labels(masks: np.ndarray, size: int) -> None:
    resized = resize_masks(masks, size)
    assert resized.shape == (2, size, size)
    assert resized.dtype == np.uint8
    assert set(np.unique(resized)) <= set(np.unique(masks))


@pytest.mark.parametrize(("side", "size"), [(200, 64), (48, 64), (64, 64), (97, 33)])
def test_image_and_mask_stay_aligned(side: int, size: int) -> None:
    y, x = np.mgrid[:side, :side] / side
    disc = np.hypot(y - 0.4, x - 0.55) < 0.27
    image = resize_image(disc.astype(np.float32), size) > 127
    mask = resize_masks(disc[None].astype(np.uint8), size)[0] > 0
    assert (image != mask).mean() < 0.01


@given(
    rows=st.integers(1, 30),
    columns=st.integers(1, 30),
    crop=st.sampled_from(["none", "centre", "foreground"]),
    share=st.floats(0.01, 1),
    seed=st.integers(0, 99),
)
def test_any_box_cuts_a_square(rows: int, columns: int, crop: str, share: float, seed: int) -> None:
    generator = np.random.Generator(np.random.Philox(seed))
    masks = (generator.random((2, rows, columns)) < 0.1).astype(np.uint8)
    scan = volume(ramp(rows, columns, 2), masks)
    top, left, side = crop_box(scan, Preparation(crop=crop, crop_share=share))
    square = cut(masks, top, left, side)
    assert square.shape == (2, side, side)
    if crop == "none":
        assert square.sum() == masks.sum()
    else:
        assert 0 <= top <= rows - side
        assert 0 <= left <= columns - side
        assert np.array_equal(square, masks[:, top : top + side, left : left + side])
