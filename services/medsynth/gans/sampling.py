"""From latents to grey levels and labels."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medsynth.levels import Labels, Pixels, brightest


def discretise(
    joint: Tensor, channels: int, classes: int, bits: int = 8
) -> tuple[Tensor, Tensor | None]:
    """What whoever samples gets.

    Args:
        joint: (N, channels + classes, S, S) in [-1, 1].
        channels: Image channels.
        classes: Classes of the mask, 0 for none.
        bits: Of the levels, 8 or 16.

    Returns:
        Image uint8, or uint16 for 16 bits (N, channels, S, S), and mask of labels uint8 (N, S, S)
        or None.
    """
    highest = brightest(bits)
    levels = torch.clamp(torch.round((joint[:, :channels] + 1.0) * (highest / 2)), 0, highest)
    image = levels.to(torch.uint8 if bits == 8 else torch.uint16)
    if not classes:
        return image, None
    return image, joint[:, channels:].argmax(dim=1).to(torch.uint8)


@torch.no_grad()
def generate(
    generator: nn.Module, latents: Tensor | NDArray[np.float32], bits: int = 8, batch_size: int = 64
) -> tuple[Pixels, Labels | None]:
    """Draws images and masks from a generator that is ready for sampling.

    Args:
        generator: As in `TrainingResult.generator`.
        latents: float32 (N, latent_dim).
        bits: Of the levels, 8 or 16.
        batch_size: Images computed at a time.

    Returns:
        Images uint8, or uint16 for 16 bits (N, C, S, S), and masks uint8 (N, S, S) or None.
    """
    channels, classes = int(generator.channels), int(generator.classes)  # type: ignore[arg-type]
    device = next(generator.parameters()).device
    images, masks = [], []
    for batch in torch.split(torch.as_tensor(latents), batch_size):
        image, mask = discretise(generator(batch.to(device)), channels, classes, bits)
        images.append(image.cpu().numpy())
        if mask is not None:
            masks.append(mask.cpu().numpy())
    return np.concatenate(images), np.concatenate(masks) if masks else None
