from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from medsynth.data.preparation import Preparation
from medsynth.data.preparation_checks import CROPS, INTENSITIES
from medsynth.data.slices import Box, crop_box, cut, prepare_volume, resize_image, resize_masks
from medsynth.data.volume import Volume
from medsynth.errors import DataError, InvalidArgumentError


def volume(images: np.ndarray, masks: np.ndarray | None = None) -> Volume:
    return Volume("p", "p_1", "", images.astype(np.float32), masks, None)


def ramp(rows: int, columns: int, slices: int = 1) -> np.ndarray:
    plane = np.linspace(0, 100, rows * columns).reshape(rows, columns)
    return np.repeat(plane[None, None], slices, axis=0)


def test_none_pads_to_a_square_with_black() -> None:
    masks = np.ones((1, 20, 40), np.uint8)
    prepared = prepare_volume(
        volume(np.full((1, 1, 20, 40), 9.0) + ramp(20, 40), masks),
        Preparation(size=40, intensity="window", intensity_low=0, intensity_high=100),
    )
    images, labels = prepared.images, prepared.masks
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
    prepared = prepare_volume(
        volume(large), Preparation(intensity="window", intensity_low=-160, intensity_high=240)
    )
    images = prepared.images
    assert prepared.masks is None
    assert prepared.intensities == ((-160, 240),)
    assert [images[0, 0, r, c] for r, c in ((5, 5), (5, 58), (58, 5), (58, 58))] == [0, 0, 128, 255]


def test_percentiles_are_of_the_whole_volume_and_of_each_channel() -> None:
    bright, dark = ramp(64, 64), ramp(64, 64) / 1000
    images = prepare_volume(
        volume(np.concatenate([bright, dark], axis=1)),
        Preparation(intensity_low=0, intensity_high=100),
    ).images
    assert np.array_equal(images[:, 0], images[:, 1])
    assert (images.min(), images.max()) == (0, 255)
    both = np.concatenate([bright, dark], axis=0)
    images = prepare_volume(volume(both), Preparation(intensity_low=0, intensity_high=100)).images
    assert images[1].max() == 0


def test_foreground_centres_on_the_labels_of_the_volume() -> None:
    masks = np.zeros((2, 50, 60), np.uint8)
    masks[0, 30:34, 20:24] = 2
    box = crop_box(volume(ramp(50, 60, 2), masks), Preparation(crop="foreground", crop_share=0.4))
    assert box == Box(22, 12, 20, 20)


def test_foreground_stays_inside_the_slice() -> None:
    masks = np.zeros((1, 50, 60), np.uint8)
    masks[0, 0, 59] = 1
    assert crop_box(
        volume(ramp(50, 60), masks), Preparation(crop="foreground", crop_share=0.4)
    ) == Box(0, 40, 20, 20)


@pytest.mark.parametrize("masks", [None, np.zeros((1, 50, 60), np.uint8)])
def test_foreground_falls_back_to_the_middle(masks: np.ndarray | None) -> None:
    scan = volume(ramp(50, 60), masks)
    assert crop_box(scan, Preparation(crop="foreground")) == crop_box(
        scan, Preparation(crop="centre")
    )


def test_centre_uses_no_label() -> None:
    masks = np.zeros((1, 50, 60), np.uint8)
    masks[0, :5, :5] = 1
    box = crop_box(volume(ramp(50, 60), masks), Preparation(crop="centre", crop_share=0.6))
    assert box == Box(10, 15, 30, 30)


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
        prepared = prepare_volume(
            volume(pixels, (pixels[:, 0] > 0).astype(np.uint8) if masked else None),
            Preparation.from_mapping({"size": 32, **fields}),
        )
    except (InvalidArgumentError, DataError):
        return
    assert prepared.images.shape == (len(pixels), 1, 32, 32)
    assert (prepared.masks is not None) == masked


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
    box = crop_box(
        scan, Preparation(crop=crop, **({} if crop == "none" else {"crop_share": share}))
    )
    top, left, side = box.top, box.left, box.rows
    square = cut(masks, box)
    assert box.rows == box.columns
    assert square.shape == (2, side, side)
    if crop == "none":
        assert square.sum() == masks.sum()
    else:
        assert 0 <= top <= rows - side
        assert 0 <= left <= columns - side
        assert np.array_equal(square, masks[:, top : top + side, left : left + side])


def labelled(slices: int, marked: tuple[int, ...]) -> Volume:
    masks = np.zeros((slices, 32, 32), np.uint8)
    for number in marked:
        masks[number, 10:20, 10:20] = 1 + number % 2
    return volume(ramp(32, 32, slices), masks)


@pytest.mark.parametrize(
    ("share", "numbers"),
    [
        (1, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)),
        (0, (3, 4)),
        (0.25, (2, 3, 4, 8)),
        (0.5, (1, 3, 4, 5, 7, 9)),
    ],
)
def test_a_share_of_the_empty_slices_is_kept_evenly_spread(
    share: float, numbers: tuple[int, ...]
) -> None:
    prepared = prepare_volume(labelled(10, (3, 4)), Preparation(size=32, keep_empty_share=share))
    assert prepared.numbers == numbers
    assert len(prepared.images) == len(numbers)
    assert prepared.masks is not None
    assert [bool(mask.any()) for mask in prepared.masks] == [n in (3, 4) for n in numbers]
    assert [share > 0 for share in prepared.foreground] == [n in (3, 4) for n in numbers]


@given(st.integers(1, 40), st.sets(st.integers(0, 39)), st.floats(0, 1))
def test_kept_slices_are_those_with_labels_and_a_share_of_the_others(
    slices: int, marked: set[int], share: float
) -> None:
    marked = {number for number in marked if number < slices}
    prepared = prepare_volume(
        labelled(slices, tuple(marked)), Preparation(size=32, keep_empty_share=share)
    )
    assert marked <= set(prepared.numbers)
    asked = share * (slices - len(marked))
    assert abs(len(prepared.numbers) - len(marked) - asked) < 1
    assert list(prepared.numbers) == sorted(set(prepared.numbers))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_the_share_holds_for_sets_of_single_images(share: float) -> None:
    kept = 0
    for number in range(400):
        image = replace(labelled(1, ()), name=f"image {number}")
        chosen = Preparation(size=32, keep_empty_share=share)
        kept += len(prepare_volume(image, chosen).numbers)
    assert kept == pytest.approx(400 * share, abs=35)


def test_a_cut_without_a_label_to_place_it_is_remarked() -> None:
    chosen = Preparation(size=32, crop="foreground")
    assert prepare_volume(labelled(2, (1,)), chosen).remarks == ()
    assert "no label" in prepare_volume(labelled(2, ()), chosen).remarks[0]
    assert prepare_volume(labelled(2, ()), PLAIN).remarks == ()


def test_without_masks_every_slice_is_kept() -> None:
    prepared = prepare_volume(volume(ramp(32, 32, 4)), Preparation(size=32, keep_empty_share=0))
    assert prepared.numbers == (0, 1, 2, 3)
    assert prepared.foreground == (0, 0, 0, 0)


def test_labels_become_others_before_anything_looks_at_them() -> None:
    prepared = prepare_volume(
        labelled(4, (1, 2)),
        Preparation(size=32, label_map={1: 0, 2: 1}, keep_empty_share=0),
    )
    assert prepared.numbers == (1,)
    assert prepared.masks is not None
    assert set(np.unique(prepared.masks)) == {0, 1}
    assert prepared.foreground == (100 / 1024,)


def test_stretching_fills_the_square() -> None:
    masks = np.zeros((1, 20, 40), np.uint8)
    masks[:, :, 20:] = 1
    prepared = prepare_volume(volume(ramp(20, 40), masks), Preparation(size=64, fit="stretch"))
    assert prepared.masks is not None
    assert prepared.masks[0, :, 32:].all()
    assert not prepared.masks[0, :, :32].any()
    assert (prepared.images[0, 0, -1] > 200).all()


def test_colour_that_is_grey_in_fact_is_one_channel_where_one_is_asked_for() -> None:
    grey = np.repeat(ramp(32, 32), 3, axis=1)
    assert prepare_volume(volume(grey), Preparation(size=32)).images.shape[1] == 3
    assert prepare_volume(volume(grey), Preparation(size=32, channels=3)).images.shape[1] == 3
    one = prepare_volume(volume(grey), Preparation(size=32, channels=1))
    assert np.array_equal(one.images, prepare_volume(volume(ramp(32, 32)), PLAIN).images)
    colour = grey.copy()
    colour[0, 1, 5, 5] += 1
    for images, channels in ((colour, 1), (grey, 2), (ramp(32, 32), 3), (grey[:, :2], 1)):
        with pytest.raises(DataError, match=f"p_1: .* channels, {channels} were asked for"):
            prepare_volume(volume(images), Preparation(size=32, channels=channels))


PLAIN = Preparation(size=32)


def test_sixteen_bits_have_their_own_levels() -> None:
    plane = np.linspace(0, 1, 32 * 32).reshape(32, 32)
    fine = resize_image(plane, 32, 16)
    assert fine.dtype == np.uint16
    assert (fine.min(), fine.max()) == (0, 65535)
    assert np.abs(fine / 65535 - plane).max() < 1e-5


def test_slices_too_long_to_be_padded_are_refused_or_cut() -> None:
    long = volume(ramp(1, 20_000))
    with pytest.raises(DataError, match="p_1: slices of 1 x 20000 pixels are too long"):
        prepare_volume(long, PLAIN)
    assert prepare_volume(long, Preparation(size=32, fit="stretch")).images.shape[0] == 1
    assert prepare_volume(long, Preparation(size=32, crop="centre")).images.shape[0] == 1


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"fit": "stretch"},
        {"crop": "centre", "crop_share": 0.7},
        {"crop": "foreground", "crop_share": 0.5},
        {"slicing": "coronal", "fit": "stretch"},
        {"slicing": "sagittal", "spacing": 1.5, "slice_spacing": 2},
        {"orientation": "standard", "spacing": 0.8, "crop": "centre"},
    ],
)
def test_pixels_say_what_lies_where_the_affine_puts_them(choice: dict[str, Any]) -> None:
    affine = np.array([[0, 0.1, 1.4, -30], [0.2, 1.1, 0, 60], [2.5, 0, 0.2, -90], [0, 0, 0, 1.0]])
    shape = (24, 44, 36)
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    world = places @ affine[:3, :3].T + affine[:3, 3]
    values = world @ [1.0, -0.5, 0.7]
    masks = np.zeros(shape, np.uint8)
    masks[8:16, 14:30, 12:24] = 1
    low, high = values.min(), values.max()
    prepared = prepare_volume(
        Volume("p", "p_1", "", values[:, None].astype(np.float32), masks, affine),
        Preparation.from_mapping(
            {"size": 48, "intensity": "window", "intensity_low": low, "intensity_high": high,
             **choice}
        ),
    )  # fmt: skip
    assert prepared.affine is not None
    own = (len(prepared.images), 48, 48)
    pixels = np.stack(np.meshgrid(*map(np.arange, own), indexing="ij"), -1)
    where = pixels @ prepared.affine[:3, :3].T + prepared.affine[:3, 3]
    inside = np.linalg.solve(affine[:3, :3], (where - affine[:3, 3]).reshape(-1, 3).T)
    core = ((inside > 4) & (inside < np.array(shape)[:, None] - 5)).all(0).reshape(own)
    assert core.mean() > 0.1
    found = low + prepared.images[:, 0] / 255 * (high - low)
    assert np.abs(found - where @ [1.0, -0.5, 0.7])[core].max() < 1.5 * (high - low) / 255
    assert prepared.masks is not None
    inner = ((inside > [[9], [15], [13]]) & (inside < [[14], [28], [22]])).all(0).reshape(own)
    outer = ((inside > [[7], [13], [11]]) & (inside < [[16], [30], [24]])).all(0).reshape(own)
    assert prepared.masks[inner].all()
    assert not prepared.masks[~outer].any()


def test_no_affine_stays_none() -> None:
    assert prepare_volume(volume(ramp(32, 32)), PLAIN).affine is None
