from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medsynth.errors import DataError, InvalidArgumentError
from medsynth.gans.dataset import DataOrder, ResidentDataset
from tests.gans.tiny import CLASSES, CPU, discs


def test_a_batch_is_image_and_one_hot_mask() -> None:
    images, masks = discs(5, channels=2)
    images[0, 0, 0, :2] = (0, 255)
    joint = ResidentDataset(images, masks, CLASSES, CPU).batch(torch.tensor([3, 0]))
    assert joint.shape == (2, 2 + CLASSES, 32, 32)
    assert joint.dtype == torch.float32
    assert joint[1, 0, 0, :2].tolist() == [-1.0, 1.0]
    expected = torch.from_numpy(images[[3, 0]].astype(np.float32) / 127.5 - 1)
    torch.testing.assert_close(joint[:, :2], expected, atol=1e-6, rtol=0)
    assert set(joint[:, 2:].unique().tolist()) == {-1.0, 1.0}
    np.testing.assert_array_equal(joint[:, 2:].argmax(1).numpy(), masks[[3, 0]])


def test_without_masks_there_are_images_alone() -> None:
    images, _ = discs(5)
    dataset = ResidentDataset(images, None, 0, CPU)
    assert dataset.batch(torch.arange(5)).shape == (5, 1, 32, 32)


@given(count=st.integers(1, 30), seed=st.integers(0, 2**63 - 1), number=st.integers(0, 50))
def test_each_pass_shows_every_image_once(count: int, seed: int, number: int) -> None:
    shown = DataOrder(count, seed).take(number * count, count)
    assert sorted(shown.tolist()) == list(range(count))


@given(
    count=st.integers(1, 30),
    start=st.integers(0, 200),
    batch=st.integers(1, 70),
    cut=st.integers(1, 69),
)
def test_the_order_depends_on_the_position_alone(
    count: int, start: int, batch: int, cut: int
) -> None:
    whole = DataOrder(count, 3).take(start, batch).tolist()
    order = DataOrder(count, 3)
    cut = min(cut, batch)
    parts = order.take(start, cut).tolist()
    if cut < batch:
        parts += order.take(start + cut, batch - cut).tolist()
    assert parts == whole


def test_passes_and_seeds_differ() -> None:
    order = DataOrder(100, 0)
    first, second = order.take(0, 100), order.take(100, 100)
    assert not torch.equal(first, second)
    assert not torch.equal(first, DataOrder(100, 1).take(0, 100))


def test_unusable_arrays_are_refused() -> None:
    images, masks = discs(4)
    with pytest.raises(DataError, match="label 2"):
        ResidentDataset(images, masks, 2, CPU)
    with pytest.raises(DataError, match="one for each image"):
        ResidentDataset(images, masks[:3], CLASSES, CPU)
    with pytest.raises(DataError, match="no masks"):
        ResidentDataset(images, None, CLASSES, CPU)
    with pytest.raises(DataError, match="but masks"):
        ResidentDataset(images, masks, 0, CPU)
    with pytest.raises(DataError, match="uint8"):
        ResidentDataset(images.astype(np.float32), masks, CLASSES, CPU)
    with pytest.raises(DataError, match="no images"):
        ResidentDataset(images[:0], masks[:0], CLASSES, CPU)
    with pytest.raises(InvalidArgumentError, match="32, 64, 128 or 256"):
        ResidentDataset(images[..., :16, :16], masks[..., :16, :16], CLASSES, CPU)
    with pytest.raises(InvalidArgumentError, match="8 image channels"):
        ResidentDataset(np.repeat(images, 9, axis=1), masks, CLASSES, CPU)


def test_the_digest_follows_the_content() -> None:
    images, masks = discs(4)
    first = ResidentDataset(images, masks, CLASSES, CPU).digest
    assert ResidentDataset(images.copy(), masks, CLASSES, CPU).digest == first
    images[3, 0, 5, 5] ^= 1
    assert ResidentDataset(images, masks, CLASSES, CPU).digest != first
