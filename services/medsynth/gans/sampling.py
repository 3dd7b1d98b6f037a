"""From latents to grey levels and labels."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def discretise(joint: Tensor, channels: int, classes: int) -> tuple[Tensor, Tensor | None]:
    """What whoever samples gets.

    Args:
        joint: (N, channels + classes, S, S) in [-1, 1].
        channels: Image channels.
        classes: Classes of the mask, 0 for none.

    Returns:
        Image uint8 (N, channels, S, S), and mask of labels uint8 (N, S, S) or None.
    """
    image = torch.clamp(torch.round((joint[:, :channels] + 1.0) * 127.5), 0, 255).to(torch.uint8)
    if not classes:
        return image, None
    return image, joint[:, channels:].argmax(dim=1).to(torch.uint8)


@torch.no_grad()
def generate(
    generator: nn.Module, latents: Tensor | NDArray[np.float32], batch_size: int = 64
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Draws images and masks from a generator that is ready for sampling.

    Args:
        generator: As in `TrainingResult.generator`.
        latents: float32 (N, latent_dim).
        batch_size: Images computed at a time.

    Returns:
        Images uint8 (N, C, S, S), and masks uint8 (N, S, S) or None.
    """
    channels, classes = int(generator.channels), int(generator.classes)  # type: ignore[arg-type]
    device = next(generator.parameters()).device
    images, masks = [], []
    for batch in torch.split(torch.as_tensor(latents), batch_size):
        image, mask = discretise(generator(batch.to(device)), channels, classes)
        images.append(image.cpu().numpy())
        if mask is not None:
            masks.append(mask.cpu().numpy())
    return np.concatenate(images), np.concatenate(masks) if masks else None
