"""The networks of Radford 2016 for any power of two from 32 to 256 pixels.

The generator widens 4 x 4 features by transposed convolutions to an image in [-1, 1] with one more
channel per class of the mask, also in [-1, 1]; the discriminator narrows such a tensor to 4 x 4 by
strided convolutions and to one logit.
"""

from __future__ import annotations

from itertools import pairwise
from math import log2

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from medsynth.gans.specification import GanSpecification

_KERNEL, _STRIDE, _PADDING = 4, 2, 1
_LEAK = 0.2
_WIDEST = 8
"""Filters double with each halving of the side, up to so many times."""


def activation(name: str) -> nn.Module:
    """A layer by the name that specifications use."""
    layers: dict[str, nn.Module] = {
        "relu": nn.ReLU(inplace=True),
        "leaky_relu": nn.LeakyReLU(_LEAK, inplace=True),
        "elu": nn.ELU(inplace=True),
        "selu": nn.SELU(inplace=True),
    }
    return layers[name]


def normalisation(name: str, channels: int) -> nn.Module:
    """A layer by the name that specifications use; `layer` is over all channels and pixels."""
    if name == "batch":
        return nn.BatchNorm2d(channels)
    if name == "instance":
        return nn.InstanceNorm2d(channels, affine=True)
    if name == "layer":
        return nn.GroupNorm(1, channels)
    return nn.Identity()


def widths(filters: int, size: int) -> list[int]:
    """Filters at each side from `size / 2` down to 4 pixels."""
    return [filters * min(2**halving, _WIDEST) for halving in range(int(log2(size)) - 2)]


class Generator(nn.Module):
    """Latents to images with masks.

    Args:
        specification: Latent dimensions, filters, activation and normalisation.
        size: Side in pixels, a power of two from 32 to 256.
        channels: Image channels.
        classes: Classes of the mask, 0 for none.
    """

    def __init__(
        self, specification: GanSpecification, size: int, channels: int, classes: int
    ) -> None:
        super().__init__()
        self.latent_dim, self.size = specification.latent_dim, size
        self.channels, self.classes = channels, classes
        norm, act = specification.generator_normalisation, specification.generator_activation
        bias = norm in ("none", "layer")
        steps = widths(specification.generator_filters, size)[::-1]
        self.project = nn.Linear(self.latent_dim, steps[0] * 16, bias=bias)
        self.start = nn.Sequential(normalisation(norm, steps[0]), activation(act))
        self.widen = nn.Sequential()
        for before, after in pairwise(steps):
            self.widen.append(
                nn.Sequential(
                    nn.ConvTranspose2d(before, after, _KERNEL, _STRIDE, _PADDING, bias=bias),
                    normalisation(norm, after),
                    activation(act),
                )
            )
        self.output = nn.ConvTranspose2d(steps[-1], channels + classes, _KERNEL, _STRIDE, _PADDING)

    def forward(self, latent: Tensor) -> Tensor:
        """Latents (N, latent_dim) to tensors (N, channels + classes, size, size) in [-1, 1]."""
        features = self.project(latent).reshape(-1, self.project.out_features // 16, 4, 4)
        return torch.tanh(self.output(self.widen(self.start(features))).float())


class Discriminator(nn.Module):
    """Images with masks to logits; no layer after the last linear one.

    Args:
        specification: Filters, activation and normalisation.
        size: Side in pixels, a power of two from 32 to 256.
        channels: Channels of the image and the mask together.
    """

    def __init__(self, specification: GanSpecification, size: int, channels: int) -> None:
        super().__init__()
        norm = specification.discriminator_normalisation
        act = specification.discriminator_activation
        steps = widths(specification.discriminator_filters, size)
        self.narrow = nn.Sequential(
            nn.Sequential(
                nn.Conv2d(channels, steps[0], _KERNEL, _STRIDE, _PADDING), activation(act)
            )
        )
        for before, after in pairwise(steps):
            self.narrow.append(
                nn.Sequential(
                    nn.Conv2d(
                        before, after, _KERNEL, _STRIDE, _PADDING, bias=norm in ("none", "layer")
                    ),
                    normalisation(norm, after),
                    activation(act),
                )
            )
        self.judge = nn.Linear(steps[-1] * 16, 1)

    def forward(self, joint: Tensor) -> Tensor:
        """Tensors (N, channels, size, size) to logits (N,)."""
        features = self.narrow(joint).flatten(1).float()
        # Losses turn on small differences of logits, which bfloat16 would round away.
        with torch.autocast(joint.device.type, enabled=False):
            logits: Tensor = self.judge(features)
        return logits.squeeze(1)


def _weighted(network: nn.Module) -> list[nn.Module]:
    kinds = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    return [module for module in network.modules() if isinstance(module, kinds)]


def initialise(network: nn.Module, distribution: str, gain: float, random: torch.Generator) -> None:
    """Draws all weights anew and sets biases to 0; normalisations keep scale 1 and shift 0.

    Args:
        network: Any network of linear and convolutional layers.
        distribution: `normal` (standard deviation `gain`), `xavier_normal`, `xavier_uniform`
            (Glorot 2010) or `kaiming_normal` (He 2015), the last three scaled by `gain`.
        gain: Above 0.
        random: Where the numbers come from, on the CPU.
    """
    for module in _weighted(network):
        weight, bias = module.weight, module.bias
        assert isinstance(weight, Tensor)
        with torch.no_grad():
            if distribution == "normal":
                nn.init.normal_(weight, 0.0, gain, generator=random)
            elif distribution == "xavier_normal":
                nn.init.xavier_normal_(weight, gain, generator=random)
            elif distribution == "xavier_uniform":
                nn.init.xavier_uniform_(weight, gain, generator=random)
            else:
                nn.init.kaiming_normal_(weight, generator=random)
                weight.mul_(gain)
            if isinstance(bias, Tensor):
                bias.zero_()


def build(
    specification: GanSpecification, size: int, channels: int, classes: int, seed: int
) -> tuple[Generator, Discriminator]:
    """Generator and discriminator with initial weights that depend on the seed alone."""
    random = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        # Layers and spectral norm draw from the global state while they are made.
        torch.manual_seed(seed)
        generator = Generator(specification, size, channels, classes)
        discriminator = Discriminator(specification, size, channels + classes)
        for network, normalised in (
            (generator, specification.generator_spectral_norm),
            (discriminator, specification.discriminator_spectral_norm),
        ):
            initialise(network, specification.weight_init, specification.init_gain, random)
            if normalised:
                for module in _weighted(network):
                    spectral_norm(module)
    return generator, discriminator
