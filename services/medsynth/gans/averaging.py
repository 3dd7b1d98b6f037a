"""Averaged weights: what is sampled, exported and scored.

The generator's weights are averaged exponentially with a half-life in images (Karras 2018), and
batch statistics, which belong to no single set of weights, are estimated anew on the average.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

RAMP = 0.05
"""The half-life never exceeds this share of the images seen, so that the random initial weights
are forgotten in short trainings too (Karras 2020)."""

REESTIMATION_BATCHES = 32
"""Batches from which statistics are estimated."""


class AveragedWeights:
    """An exponential average of a network's weights.

    Args:
        network: The network that is trained.
        half_life: Images after which a weight's share has halved; 0 follows the network itself.
    """

    def __init__(self, network: nn.Module, half_life: float) -> None:
        self.half_life = half_life
        self.network = copy.deepcopy(network).requires_grad_(False)

    @torch.no_grad()
    def update(self, network: nn.Module, images: int, step: int) -> None:
        """Takes in the network after a step.

        Args:
            network: The network that is trained.
            images: Real images seen, this step included.
            step: Real images of this step.
        """
        half_life = min(self.half_life, images * RAMP)
        weight = 1.0 - 0.5 ** (step / half_life) if half_life > 0 else 1.0
        mine: list[Tensor] = list(self.network.parameters())
        torch._foreach_lerp_(mine, [p.detach() for p in network.parameters()], weight)
        for buffer, newest in zip(self.network.buffers(), network.buffers(), strict=True):
            buffer.copy_(newest)

    def ready(self, batch_size: int, random: torch.Generator) -> nn.Module:
        """A copy for sampling: statistics re-estimated, spectral norms folded in, `eval` mode.

        Args:
            batch_size: Latents in each batch of the re-estimation.
            random: Draws the latents.
        """
        network = copy.deepcopy(self.network)
        reestimate_statistics(network, batch_size, random)
        for module in list(network.modules()):
            if parametrize.is_parametrized(module):
                for name in list(module.parametrizations):  # type: ignore[arg-type]
                    parametrize.remove_parametrizations(module, name)
        return network.eval().requires_grad_(False)


@torch.no_grad()
def reestimate_statistics(network: nn.Module, batch_size: int, random: torch.Generator) -> None:
    """Sets batch statistics (and spectral norms' vectors) to those of the present weights.

    Nothing happens to a network without either.

    Args:
        network: A generator of latents (N, network.latent_dim).
        batch_size: Latents in each of `REESTIMATION_BATCHES` batches.
        random: Draws the latents.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    if not norms and not any(parametrize.is_parametrized(m) for m in network.modules()):
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    network.train()
    latent_dim = int(network.latent_dim)  # type: ignore[arg-type]
    for _ in range(REESTIMATION_BATCHES):
        latent: Tensor = torch.randn(batch_size, latent_dim, generator=random, device=random.device)
        network(latent)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
