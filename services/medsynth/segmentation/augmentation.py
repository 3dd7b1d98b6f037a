"""Geometric augmentation of image and mask together: rotations, shifts, flips.

Each of a pair's transformations is drawn once and applied to both: the image by bilinear
interpolation, the mask by nearest neighbour. Beyond the edge both repeat their last pixel.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as functional
from torch import Tensor

MAX_ROTATION = 30.0
"""Degrees to either side, uniform."""

MAX_SHIFT = 0.1
"""Share of the side, in either direction of either axis, uniform."""


def augment_pairs(
    images: Tensor, masks: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Rotates, shifts and (every other pair) mirrors each pair.

    Args:
        images: float (N, C, S, S) on any device.
        masks: Integer labels (N, S, S) on the same device.
        generator: Of the CPU, so that the draws are the same on every device.

    Returns:
        Images and masks of the same shapes and types.
    """
    count = len(images)
    draws = torch.rand((4, count), generator=generator)
    angle = (draws[0] * 2 - 1) * math.radians(MAX_ROTATION)
    # affine_grid counts in half sides.
    shift = (draws[1:3] * 2 - 1) * (2 * MAX_SHIFT)
    mirror = torch.where(draws[3] < 0.5, -1.0, 1.0)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    matrix = torch.stack(
        [
            torch.stack([cosine * mirror, -sine, shift[0]], dim=1),
            torch.stack([sine * mirror, cosine, shift[1]], dim=1),
        ],
        dim=1,
    )
    return transform_pairs(images, masks, matrix.to(images.device))


def transform_pairs(images: Tensor, masks: Tensor, matrix: Tensor) -> tuple[Tensor, Tensor]:
    """One affine map for each pair.

    Args:
        images: float (N, C, S, S).
        masks: Integer labels (N, S, S).
        matrix: (N, 2, 3), from a place in the result to the place it shows, in coordinates (x, y)
            from -1 to 1 between the outer edges.

    Returns:
        Images and masks of the same shapes and types.
    """
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    labels = functional.grid_sample(
        masks[:, None].float(), grid, mode="nearest", padding_mode="border", align_corners=False
    )
    return moved, labels[:, 0].to(masks.dtype)
