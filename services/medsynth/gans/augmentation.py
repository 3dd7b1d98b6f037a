"""Differentiable augmentation (Zhao 2020) for tensors of image and mask.

Translation and cutout move image and mask together; brightness and contrast touch the image's
channels alone. Translations are by whole pixels, so that a mask's channels are permuted and never
interpolated. Parameters are drawn from a generator of random numbers of one's own and can be
applied to several batches.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_SHIFT = 1 / 8
"""Largest translation, as a share of the side."""
_HOLE = 1 / 2
"""Side of the cutout, as a share of the side."""


@dataclass(frozen=True)
class Parameters:
    """One draw for N images.

    Attributes:
        brightness: Added to the image, -0.5 to 0.5; (N,).
        contrast: Factor of the distance from the image's mean, 0.5 to 1.5; (N,).
        shifts: Pixels downwards and to the right; int64 (N, 2).
        holes: Row and column of the cutout's middle; int64 (N, 2).
    """

    brightness: Tensor
    contrast: Tensor
    shifts: Tensor
    holes: Tensor


def draw(count: int, size: int, random: torch.Generator) -> Parameters:
    """Draws parameters for images of `size` x `size`, on the generator's device."""

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=random, device=random.device)

    reach = int(size * _SHIFT + 0.5)
    return Parameters(
        brightness=uniform(count) - 0.5,
        contrast=uniform(count) + 0.5,
        shifts=torch.floor(uniform(count, 2) * (2 * reach + 1)).long() - reach,
        holes=torch.floor(uniform(count, 2) * (size + 1)).long(),
    )


def apply(joint: Tensor, parameters: Parameters, channels: int) -> Tensor:
    """Augments a batch; gradients flow through to `joint`.

    Args:
        joint: (N, channels + classes, S, S) in [-1, 1], the image's channels first.
        parameters: From `draw`.
        channels: Image channels.

    Returns:
        A tensor of the same shape. What a translation uncovers is black and background; a cutout
        is 0 in every channel, which is no label.
    """
    image = joint[:, :channels]
    brightness = parameters.brightness.view(-1, 1, 1, 1)
    contrast = parameters.contrast.view(-1, 1, 1, 1)
    brighter = image + brightness
    mean = brighter.mean(dim=(1, 2, 3), keepdim=True)
    coloured = (brighter - mean) * contrast + mean
    moved = _translate(torch.cat([coloured, joint[:, channels:]], dim=1), parameters, channels)
    return moved * _kept(parameters, joint.shape[-1]).to(moved.dtype)


def _translate(joint: Tensor, parameters: Parameters, channels: int) -> Tensor:
    outside = joint.new_full((joint.shape[1], 1, 1), -1.0)
    outside[channels : channels + 1] = 1.0
    count, size = len(joint), joint.shape[-1]
    places = torch.arange(size, device=joint.device)
    rows, columns = (places - shift.unsqueeze(1) for shift in parameters.shifts.T)
    within = _within(rows, size).unsqueeze(2) & _within(columns, size).unsqueeze(1)
    of_image = torch.arange(count, device=joint.device).view(-1, 1, 1) * size
    of_row = (of_image + rows.clamp(0, size - 1).unsqueeze(2)) * size
    source = of_row + columns.clamp(0, size - 1).unsqueeze(1)
    # Whole pixels are copied, all channels at once: a view of tensors that are channels last.
    pixels = (joint - outside).permute(0, 2, 3, 1).reshape(-1, joint.shape[1])
    moved = pixels.index_select(0, source.reshape(-1)).view(count, size, size, -1)
    return (moved * within.unsqueeze(3)).permute(0, 3, 1, 2) + outside


def _within(places: Tensor, size: int) -> Tensor:
    return (places >= 0) & (places < size)


def _kept(parameters: Parameters, size: int) -> Tensor:
    hole = int(size * _HOLE + 0.5)
    places = torch.arange(size, device=parameters.holes.device).view(1, 1, size)
    first = (parameters.holes - hole // 2).unsqueeze(2)
    inside = (places >= first) & (places < first + hole)
    return ~(inside[:, 0, :, None] & inside[:, 1, None, :]).unsqueeze(1)
