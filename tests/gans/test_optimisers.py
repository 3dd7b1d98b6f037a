from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from torch import nn

from medsynth.gans.optimisers import Adam, Optimiser, RMSprop

Make = Callable[[nn.Module], Optimiser]

ADAM: Make = lambda network: Adam(network.parameters(), 0.01, 0.5, 0.9)  # noqa: E731
RMSPROP: Make = lambda network: RMSprop(network.parameters(), 0.01)  # noqa: E731


def make_network() -> nn.Module:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 8, 3), nn.Flatten(), nn.Linear(72, 3))
    return network.to(memory_format=torch.channels_last)


def learn(network: nn.Module, optimiser: Optimiser | torch.optim.Optimizer, steps: range) -> None:
    for step in steps:
        images = torch.randn(4, 2, 5, 5, generator=torch.Generator().manual_seed(step))
        optimiser.zero_grad()
        network(images).square().mean().backward()
        optimiser.step()


def weights(network: nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in network.parameters()]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (ADAM, lambda n: torch.optim.Adam(n.parameters(), 0.01, (0.5, 0.9), fused=True)),
        (RMSPROP, lambda n: torch.optim.RMSprop(n.parameters(), 0.01, foreach=True)),
    ],
)
def test_the_weights_are_those_of_pytorchs_optimiser(ours: Make, theirs: Make) -> None:
    one, other = make_network(), make_network()
    learn(one, ours(one), range(20))
    learn(other, theirs(other), range(20))
    for mine, its in zip(weights(one), weights(other), strict=True):
        assert torch.equal(mine, its)


@pytest.mark.parametrize("make", [ADAM, RMSPROP])
def test_a_restored_optimiser_goes_on_with_the_same_bits(make: Make) -> None:
    whole = make_network()
    learn(whole, make(whole), range(20))
    begun = make_network()
    optimiser = make(begun)
    learn(begun, optimiser, range(7))
    resumed = make_network()
    resumed.load_state_dict(begun.state_dict())
    restored = make(resumed)
    restored.load_state_dict(optimiser.state_dict())
    learn(resumed, restored, range(7, 20))
    for mine, its in zip(weights(resumed), weights(whole), strict=True):
        assert torch.equal(mine, its)


@pytest.mark.parametrize("preset", ["hinge", "wgan"])
def test_training_does_not_wait_for_the_compiler(preset: str) -> None:
    program = (
        "import sys\n"
        "from tests.gans.tiny import game, tiny\n"
        f"playing = game(tiny({preset!r}))\n"
        "playing.step()\n"
        "print([name for name in ('torch._dynamo', 'torch._inductor') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ran.stdout == b"[]\n"
