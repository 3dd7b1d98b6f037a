"""Adversarial objectives: each a pair of functions on logits.

Logits are what the discriminator's last layer gives, (N,), without a sigmoid or tanh. All losses
are means over the batch and are minimised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

Discriminator = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Objective:
    """What the two players minimise.

    Attributes:
        discriminator: Of the logits of real and of generated images.
        generator: Of the logits of generated images.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


def bce(label_smoothing: float = 0.0) -> Objective:
    """Cross-entropy with the non-saturating generator (Goodfellow 2014).

    Args:
        label_smoothing: How far the target for real images lies below 1 (one-sided, Salimans
            2016); generated images keep 0 and the generator keeps 1.
    """
    target = 1.0 - label_smoothing

    def discriminator(real: Tensor, fake: Tensor) -> Tensor:
        on_real = target * softplus(-real) + (1.0 - target) * softplus(real)
        return on_real.mean() + softplus(fake).mean()

    return Objective(discriminator, lambda fake: softplus(-fake).mean())


def lsgan(label_smoothing: float = 0.0) -> Objective:
    """Least squares with targets 0 and 1 (Mao 2017, equation 9); smoothing as for `bce`."""
    target = 1.0 - label_smoothing
    return Objective(
        lambda real, fake: 0.5 * ((real - target) ** 2).mean() + 0.5 * (fake**2).mean(),
        lambda fake: 0.5 * ((fake - 1.0) ** 2).mean(),
    )


def wasserstein() -> Objective:
    """Difference of means (Arjovsky 2017); the critic has to be kept Lipschitz elsewhere."""
    return Objective(lambda real, fake: fake.mean() - real.mean(), lambda fake: -fake.mean())


def hinge() -> Objective:
    """Margins (Lim and Ye 2017): the generator follows the raw logits."""
    return Objective(
        lambda real, fake: relu(1.0 - real).mean() + relu(1.0 + fake).mean(),
        lambda fake: -fake.mean(),
    )


def objective(name: str, label_smoothing: float = 0.0) -> Objective:
    """The objective of a specification; `wasserstein_gp` adds `gradient_penalty` to its critic."""
    if name == "bce":
        return bce(label_smoothing)
    if name == "lsgan":
        return lsgan(label_smoothing)
    return hinge() if name == "hinge" else wasserstein()


def gradient_penalty(
    discriminator: Discriminator, real: Tensor, fake: Tensor, random: torch.Generator
) -> Tensor:
    """Mean squared distance from 1 of each image's own gradient norm (Gulrajani 2017, equation 3).

    Args:
        discriminator: Without batch normalisation, which would mix the images' gradients.
        real: (N, C, H, W).
        fake: Of the same shape; its graph is not followed.
        random: Draws one point between real and generated for each image.

    Returns:
        A scalar, to be multiplied by the penalty's weight.
    """
    shape = (len(real), *[1] * (real.dim() - 1))
    share = torch.rand(shape, generator=random, device=real.device, dtype=real.dtype)
    between = torch.lerp(real.detach(), fake.detach(), share).requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(between).sum(), between, create_graph=True)
    norms = gradient.flatten(1).norm(dim=1)
    penalty: Tensor = (norms - 1.0).square().mean()
    return penalty
