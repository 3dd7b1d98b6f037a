from __future__ import annotations

import pytest
import torch
from torch import nn

from medsynth.gans.networks import Discriminator, Generator, build, initialise, widths
from medsynth.gans.specification import ACTIVATIONS, NORMALISATIONS, SIZES, WEIGHT_INITS
from tests.gans.tiny import tiny


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("channels", "classes"), [(1, 4), (3, 0), (8, 2)])
def test_shapes(size: int, channels: int, classes: int) -> None:
    generator, discriminator = build(tiny(), size, channels, classes, seed=0)
    joint = generator(torch.randn(3, 8))
    assert joint.shape == (3, channels + classes, size, size)
    assert joint.abs().max() <= 1
    assert discriminator(joint).shape == (3,)


def test_widths_double_with_each_halving_up_to_eight_times() -> None:
    assert widths(64, 64) == [64, 128, 256, 512]
    assert widths(16, 256) == [16, 32, 64, 128, 128, 128]


@pytest.mark.parametrize("norm", NORMALISATIONS)
@pytest.mark.parametrize("act", ACTIVATIONS)
def test_each_activation_and_normalisation(norm: str, act: str) -> None:
    kinds = {
        "batch": nn.BatchNorm2d,
        "instance": nn.InstanceNorm2d,
        "layer": nn.GroupNorm,
    }
    spec = tiny(
        generator_normalisation=norm,
        discriminator_normalisation=norm,
        generator_activation=act,
        discriminator_activation=act,
    )
    generator, discriminator = build(spec, 32, 1, 2, seed=0)
    discriminator(generator(torch.randn(2, 8))).sum().backward()
    for network in (generator, discriminator):
        found = {type(m) for m in network.modules()} & set(kinds.values())
        assert found == ({kinds[norm]} if norm != "none" else set())
        assert all(p.grad is not None for p in network.parameters())


def test_there_is_no_norm_on_the_discriminators_first_layer() -> None:
    _, discriminator = build(tiny(discriminator_normalisation="batch"), 32, 1, 0, seed=0)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in discriminator.narrow[0])


def test_logits_are_raw() -> None:
    discriminator = Discriminator(tiny(discriminator_spectral_norm=False), 32, 2)
    joint = torch.randn(4, 2, 32, 32)
    before = discriminator(joint)
    with torch.no_grad():
        # A power of two: not a bit is rounded.
        discriminator.judge.weight.mul_(1024)
        discriminator.judge.bias.mul_(1024)
    assert torch.equal(discriminator(joint), before * 1024)


def test_spectral_norm_makes_weights_of_norm_one() -> None:
    generator, discriminator = build(tiny(generator_spectral_norm=True), 32, 1, 2, seed=0)
    for network, inputs in ((generator, (4, 8)), (discriminator, (4, 3, 32, 32))):
        for _ in range(50):
            network(torch.randn(inputs))
        for module in network.modules():
            if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                weight = module.weight.detach()
                if isinstance(module, nn.ConvTranspose2d):
                    weight = weight.transpose(0, 1)
                norm = torch.linalg.matrix_norm(weight.flatten(1), 2)
                assert norm == pytest.approx(1, abs=0.02)
    plain, _ = build(tiny(), 32, 1, 2, seed=0)
    assert "project.weight" in plain.state_dict()


@pytest.mark.parametrize("distribution", WEIGHT_INITS)
def test_initial_weights(distribution: str) -> None:
    layer = nn.Linear(400, 300)
    initialise(layer, distribution, 0.5, torch.Generator().manual_seed(0))
    expected = {
        "normal": 0.5,
        "xavier_normal": 0.5 * (2 / 700) ** 0.5,
        "xavier_uniform": 0.5 * (2 / 700) ** 0.5,
        "kaiming_normal": 0.5 * (2 / 400) ** 0.5,
    }
    assert layer.weight.std().item() == pytest.approx(expected[distribution], rel=0.02)
    assert layer.bias.abs().max() == 0


def test_weights_follow_from_the_seed_and_nothing_else() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = build(tiny(), 32, 1, 2, seed=5)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    second, other = build(tiny(), 32, 1, 2, seed=5), build(tiny(), 32, 1, 2, seed=6)
    for one, two, three in zip(first, second, other, strict=True):
        for name, value in one.state_dict().items():
            assert torch.equal(value, two.state_dict()[name])
        weights = [n.state_dict() for n in (one, three)]
        assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_the_generator_is_the_same_function_for_every_batch() -> None:
    generator = Generator(tiny(), 32, 1, 2).eval()
    latent = torch.randn(5, 8)
    alone = torch.cat([generator(row[None]) for row in latent])
    torch.testing.assert_close(generator(latent), alone)
