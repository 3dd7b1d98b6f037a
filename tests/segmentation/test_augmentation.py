"""Geometry moves image and mask together, and masks stay labels."""

from __future__ import annotations

import math

import pytest
import torch

from medsynth.segmentation.augmentation import augment_pairs, transform_pairs


def pairs(count: int = 4, side: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    masks = torch.randint(0, 4, (count, side, side), generator=generator)
    return masks[:, None].float(), masks


def matrix(rows: list[list[float]], count: int = 4) -> torch.Tensor:
    return torch.tensor(rows).expand(count, 2, 3)


def test_identity() -> None:
    images, masks = pairs()
    moved, labels = transform_pairs(images, masks, matrix([[1.0, 0, 0], [0, 1, 0]]))
    torch.testing.assert_close(moved, images)
    assert torch.equal(labels, masks)


def test_mirror_shift_and_quarter_turn_are_exact() -> None:
    images, masks = pairs()
    moved, labels = transform_pairs(images, masks, matrix([[-1.0, 0, 0], [0, 1, 0]]))
    assert torch.equal(labels, masks.flip(2))
    torch.testing.assert_close(moved, images.flip(3))

    _, labels = transform_pairs(images, masks, matrix([[1.0, 0, 2 * 3 / 16], [0, 1, 0]]))
    assert torch.equal(labels[:, :, :13], masks[:, :, 3:])
    assert torch.equal(labels[:, :, 13:], masks[:, :, 15:].expand(-1, -1, 3))

    cosine, sine = math.cos(math.pi / 2), math.sin(math.pi / 2)
    moved, labels = transform_pairs(images, masks, matrix([[cosine, -sine, 0], [sine, cosine, 0]]))
    assert torch.equal(labels, masks.rot90(1, (1, 2)))
    torch.testing.assert_close(moved, images.rot90(1, (2, 3)), rtol=1e-4, atol=1e-4)


def test_image_and_mask_move_together() -> None:
    """The image shows the mask: after any draw it still does, away from edges of labels."""
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    masks = ((y - 28) ** 2 + (x - 36) ** 2 < 180).long() + ((y - 30) ** 2 + (x - 30) ** 2 < 60)
    masks = masks.expand(32, 64, 64)
    images = masks[:, None].float()
    moved, labels = augment_pairs(images, masks, torch.Generator().manual_seed(1))
    assert (moved[:, 0].round() == labels).float().mean() > 0.995
    assert (labels != masks).flatten(1).any(dim=1).all()


def test_masks_stay_labels_of_their_type() -> None:
    masks = torch.tensor([0, 3])[torch.randint(0, 2, (8, 32, 32))]
    _, labels = augment_pairs(masks[:, None].float(), masks, torch.Generator().manual_seed(2))
    assert labels.dtype == torch.int64
    assert set(labels.unique().tolist()) <= {0, 3}


@pytest.mark.parametrize("count", [1, 5])
def test_draws_follow_the_generator(count: int) -> None:
    images, masks = pairs(count)
    first = augment_pairs(images, masks, torch.Generator().manual_seed(3))
    again = augment_pairs(images, masks, torch.Generator().manual_seed(3))
    other = augment_pairs(images, masks, torch.Generator().manual_seed(4))
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])
