from __future__ import annotations

import copy

import pytest
import torch

from medsynth.gans import adversarial, augmentation
from medsynth.gans.adversarial import METRICS, AdversarialTraining, derived_seed
from medsynth.gans.presets import PRESETS
from tests.gans.tiny import game, tiny


def weights(network: torch.nn.Module) -> list[torch.Tensor]:
    return [p.detach().clone() for p in network.parameters()]


def same(one: list[torch.Tensor], two: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("preset", PRESETS)
def test_a_step_moves_both_and_counts_what_the_discriminator_saw(preset: str) -> None:
    playing = game(tiny(preset))
    before = weights(playing.generator), weights(playing.discriminator)
    values = playing.step()
    assert values.shape == (len(METRICS),)
    assert values.isfinite().all()
    assert not values.requires_grad
    assert playing.images == 8 * playing.specification.discriminator_steps
    assert not same(before[0], weights(playing.generator))
    assert not same(before[1], weights(playing.discriminator))


def test_the_discriminators_step_does_not_reach_the_generator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    playing = game(tiny("wgan-gp", discriminator_steps=1))
    before = weights(playing.generator)
    reached: list[bool] = []

    def look(self: AdversarialTraining, fake: torch.Tensor) -> torch.Tensor:
        reached.append(any(p.grad is not None for p in self.generator.parameters()))
        return torch.zeros(())

    monkeypatch.setattr(AdversarialTraining, "_improve_generator", look)
    playing.step()
    assert reached == [False]
    assert same(before, weights(playing.generator))


def test_the_generators_step_leaves_the_discriminator_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    playing = game(tiny())
    improve = AdversarialTraining._improve_generator
    changed: list[bool] = []

    def look(self: AdversarialTraining, fake: torch.Tensor) -> torch.Tensor:
        before = weights(self.discriminator)
        loss = improve(self, fake)
        changed.append(not same(before, weights(self.discriminator)))
        return loss

    monkeypatch.setattr(AdversarialTraining, "_improve_generator", look)
    playing.step()
    assert changed == [False]
    assert all(p.requires_grad for p in playing.discriminator.parameters())


def test_clipping_bounds_every_weight_of_the_critic_alone() -> None:
    playing = game(tiny("wgan", clip_value=0.0078125))
    playing.step()
    assert max(p.abs().max().item() for p in playing.discriminator.parameters()) <= 0.0078125
    assert max(p.abs().max().item() for p in playing.generator.parameters()) > 0.0078125


def test_the_penalty_is_part_of_the_critics_loss() -> None:
    losses = []
    for weight in (0.0, 1000.0):
        playing = game(tiny("wgan-gp", gradient_penalty_weight=weight))
        losses.append(playing.step()[METRICS.index("loss/discriminator")].item())
    assert losses[1] > losses[0] + 10


def test_real_and_generated_images_are_augmented_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    draws: list[augmentation.Parameters] = []
    used: list[augmentation.Parameters] = []
    draw, apply = augmentation.draw, augmentation.apply
    monkeypatch.setattr(
        adversarial.augmentation, "draw", lambda *a: draws.append(draw(*a)) or draws[-1]
    )
    monkeypatch.setattr(
        adversarial.augmentation, "apply", lambda j, p, c: used.append(p) or apply(j, p, c)
    )
    game(tiny(differentiable_augmentation=True)).step()
    assert [id(p) for p in used] == [id(draws[0]), id(draws[0]), id(draws[1])]
    used.clear()
    game(tiny()).step()
    assert not used


def test_state_restores_everything_the_next_steps_depend_on() -> None:
    spec = tiny(differentiable_augmentation=True, generator_spectral_norm=True)
    playing, other = game(spec), game(spec, seed=5)
    for _ in range(3):
        playing.step()
    other._order = playing._order
    other.restore(copy.deepcopy(playing.state()))
    for _ in range(3):
        assert torch.equal(playing.step(), other.step())
    assert same(weights(playing.averaged.network), weights(other.averaged.network))


def test_spectral_norms_are_estimated_once_for_each_player_and_step() -> None:
    playing = game(tiny(generator_spectral_norm=True))
    counts = {"generator": 0, "discriminator": 0}
    for name, network in (
        ("generator", playing.generator.project),
        ("discriminator", playing.discriminator.judge),
    ):

        def count(*_: object, name: str = name) -> None:
            counts[name] += 1

        network.parametrizations.weight[0].register_forward_hook(count)
    playing.step()
    assert counts == {"generator": 1, "discriminator": 2}


def test_logits_and_losses_are_float32_under_mixed_precision() -> None:
    playing = game(tiny(), precision="bfloat16")
    assert playing.step().dtype == torch.float32
    assert playing._judge(playing._generate()).dtype == torch.float32
    assert {p.dtype for p in playing.generator.parameters()} == {torch.float32}


def test_derived_seeds_are_independent() -> None:
    seeds = {derived_seed(seed, purpose) for seed in range(50) for purpose in ("a", "b")}
    assert len(seeds) == 100
    assert all(0 <= seed < 2**63 for seed in seeds)
