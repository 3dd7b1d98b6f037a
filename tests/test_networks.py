from __future__ import annotations

import pytest
import torch
from torch import nn

from medsynth.errors import InvalidArgumentError
from medsynth.networks import choose_device, weights_digest

CPU = torch.device("cpu")


def test_a_gpu_that_is_not_there_is_refused() -> None:
    assert choose_device("cpu") == CPU
    if not torch.cuda.is_available():
        assert choose_device("auto") == CPU
        with pytest.raises(InvalidArgumentError, match="no GPU"):
            choose_device("cuda")


def test_the_digest_covers_names_types_shapes_and_values() -> None:
    def digest(**tensors: torch.Tensor) -> str:
        network = nn.Module()
        for name, tensor in tensors.items():
            network.register_buffer(name, tensor)
        return weights_digest(network)

    a, b = torch.arange(6.0), torch.ones(2)
    first = digest(a=a, b=b)
    assert first.startswith("sha256:")
    assert digest(b=b, a=a) == first
    assert digest(a=a.view(2, 3).t().contiguous().t().reshape(6), b=b) == first
    others = [
        digest(a=a.view(2, 3), b=b),
        digest(a=a, c=b),
        digest(a=a.int(), b=b),
        digest(a=a + 1e-6, b=b),
        digest(a=a),
    ]
    assert len({first, *others}) == 6


def test_memory_format_does_not_change_the_digest() -> None:
    layer = nn.Conv2d(3, 4, 2)
    first = weights_digest(layer)
    assert weights_digest(layer.to(memory_format=torch.channels_last)) == first
