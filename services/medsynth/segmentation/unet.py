"""The segmentation network: MONAI's residual U-Net in one fixed form."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as functional
from monai.networks.nets.unet import UNet as MonaiUNet
from torch import Tensor, nn

from medsynth.errors import InvalidArgumentError
from medsynth.levels import brightest

WIDTHS = (16, 32, 64, 128)
"""Channels of the levels; each halves the side of the one before, the first that of the image."""

RESIDUAL_UNITS = 1
DROPOUT = 0.2

MULTIPLE = 2 ** (len(WIDTHS) - 1)
"""Sides are padded to a multiple of this many pixels."""

LATENT_FEATURES = WIDTHS[-1]
"""Width of the latent features: the channels of the bottom level."""

PROTOCOL = "unet/bottleneck-mean-" + str(LATENT_FEATURES)
"""Name of the latent features in a score's protocol."""

_LEAST_DEVIATION = 0.05


class UNet(nn.Module):
    """A U-Net with residual units (Ronneberger 2015; Kerfoot 2019) from images to class scores.

    Takes images of any side: they are padded to a multiple of 8 pixels inside, and the result is
    cut back. Every channel of every image is brought to mean 0 and deviation 1 first, so that
    neither the scanner's scale nor that of a generator decides.

    Args:
        channels: Image channels, 1 to 8.
        classes: Labels with the background, 2 to 256.

    Attributes:
        channels: Image channels.
        classes: Labels with the background.
        history: Of a trained network, one mapping for each validation: `step`, `loss` (mean since
            the validation before), `dice` (mean over classes and validation volumes).
        chosen_step: Of a trained network, the optimisation step whose weights it holds.

    Raises:
        InvalidArgumentError: An argument is outside its range.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        if not 1 <= channels <= 8:
            raise InvalidArgumentError.field("channels", channels, "an integer from 1 to 8")
        if not 2 <= classes <= 256:
            raise InvalidArgumentError.field("classes", classes, "an integer from 2 to 256")
        self.channels = channels
        self.classes = classes
        self.history: list[dict[str, float]] = []
        self.chosen_step = 0
        self.network = MonaiUNet(
            spatial_dims=2,
            in_channels=channels,
            out_channels=classes,
            channels=WIDTHS,
            strides=(2,) * (len(WIDTHS) - 1),
            num_res_units=RESIDUAL_UNITS,
            norm="batch",
            dropout=DROPOUT,
        )

    def forward(self, images: Tensor) -> Tensor:
        """Class scores (logits) of images.

        Args:
            images: float (N, C, H, W) in [-1, 1].

        Returns:
            float (N, classes, H, W).
        """
        height, width = images.shape[2:]
        logits: Tensor = self.network(_pad(_standardise(images)))
        return logits[:, :, :height, :width]

    def latent(self, images: Tensor) -> Tensor:
        """Mean of each bottom-level channel.

        Args:
            images: float (N, C, H, W) in [-1, 1].

        Returns:
            float (N, LATENT_FEATURES).
        """
        x = _pad(_standardise(images))
        level: Any = self.network.model
        while isinstance(level, nn.Sequential):
            down, skip, _ = level
            x = down(x)
            level = skip.submodule
        bottom: Tensor = level(x)
        return bottom.mean(dim=(2, 3))


def to_network(images: Tensor) -> Tensor:
    """uint8 or uint16 images as the float images in [-1, 1] that a `UNet` takes."""
    half = brightest(torch.iinfo(images.dtype).bits) / 2
    return (images.float() / half - 1.0).contiguous(memory_format=torch.channels_last)


def _standardise(images: Tensor) -> Tensor:
    deviation, mean = torch.std_mean(images, dim=(2, 3), keepdim=True, correction=0)
    return (images - mean) / deviation.clamp_min(_LEAST_DEVIATION)


def _pad(images: Tensor) -> Tensor:
    height, width = images.shape[2:]
    below, right = -height % MULTIPLE, -width % MULTIPLE
    if not below and not right:
        return images
    return functional.pad(images, (0, right, 0, below))
