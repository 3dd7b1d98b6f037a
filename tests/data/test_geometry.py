from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from medsynth.data.geometry import nearest, orient, resample
from medsynth.data.preparation import Preparation
from medsynth.data.preparation_checks import ORIENTATIONS, SLICING
from medsynth.data.volume import Affine, Volume, upright
from medsynth.errors import DataError

CODES = {"axial": "LPS", "coronal": "LIP", "sagittal": "PIL"}


def scan(images: np.ndarray, affine: Affine | None, masks: np.ndarray | None = None) -> Volume:
    return Volume("p", "p_1", "", images.astype(np.float32), masks, affine)


def placed(shape: tuple[int, ...], affine: Affine) -> np.ndarray:
    """Where each voxel lies (slices, rows, columns, 3)."""
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    return places @ affine[:3, :3].T + affine[:3, 3]


def slope(shape: tuple[int, ...], affine: Affine) -> np.ndarray:
    """Values that depend on nothing but where a voxel lies, linearly."""
    return (placed(shape, affine) @ [0.5, -0.3, 0.8] + 7)[:, None]


@st.composite
def affines(draw: st.DrawFn) -> Affine:
    turn, _ = np.linalg.qr(
        np.random.Generator(np.random.Philox(draw(st.integers(0, 999)))).normal(size=(3, 3))
    )
    affine = np.eye(4)
    affine[:3, :3] = turn * [draw(st.floats(0.5, 8)) for _ in range(3)]
    affine[:3, 3] = [draw(st.floats(-300, 300)) for _ in range(3)]
    return affine


SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 7), st.integers(1, 8))


@given(SHAPES, affines(), st.sampled_from(ORIENTATIONS), st.sampled_from(SLICING))
def test_turned_voxels_stay_where_they_were(
    shape: tuple[int, int, int], affine: Affine, orientation: str, slicing: str
) -> None:
    masks = np.arange(np.prod(shape)).reshape(shape).astype(np.uint8)
    turned = orient(
        scan(slope(shape, affine), affine, masks),
        Preparation(orientation=orientation, slicing=slicing),
    )
    assert turned.affine is not None
    assert turned.masks is not None
    own = (len(turned.images), *turned.images.shape[2:])
    assert turned.masks.shape == own
    assert np.allclose(turned.images, slope(own, turned.affine), rtol=1e-4, atol=1e-3)
    before = dict(zip(masks.ravel().tolist(), placed(shape, affine).reshape(-1, 3), strict=True))
    after = placed(own, turned.affine).reshape(-1, 3)
    for label, place in zip(turned.masks.ravel().tolist(), after, strict=True):
        if np.prod(shape) <= 256:
            assert np.allclose(before[label], place)


@settings(deadline=None)
@given(SHAPES, affines(), st.sampled_from(sorted(CODES)))
def test_planes_are_those_of_another_library(
    shape: tuple[int, int, int], affine: Affine, slicing: str
) -> None:
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    # Where an axis lies between two others, either is right.
    assume((np.sort(np.abs(directions), axis=0)[-1] > 0.8).all())
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    image = sitk.GetImageFromArray(values)
    lps = np.diag([-1, -1, 1]) @ directions[:, ::-1]
    image.SetDirection(lps.ravel().tolist())
    image.SetSpacing(np.linalg.norm(affine[:3, :3], axis=0)[::-1].tolist())
    image.SetOrigin((np.diag([-1, -1, 1]) @ affine[:3, 3]).tolist())
    expected = sitk.DICOMOrient(image, CODES[slicing])
    turned = orient(scan(values[:, None], affine), Preparation(slicing=slicing))
    assert np.array_equal(turned.images[:, 0], sitk.GetArrayFromImage(expected))
    assert turned.spacing == pytest.approx(expected.GetSpacing()[::-1])
    assert turned.affine is not None
    assert turned.affine[:3, 3] == pytest.approx(
        np.diag([-1, -1, 1]) @ expected.GetOrigin(), abs=1e-6
    )


def test_standard_orientation_keeps_the_plane_of_the_slices() -> None:
    coronal = np.zeros((4, 4))
    coronal[1, 0], coronal[2, 1], coronal[0, 2], coronal[3, 3] = 3, 1, 2, 1
    values = np.arange(24.0).reshape(2, 1, 3, 4)
    turned = orient(scan(values, coronal), Preparation(orientation="standard"))
    assert turned.spacing == (3, 1, 2)
    assert np.array_equal(turned.images, values[::-1, :, ::-1, ::-1])


def test_what_is_shown_upright_is_not_turned() -> None:
    values = np.arange(24.0).reshape(2, 1, 3, 4)
    volume = scan(values, upright(5, 1, 2))
    turned = orient(volume, Preparation(orientation="standard", slicing="axial"))
    assert np.array_equal(turned.images, values)
    assert np.array_equal(turned.affine, volume.affine)


def test_channels_are_turned_alike() -> None:
    values = np.arange(48.0).reshape(2, 2, 3, 4)
    sagittal = Preparation(slicing="sagittal")
    both = orient(scan(values, upright(5, 1, 2)), sagittal)
    assert both.images.shape == (4, 2, 2, 3)
    for channel in range(2):
        one = orient(scan(values[:, channel : channel + 1], upright(5, 1, 2)), sagittal)
        assert np.array_equal(both.images[:, channel], one.images[:, 0])


@pytest.mark.parametrize(
    "choice", [{"slicing": "axial"}, {"orientation": "standard"}, {"spacing": 1.0}]
)
@pytest.mark.parametrize(
    ("affine", "reason"),
    [
        (None, "say nothing about orientation"),
        (np.zeros((4, 4)), "not those of a volume"),
        (np.ones((4, 4)), "not those of a volume"),
        (np.full((4, 4), np.nan), "not those of a volume"),
        (np.diag([1, 1, np.inf, 1]), "not those of a volume"),
        (np.diag([1, 1, 1e300, 1]), "not those of a volume"),
    ],
)
def test_without_geometry_nothing_is_turned_or_resampled(
    choice: dict[str, Any], affine: Affine | None, reason: str
) -> None:
    preparation = Preparation.from_mapping(choice)
    with pytest.raises(DataError, match=f"p_1: .*{reason}"):
        resample(orient(scan(np.ones((1, 1, 2, 2)), affine), preparation), preparation)


def test_without_a_choice_geometry_does_not_matter() -> None:
    volume = scan(np.ones((1, 1, 2, 2)), None)
    assert resample(orient(volume, Preparation()), Preparation()) is volume


@settings(deadline=None, max_examples=25)
@given(
    st.tuples(st.integers(6, 12), st.integers(6, 12), st.integers(6, 12)),
    affines(),
    st.floats(0.3, 9),
    st.floats(0.3, 9),
)
def test_resampled_values_are_those_of_the_place(
    shape: tuple[int, int, int], affine: Affine, between: float, within: float
) -> None:
    values = slope(shape, affine)
    resampled = resample(
        scan(np.concatenate([values, 2 * values], axis=1), affine),
        Preparation(spacing=within, slice_spacing=between),
    )
    assert resampled.affine is not None
    own = (len(resampled.images), *resampled.images.shape[2:])
    # Beyond the outermost voxels' centres there is nothing to interpolate from; in the plane the
    # filter reaches two pixels of the coarser grid beyond.
    places = np.linalg.solve(
        affine[:3, :3], (placed(own, resampled.affine) - affine[:3, 3]).reshape(-1, 3).T
    )
    coarse = np.maximum(np.array(shape) / own, 1)[:, None]
    margin = coarse * [[0], [2.5], [2.5]]
    inside = (
        ((places >= margin) & (places <= np.array(shape)[:, None] - 1 - margin)).all(0).reshape(own)
    )
    expected = slope(own, resampled.affine)
    span = np.ptp(values)
    assert np.abs(resampled.images[:, :1] - expected)[inside[:, None]].max(initial=0) < 0.01 * span
    assert np.allclose(resampled.images[:, 1], 2 * resampled.images[:, 0], atol=1e-3 * span)


@given(SHAPES, affines(), st.floats(0.4, 9), st.floats(0.4, 9))
def test_a_resampled_volume_fills_the_same_space(
    shape: tuple[int, int, int], affine: Affine, between: float, within: float
) -> None:
    masks = (np.arange(np.prod(shape)).reshape(shape) % 3).astype(np.uint8)
    resampled = resample(
        scan(np.ones((shape[0], 1, *shape[1:])), affine, masks),
        Preparation(spacing=within, slice_spacing=between),
    )
    assert resampled.affine is not None
    assert resampled.masks is not None
    own = (len(resampled.images), *resampled.images.shape[2:])
    assert resampled.masks.shape == own
    assert set(np.unique(resampled.masks)) <= set(np.unique(masks))
    for corner in np.ndindex(2, 2, 2):
        places = [np.array([*(np.array(corner) * lengths - 0.5), 1]) for lengths in (shape, own)]
        assert np.allclose(affine @ places[0], resampled.affine @ places[1], atol=1e-6)
    assert np.allclose(resampled.images, 1)


def test_spacing_becomes_what_was_asked_for() -> None:
    volume = scan(np.ones((10, 1, 64, 96)), upright(8, 1.5, 1.25))
    resampled = resample(volume, Preparation(spacing=1))
    assert resampled.images.shape == (10, 1, 96, 120)
    assert resampled.spacing == (8, 1, 1)
    both = resample(volume, Preparation(spacing=3, slice_spacing=2))
    assert both.images.shape == (40, 1, 32, 40)
    assert both.spacing == (2, 3, 3)


def test_an_image_at_the_asked_spacing_is_left_alone() -> None:
    volume = scan(np.ones((3, 1, 64, 96)), upright(8, 1.0001, 0.9999))
    assert resample(volume, Preparation(spacing=1)) is volume


def test_image_and_mask_stay_aligned() -> None:
    z, y, x = np.mgrid[:20, :60, :50]
    ball = ((z - 9) * 3) ** 2 + (y - 30) ** 2 + (x - 25) ** 2 < 20**2
    volume = scan(ball[:, None], upright(3, 1, 1), ball.astype(np.uint8))
    for spacing, between in ((0.7, 2), (2, 4), (1, 1)):
        resampled = resample(volume, Preparation(spacing=spacing, slice_spacing=between))
        assert resampled.masks is not None
        assert ((resampled.images[:, 0] > 0.5) != resampled.masks).mean() < 0.02


def test_reducing_averages() -> None:
    board = np.indices((256, 256)).sum(0)[None, None] % 2
    reduced = resample(scan(board, upright(1, 1, 1)), Preparation(spacing=8))
    assert reduced.images.shape == (1, 1, 32, 32)
    assert np.abs(reduced.images - 0.5).max() < 0.03


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [
        ((40, 1, 128, 128), Preparation(slice_spacing=0.02, spacing=16)),
        ((2000, 1, 8, 8), Preparation(slice_spacing=40, spacing=0.1)),
        ((20, 4, 64, 64), Preparation(slice_spacing=0.1, spacing=0.9)),
    ],
)
def test_nothing_is_held_that_is_larger_than_image_and_result(
    shape: tuple[int, ...], spacing: Preparation
) -> None:
    images = np.random.Generator(np.random.Philox(1)).normal(size=shape)
    masks = (images[:, 0] > 0).astype(np.uint8)
    volume = scan(images, upright(1, 1, 1), masks)
    tracemalloc.start()
    resampled = resample(volume, spacing)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * (volume.images.nbytes + resampled.images.nbytes)


def test_planes_that_are_reduced_first_give_the_same() -> None:
    volume = scan(np.random.Generator(np.random.Philox(1)).normal(size=(9, 2, 40, 50)), np.eye(4))
    both = resample(volume, Preparation(spacing=2, slice_spacing=0.6))
    slices_first = resample(
        resample(volume, Preparation(slice_spacing=0.6)), Preparation(spacing=2)
    )
    assert both.images.shape == (15, 2, 20, 25)
    assert np.abs(both.images - slices_first.images).max() < 1e-5
    assert both.affine == pytest.approx(slices_first.affine)


def test_spacing_is_as_near_as_whole_slices_allow() -> None:
    volume = scan(np.ones((10, 1, 4, 4)), upright(8, 1, 1))
    assert resample(volume, Preparation(slice_spacing=30)).spacing == pytest.approx((80 / 3, 1, 1))
    assert resample(volume, Preparation(slice_spacing=8.3)) is volume


def test_a_plane_too_large_to_compute_is_refused() -> None:
    volume = scan(np.ones((1, 1, 2048, 2)), upright(1, 1e-4, 1e4))
    with pytest.raises(
        DataError, match="p_1: at the asked spacing it would have 1 x 10 x 1000000 "
    ):
        resample(volume, Preparation(spacing=0.02))


@pytest.mark.parametrize("spacing", [1e3, 1e9, 1e100])
def test_a_result_too_large_to_hold_is_refused(spacing: float) -> None:
    affine = np.diag([spacing, spacing, spacing, 1])
    with pytest.raises(DataError, match="p_1: at the asked spacing it would have"):
        resample(scan(np.ones((2, 1, 4, 4)), affine), Preparation(spacing=0.01, slice_spacing=0.01))


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.filterwarnings("ignore:invalid")
def test_intensities_that_overflow_are_refused() -> None:
    board = np.indices((8, 8)).sum(0)[None, None] % 2 * 6e38 - 3e38
    with pytest.raises(DataError, match="p_1: its intensities are too far apart"):
        resample(scan(board, upright(1, 1, 1)), Preparation(spacing=0.7))


@given(st.integers(1, 300), st.integers(1, 300))
def test_nearest_is_the_pixel_at_the_centre(old: int, new: int) -> None:
    places = nearest(old, new)
    centres = (np.arange(new) + 0.5) * old / new
    assert ((places <= centres + 1e-9) & (centres <= places + 1 + 1e-9)).all()
    assert (places >= 0).all()
    assert (places < old).all()


def test_what_is_not_of_the_geometry_is_kept() -> None:
    volume = replace(scan(np.ones((2, 1, 4, 4)), upright(3, 1, 1)), units="HU", remarks=("odd",))
    turned = resample(
        orient(volume, Preparation(slicing="coronal")),
        Preparation(spacing=2, slice_spacing=0.5),
    )
    assert (turned.units, turned.remarks, turned.patient) == ("HU", ("odd",), "p")
