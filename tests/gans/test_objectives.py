from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from medsynth.gans.objectives import gradient_penalty, objective

REAL = torch.tensor([2.0, -0.5, 0.3])
FAKE = torch.tensor([-1.5, 0.7])


def log_sigmoid(x: float) -> float:
    return -math.log1p(math.exp(-x))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


CLOSED_FORMS = {
    "bce": (
        -mean([log_sigmoid(r) for r in REAL.tolist()])
        - mean([math.log(1 - 1 / (1 + math.exp(-f))) for f in FAKE.tolist()]),
        -mean([log_sigmoid(f) for f in FAKE.tolist()]),
    ),
    "lsgan": (
        0.5 * mean([(r - 1) ** 2 for r in REAL.tolist()])
        + 0.5 * mean([f**2 for f in FAKE.tolist()]),
        0.5 * mean([(f - 1) ** 2 for f in FAKE.tolist()]),
    ),
    "wasserstein": (mean(FAKE.tolist()) - mean(REAL.tolist()), -mean(FAKE.tolist())),
    "wasserstein_gp": (mean(FAKE.tolist()) - mean(REAL.tolist()), -mean(FAKE.tolist())),
    "hinge": (
        mean([max(0.0, 1 - r) for r in REAL.tolist()])
        + mean([max(0.0, 1 + f) for f in FAKE.tolist()]),
        -mean(FAKE.tolist()),
    ),
}


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_closed_forms(name: str) -> None:
    on_discriminator, on_generator = CLOSED_FORMS[name]
    losses = objective(name)
    assert losses.discriminator(REAL, FAKE).item() == pytest.approx(on_discriminator, rel=1e-6)
    assert losses.generator(FAKE).item() == pytest.approx(on_generator, rel=1e-6)


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_the_generator_raises_and_the_discriminator_lowers_fake_logits(name: str) -> None:
    fake = torch.full((3,), -0.2, requires_grad=True)
    (upwards,) = torch.autograd.grad(objective(name).generator(fake), fake)
    assert (upwards < 0).all()
    fake = torch.full((3,), 0.2, requires_grad=True)
    (downwards,) = torch.autograd.grad(objective(name).discriminator(REAL, fake), fake)
    assert (downwards > 0).all()


def test_hinge_follows_raw_logits_beyond_the_margin() -> None:
    fake = torch.tensor([50.0, -50.0], requires_grad=True)
    (gradient,) = torch.autograd.grad(objective("hinge").generator(fake), fake)
    assert gradient.tolist() == [-0.5, -0.5]


@pytest.mark.parametrize("name", ["bce", "lsgan"])
def test_losses_stay_finite_for_extreme_logits(name: str) -> None:
    extreme = torch.tensor([300.0, -300.0])
    assert objective(name).discriminator(extreme, extreme).isfinite()
    assert objective(name).generator(extreme).isfinite()


def test_smoothing_moves_the_real_target_alone() -> None:
    for name, best in (("bce", math.log(0.8 / 0.2)), ("lsgan", 0.8)):
        plain, smooth = objective(name), objective(name, 0.2)
        real = torch.tensor([best], requires_grad=True)
        (at_target,) = torch.autograd.grad(smooth.discriminator(real, FAKE), real)
        assert at_target.item() == pytest.approx(0, abs=1e-6)
        fakes = [FAKE.clone().requires_grad_() for _ in range(2)]
        gradients = [
            torch.autograd.grad(losses.discriminator(REAL, fake), fake)[0]
            for losses, fake in zip((plain, smooth), fakes, strict=True)
        ]
        torch.testing.assert_close(*gradients)
        assert smooth.generator(FAKE) == plain.generator(FAKE)


class Slopes(nn.Module):
    """Each image has a critic of its own: logit k is slope k times the sum of image k."""

    def __init__(self, slopes: list[float]) -> None:
        super().__init__()
        self.slopes = nn.Parameter(torch.tensor(slopes))

    def forward(self, joint: Tensor) -> Tensor:
        return self.slopes * joint.flatten(1).sum(1)


def test_the_penalty_is_on_each_images_own_gradient() -> None:
    real, fake = torch.randn(3, 2, 4, 4), torch.randn(3, 2, 4, 4)
    critic = Slopes([0.1, 0.5, 2.0])
    penalty = gradient_penalty(critic, real, fake, torch.Generator().manual_seed(0))
    root = math.sqrt(2 * 4 * 4)
    expected = mean([(slope * root - 1) ** 2 for slope in (0.1, 0.5, 2.0)])
    assert penalty.item() == pytest.approx(expected, rel=1e-5)
    penalty.backward()
    wanted = [2 / 3 * (slope * root - 1) * root for slope in (0.1, 0.5, 2.0)]
    assert critic.slopes.grad is not None
    assert critic.slopes.grad.tolist() == pytest.approx(wanted, rel=1e-5)


def test_the_penalty_is_taken_between_the_pair_with_one_point_for_each_image() -> None:
    seen: list[Tensor] = []

    def critic(joint: Tensor) -> Tensor:
        seen.append(joint.detach())
        return joint.flatten(1).square().sum(1)

    real, fake = torch.zeros(50, 1, 2, 2), torch.ones(50, 1, 2, 2)
    gradient_penalty(critic, real, fake, torch.Generator().manual_seed(0))
    (points,) = seen
    assert (points.amax((1, 2, 3)) == points.amin((1, 2, 3))).all()
    assert len(points[:, 0, 0, 0].unique()) == 50
    assert points.min() >= 0
    assert points.max() <= 1


def test_the_penalty_does_not_reach_the_generator() -> None:
    fake = torch.randn(2, 1, 4, 4, requires_grad=True)
    critic = Slopes([1.0, 2.0])
    gradient_penalty(critic, torch.randn(2, 1, 4, 4), fake, torch.Generator()).backward()
    assert fake.grad is None
