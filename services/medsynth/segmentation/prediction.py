"""What a trained U-Net says of images: labels and latent features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medsynth.errors import InvalidArgumentError
from medsynth.levels import Labels, Pixels, holds_levels
from medsynth.segmentation.unet import LATENT_FEATURES, UNet, to_network

_PIXELS = 2**20
"""Pixels that are computed together."""


def predict(unet: UNet, images: Pixels) -> Labels:
    """The most likely label of each pixel.

    Args:
        unet: Trained network.
        images: uint8, or uint16 for 16 bits (N, C, H, W), N >= 0, C as the network was trained
            with.

    Returns:
        uint8 labels (N, H, W).

    Raises:
        InvalidArgumentError: Another type, shape or number of channels.
    """
    labels = np.empty((len(images), *images.shape[2:]), dtype=np.uint8)
    _apply(unet, images, lambda batch: unet(batch).argmax(dim=1).to(torch.uint8), labels)
    return labels


def latent_features(unet: UNet, images: Pixels) -> NDArray[np.float32]:
    """Features for distances that know the anatomy: the bottom level's channels, averaged.

    Args:
        unet: Network trained on the real training split.
        images: uint8, or uint16 for 16 bits (N, C, H, W), N >= 0.

    Returns:
        float32 (N, 128).

    Raises:
        InvalidArgumentError: Another type, shape or number of channels.
    """
    features = np.empty((len(images), LATENT_FEATURES), dtype=np.float32)
    _apply(unet, images, unet.latent, features)
    return features


def _apply(
    unet: UNet,
    images: Pixels,
    function: Callable[[Tensor], Tensor],
    results: NDArray[np.generic],
) -> None:
    if not holds_levels(images) or images.ndim != 4 or images.shape[1] != unet.channels:
        raise InvalidArgumentError.field(
            "images",
            f"{images.dtype} {images.shape}",
            f"uint8 or uint16 images (N, {unet.channels}, H, W)",
        )
    device = next(unet.parameters()).device
    together = max(1, _PIXELS // max(1, images.shape[2] * images.shape[3]))
    trained = unet.training
    unet.eval()
    with torch.inference_mode():
        for first in range(0, len(images), together):
            batch = torch.from_numpy(np.array(images[first : first + together])).to(device)
            results[first : first + together] = function(to_network(batch)).cpu().numpy()
    unet.train(trained)
