from __future__ import annotations

import numpy as np
import pytest
import torch

from medsynth.errors import DataError, InvalidArgumentError
from medsynth.gans.dataset import ResidentDataset
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


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_every_level_has_its_place_from_the_darkest_to_the_brightest(kind: type) -> None:
    brightest = np.iinfo(kind).max
    levels = np.linspace(0, brightest, 4 * 32 * 32).astype(kind).reshape(4, 1, 32, 32)
    batch = ResidentDataset(levels, None, 0, CPU).batch(torch.tensor([2, 0, 3]))
    expected = levels[[2, 0, 3]].astype(np.float64) / brightest * 2 - 1
    np.testing.assert_allclose(batch.numpy(), expected, atol=1e-6)
    assert (batch.min(), batch.max()) == (-1, 1)


def test_the_order_shows_the_share_of_images_with_a_label() -> None:
    images, masks = discs(10)
    masks[[0, 3, 4, 5, 6, 8, 9]] = 0
    shown = ResidentDataset(images, masks, CLASSES, CPU).order(0, 0.5).take(0, 100)
    assert np.isin(shown.numpy(), [1, 2, 7]).sum() == 50


def test_a_share_that_cannot_be_shown_is_refused() -> None:
    images, masks = discs(4)
    for dataset in (
        ResidentDataset(images, None, 0, CPU),
        ResidentDataset(images, masks * 0, CLASSES, CPU),
    ):
        with pytest.raises(InvalidArgumentError, match=r"foreground_share.*no training image"):
            dataset.order(0, 0.5)
    marked = ResidentDataset(images, np.maximum(masks, 1), CLASSES, CPU)
    with pytest.raises(InvalidArgumentError, match=r"foreground_share.*0\.5.*0 or 1"):
        marked.order(0, 0.5)
    assert sorted(marked.order(0, 1.0).take(0, 4).tolist()) == [0, 1, 2, 3]


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
