from __future__ import annotations

import pytest
import torch
from torch import nn

from medsynth.gans.averaging import RAMP, AveragedWeights, reestimate_statistics
from medsynth.gans.networks import build
from tests.gans.tiny import tiny


def test_a_weights_share_halves_after_the_half_life() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    averaged = AveragedWeights(network, half_life=1000)
    nn.init.ones_(network.weight)
    far = 10**9
    for _ in range(10):
        averaged.update(network, images=far, step=100)
    assert averaged.network.weight.item() == pytest.approx(0.5, abs=1e-5)
    averaged.update(network, images=far, step=2000)
    assert averaged.network.weight.item() == pytest.approx(0.875, abs=1e-5)


def test_a_half_life_of_zero_follows_the_network() -> None:
    network = nn.Linear(2, 2)
    averaged = AveragedWeights(network, half_life=0)
    nn.init.normal_(network.weight)
    averaged.update(network, images=10, step=1)
    assert torch.equal(averaged.network.weight, network.weight)


def test_initial_weights_are_forgotten_in_short_trainings() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    averaged = AveragedWeights(network, half_life=10**9)
    nn.init.ones_(network.weight)
    for step in range(1, 101):
        averaged.update(network, images=64 * step, step=64)
    assert averaged.network.weight.item() > 1 - 1e-6
    assert RAMP < 1


def test_statistics_are_those_of_the_averaged_weights() -> None:
    generator, _ = build(tiny(), 32, 1, 2, seed=0)
    averaged = AveragedWeights(generator, half_life=1)
    for norm in (m for m in averaged.network.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.running_mean.fill_(50)
        norm.running_var.fill_(1000)
    ready = averaged.ready(64, torch.Generator().manual_seed(0))
    assert not ready.training
    latent = torch.randn(4096, 8, generator=torch.Generator().manual_seed(9))
    features = ready.project(latent).reshape(4096, -1, 4, 4)
    norm = ready.start[0]
    torch.testing.assert_close(norm.running_mean, features.mean((0, 2, 3)), atol=2e-3, rtol=0.1)
    torch.testing.assert_close(norm.running_var, features.var((0, 2, 3)), atol=1e-4, rtol=0.1)
    assert averaged.network.start[0].running_mean[0] == 50


def test_the_served_function_matches_the_trained_one() -> None:
    """In `train` mode batch statistics come from the batch: for a large one both agree."""
    generator, _ = build(tiny(), 32, 1, 2, seed=0)
    averaged = AveragedWeights(generator, half_life=1)
    ready = averaged.ready(64, torch.Generator().manual_seed(0))
    latent = torch.randn(1024, 8, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(ready(latent), generator.train()(latent), atol=0.05, rtol=0.1)


def test_spectral_norms_are_folded_in() -> None:
    generator, _ = build(tiny(generator_spectral_norm=True), 32, 1, 2, seed=0)
    assert "project.parametrizations.weight.original" in generator.state_dict()
    for _ in range(100):
        generator(torch.randn(2, 8))
    ready = AveragedWeights(generator, 1).ready(8, torch.Generator().manual_seed(0))
    assert "project.weight" in ready.state_dict()
    assert torch.linalg.matrix_norm(ready.project.weight, 2) == pytest.approx(1, abs=0.01)
    assert not any(p.requires_grad for p in ready.parameters())


def test_estimating_keeps_momenta_and_depends_on_the_seed_alone() -> None:
    generator, _ = build(tiny(), 32, 1, 2, seed=0)
    reestimate_statistics(generator, 8, torch.Generator().manual_seed(0))
    first = {name: value.clone() for name, value in generator.state_dict().items()}
    reestimate_statistics(generator, 8, torch.Generator().manual_seed(0))
    for name, value in generator.state_dict().items():
        assert torch.equal(first[name], value)
    norms = [m for m in generator.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {norm.momentum for norm in norms} == {0.1}
