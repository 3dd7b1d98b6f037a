"""What every room with a network needs: where it computes, and what its weights are called."""

from __future__ import annotations

import hashlib

import torch
from torch import nn

from medsynth.errors import InvalidArgumentError


def choose_device(name: str) -> torch.device:
    """The device of a name; `auto` is a GPU if there is one.

    Raises:
        InvalidArgumentError: A GPU is asked for and there is none.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InvalidArgumentError.field("device", name, "'auto' or 'cpu' where no GPU is found")
    return device


def weights_digest(network: nn.Module) -> str:
    """`sha256:...` over name, dtype, shape and bytes of every named tensor, in the names' order."""
    sha = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        plain = tensor.detach().cpu().contiguous()
        sha.update(f"{name} {plain.dtype} {tuple(plain.shape)}\n".encode())
        sha.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes())
    return "sha256:" + sha.hexdigest()
