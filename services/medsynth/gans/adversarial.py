"""How one step of adversarial training runs, and everything that has to survive between steps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from medsynth.gans import augmentation, networks, objectives
from medsynth.gans.arithmetic import Arithmetic
from medsynth.gans.averaging import AveragedWeights
from medsynth.gans.dataset import ResidentDataset
from medsynth.gans.optimisers import Adam, Optimiser, RMSprop
from medsynth.gans.specification import GanSpecification

METRICS = ("loss/generator", "loss/discriminator", "logits/real", "logits/fake")


def derived_seed(seed: int, purpose: str) -> int:
    """One of many independent seeds that follow from a run's seed; 0 to 2^63-1."""
    digest = hashlib.sha256(f"{purpose} {seed}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


class AdversarialTraining:
    """Two networks, their optimisers, the average, random numbers and the place in the data.

    Args:
        specification: A valid specification.
        dataset: What the discriminator is shown.
        arithmetic: Device and precision.
        seed: Seed of every random number.
        foreground_share: As in `ResidentDataset.order`.
    """

    def __init__(
        self,
        specification: GanSpecification,
        dataset: ResidentDataset,
        arithmetic: Arithmetic,
        seed: int,
        foreground_share: float = 0.0,
    ) -> None:
        self.specification, self.dataset, self.arithmetic = specification, dataset, arithmetic
        self.images = 0
        """Real images that the discriminator was shown."""
        generator, discriminator = networks.build(
            specification,
            dataset.size,
            dataset.channels,
            dataset.classes,
            derived_seed(seed, "weights"),
        )
        self.generator = arithmetic.place(generator)
        self.discriminator = arithmetic.place(discriminator)
        self.averaged = AveragedWeights(self.generator, specification.ema_half_life)
        self._generator_step = _optimiser(
            specification, self.generator, specification.generator_learning_rate
        )
        self._discriminator_step = _optimiser(
            specification, self.discriminator, specification.discriminator_learning_rate
        )
        self._scaler = torch.amp.GradScaler(
            arithmetic.device.type, enabled=arithmetic.precision == "float16"
        )
        self._objective = objectives.objective(
            specification.objective, specification.label_smoothing
        )
        self._order = dataset.order(derived_seed(seed, "order"), foreground_share)
        self._noise = self._random(seed, "noise")
        self._augmentation = self._random(seed, "augmentation")

    def step(self) -> Tensor:
        """The discriminator's steps, then one of the generator.

        Returns:
            The values of `METRICS`, float32 on the device; nothing waits for them.
        """
        steps = self.specification.discriminator_steps
        for number in range(steps):
            indices = self._order.take(self.images, self.specification.batch_size)
            real = self.dataset.batch(indices)
            # The generator is judged on the last fakes that the discriminator learned from.
            with torch.set_grad_enabled(number == steps - 1):
                fake = self._generate()
            on_discriminator = self._improve_discriminator(real, fake.detach())
            self.images += len(real)
        on_generator = self._improve_generator(fake)
        self.averaged.update(self.generator, self.images, self.specification.images_per_step)
        return torch.stack([on_generator, *on_discriminator])

    def ready_generator(self, seed: int) -> nn.Module:
        """The averaged generator as it is sampled and exported; changes nothing here."""
        return self.averaged.ready(
            self.specification.batch_size, self._random(seed, "batch statistics")
        )

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "images": self.images,
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "averaged": self.averaged.network.state_dict(),
            "generator_step": self._generator_step.state_dict(),
            "discriminator_step": self._discriminator_step.state_dict(),
            "scaler": self._scaler.state_dict(),
            "noise": self._noise.get_state(),
            "augmentation": self._augmentation.get_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Reverses `state`."""
        self.images = state["images"]
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.averaged.network.load_state_dict(state["averaged"])
        self._generator_step.load_state_dict(state["generator_step"])
        self._discriminator_step.load_state_dict(state["discriminator_step"])
        self._scaler.load_state_dict(state["scaler"])
        self._noise.set_state(state["noise"])
        self._augmentation.set_state(state["augmentation"])

    def _random(self, seed: int, purpose: str) -> torch.Generator:
        device = self.arithmetic.device
        return torch.Generator(device).manual_seed(derived_seed(seed, purpose))

    def _generate(self) -> Tensor:
        shape = (self.specification.batch_size, self.specification.latent_dim)
        latent = torch.randn(shape, generator=self._noise, device=self.arithmetic.device)
        with _weights_once(self.generator), self.arithmetic.autocast():
            joint: Tensor = self.generator(latent)
        return joint.float()

    def _augmented(self, *batches: Tensor) -> tuple[Tensor, ...]:
        if not self.specification.differentiable_augmentation:
            return batches
        size = self.dataset.size
        parameters = augmentation.draw(len(batches[0]), size, self._augmentation)
        channels = self.dataset.channels
        return tuple(augmentation.apply(batch, parameters, channels) for batch in batches)

    def _judge(self, joint: Tensor) -> Tensor:
        with self.arithmetic.autocast():
            logits: Tensor = self.discriminator(joint)
        return logits.float()

    def _improve_discriminator(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        real, fake = self._augmented(real, fake)
        with _weights_once(self.discriminator):
            on_real, on_fake = self._judge(real), self._judge(fake)
            loss = self._objective.discriminator(on_real, on_fake)
            if weight := self.specification.gradient_penalty_weight:
                penalty = objectives.gradient_penalty(self.discriminator, real, fake, self._noise)
                loss = loss + weight * penalty
        self._descend(loss, self._discriminator_step)
        if bound := self.specification.clip_value:
            clip_weights(self.discriminator, bound)
        return loss.detach(), on_real.detach().mean(), on_fake.detach().mean()

    def _improve_generator(self, fake: Tensor) -> Tensor:
        self.discriminator.requires_grad_(False)
        (seen,) = self._augmented(fake)
        with _weights_once(self.discriminator):
            loss = self._objective.generator(self._judge(seen))
        self._descend(loss, self._generator_step)
        self.discriminator.requires_grad_(True)
        return loss.detach()

    def _descend(self, loss: Tensor, optimiser: Optimiser) -> None:
        optimiser.zero_grad()
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self._scaler.step(optimiser)  # type: ignore[arg-type]
        self._scaler.update()


@torch.no_grad()
def clip_weights(network: nn.Module, bound: float) -> None:
    """Brings every parameter into [-bound, bound] (Arjovsky 2017)."""
    parameters: list[Tensor] = list(network.parameters())
    torch._foreach_clamp_min_(parameters, -bound)
    torch._foreach_clamp_max_(parameters, bound)


@contextmanager
def _weights_once(network: nn.Module) -> Iterator[None]:
    """Computes spectrally normalised weights once, in float32, for all passes inside."""
    with parametrize.cached():
        for module in network.modules():
            if parametrize.is_parametrized(module):
                _ = module.weight
        yield


def _optimiser(specification: GanSpecification, network: nn.Module, rate: float) -> Optimiser:
    if specification.optimiser == "rmsprop":
        return RMSprop(network.parameters(), rate)
    return Adam(network.parameters(), rate, specification.beta1, specification.beta2)
