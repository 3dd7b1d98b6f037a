"""The loops that a good engineer would write by hand for the same two networks.

Both train a DCGAN as PyTorch's own tutorial does: the discriminator on a real and on a generated
batch, then the generator on the same generated batch. `plain` takes PyTorch as it comes; `tuned`
gets every setting that costs one line. Neither averages weights, writes checkpoints or reports.
"""

from __future__ import annotations

import os
import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot
from torch.utils.data import DataLoader, Dataset

from medsynth.gans import networks
from medsynth.gans.specification import GanSpecification

Bytes = NDArray[np.uint8]


def plain(
    specification: GanSpecification, images: Bytes, masks: Bytes, classes: int, shown: int
) -> float:
    """Images per second of a loop without any setting: data through a `DataLoader`.

    Args:
        specification: Of a DCGAN.
        images: uint8 (N, C, S, S).
        masks: Labels, uint8 (N, S, S).
        classes: Number of labels.
        shown: Real images to train on; whole batches.
    """
    generator, discriminator = _networks(specification, images, classes)
    on_generator = torch.optim.Adam(
        generator.parameters(), specification.generator_learning_rate, betas=_betas(specification)
    )
    on_discriminator = torch.optim.Adam(
        discriminator.parameters(),
        specification.discriminator_learning_rate,
        betas=_betas(specification),
    )
    batch_size = specification.batch_size
    loader = DataLoader(
        Pairs(images, masks, classes), batch_size=batch_size, shuffle=True, drop_last=True
    )
    done, began = 0, time.perf_counter()
    while done < shown:
        for real in loader:
            fake = generator(torch.randn(batch_size, specification.latent_dim))

            discriminator.zero_grad()
            loss = _loss(discriminator(real), 1.0) + _loss(discriminator(fake.detach()), 0.0)
            loss.backward()  # type: ignore[no-untyped-call]
            on_discriminator.step()

            generator.zero_grad()
            loss = _loss(discriminator(fake), 1.0)
            loss.backward()  # type: ignore[no-untyped-call]
            on_generator.step()

            done += batch_size
            if done >= shown:
                break
    return done / (time.perf_counter() - began)


def tuned(
    specification: GanSpecification, images: Bytes, masks: Bytes, classes: int, shown: int
) -> float:
    """As `plain`, with every one-line setting.

    Network tensors ready in memory, channels last, fused Adam, no gradients for weights that a
    step does not change, the number of threads set to that of the cores.
    """
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    generator, discriminator = _networks(specification, images, classes)
    generator.to(memory_format=torch.channels_last)
    discriminator.to(memory_format=torch.channels_last)
    on_generator = torch.optim.Adam(
        generator.parameters(),
        specification.generator_learning_rate,
        betas=_betas(specification),
        fused=True,
    )
    on_discriminator = torch.optim.Adam(
        discriminator.parameters(),
        specification.discriminator_learning_rate,
        betas=_betas(specification),
        fused=True,
    )
    batch_size = specification.batch_size
    pairs = Pairs(images, masks, classes)
    joint = torch.stack([pairs[index] for index in range(len(pairs))])
    joint = joint.to(memory_format=torch.channels_last)
    done, began = 0, time.perf_counter()
    while done < shown:
        order = torch.randperm(len(joint))[: len(joint) // batch_size * batch_size]
        for indices in order.view(-1, batch_size):
            real = joint[indices].contiguous(memory_format=torch.channels_last)
            fake = generator(torch.randn(batch_size, specification.latent_dim))

            on_discriminator.zero_grad(set_to_none=True)
            loss = _loss(discriminator(real), 1.0) + _loss(discriminator(fake.detach()), 0.0)
            loss.backward()  # type: ignore[no-untyped-call]
            on_discriminator.step()

            discriminator.requires_grad_(False)
            on_generator.zero_grad(set_to_none=True)
            loss = _loss(discriminator(fake), 1.0)
            loss.backward()  # type: ignore[no-untyped-call]
            on_generator.step()
            discriminator.requires_grad_(True)

            done += batch_size
            if done >= shown:
                break
    return done / (time.perf_counter() - began)


class Pairs(Dataset[Tensor]):
    """Images with masks as the networks see them, one at a time."""

    def __init__(self, images: Bytes, masks: Bytes, classes: int) -> None:
        self._images, self._masks, self._classes = images, masks, classes

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Tensor:
        image = torch.from_numpy(self._images[index]).float() / 127.5 - 1.0
        labels = torch.from_numpy(self._masks[index]).long()
        return torch.cat([image, one_hot(labels, self._classes).permute(2, 0, 1) * 2.0 - 1.0])


def _networks(
    specification: GanSpecification, images: Bytes, classes: int
) -> tuple[nn.Module, nn.Module]:
    return networks.build(specification, images.shape[-1], images.shape[1], classes, seed=0)


def _betas(specification: GanSpecification) -> tuple[float, float]:
    return specification.beta1, specification.beta2


def _loss(logits: Tensor, target: float) -> Tensor:
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))
