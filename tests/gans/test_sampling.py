from __future__ import annotations

import numpy as np
import torch

from medsynth.gans.averaging import AveragedWeights
from medsynth.gans.dataset import ResidentDataset
from medsynth.gans.latents import latents
from medsynth.gans.networks import build
from medsynth.gans.sampling import discretise, generate
from tests.gans.tiny import CPU, tiny


def test_grey_levels_and_labels() -> None:
    levels = torch.tensor([-1.0, -1.2, 1.0, 1.3, 0.0, -1 + 3 / 127.5]).view(1, 1, 1, 6)
    scores = torch.tensor([[0.1, 0.9, -1, -1, -1, 1], [0.2, 0.8, -0.5, -1, 1, -1]])
    joint = torch.cat([levels, scores.view(1, 2, 1, 6)], dim=1)
    image, mask = discretise(joint, 1, 2)
    assert image.dtype == torch.uint8
    assert image.flatten().tolist() == [0, 0, 255, 255, 128, 3]
    assert mask is not None
    assert mask.dtype == torch.uint8
    assert mask.shape == (1, 1, 6)
    assert mask.flatten().tolist() == [1, 0, 1, 0, 1, 0]
    assert discretise(levels, 1, 0)[1] is None


def test_bytes_survive_the_way_through_the_networks_range() -> None:
    grey = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert torch.equal(discretise(grey.float() * (1 / 127.5) - 1.0, 1, 0)[0], grey)


def test_so_do_levels_of_16_bits() -> None:
    levels = np.arange(2**16, dtype=np.uint16).reshape(1, 1, 256, 256)
    joint = ResidentDataset(levels, None, 0, CPU).batch(torch.arange(1))
    image = discretise(joint, 1, 0, 16)[0]
    np.testing.assert_array_equal(image.numpy(), levels)


def test_samples_do_not_depend_on_the_batch() -> None:
    generator, _ = build(tiny(), 32, 2, 3, seed=0)
    ready = AveragedWeights(generator, 1).ready(8, torch.Generator().manual_seed(0))
    drawn = latents("d", 0, 0, 10, 8)
    images, masks = generate(ready, drawn)
    assert images.shape == (10, 2, 32, 32)
    assert masks is not None
    assert masks.shape == (10, 32, 32)
    parts = [generate(ready, drawn[k : k + 3], batch_size=2) for k in range(0, 10, 3)]
    difference = np.concatenate([p[0] for p in parts]).astype(int) - images
    assert np.abs(difference).max() <= 1
