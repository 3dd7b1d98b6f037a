"""Device, number formats and memory formats of a training."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import nn

from medsynth.errors import InvalidArgumentError


@dataclass(frozen=True)
class Arithmetic:
    """Where and how a training computes.

    Attributes:
        device: The device.
        precision: `float32`, `bfloat16` or `float16`: the format of convolutions and products;
            weights, losses and optimisers are float32 always.
    """

    device: torch.device
    precision: str

    def autocast(self) -> AbstractContextManager[None]:
        """Context for forward passes."""
        return torch.autocast(
            self.device.type,
            dtype=getattr(torch, self.precision) if self.mixed else None,
            enabled=self.mixed,
        )

    @property
    def mixed(self) -> bool:
        """Whether some of the arithmetic is not float32."""
        return self.precision != "float32"

    def place(self, network: nn.Module) -> nn.Module:
        """Moves a network to the device, in the memory format that convolutions are fastest in."""
        network.to(self.device)
        return network.to(memory_format=torch.channels_last)


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 faster than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def choose_arithmetic(device: torch.device, precision: str) -> Arithmetic:
    """`auto` is bfloat16 where the device has it, else float16 on a GPU and float32 on a CPU.

    Raises:
        InvalidArgumentError: float16 on a CPU.
    """
    if precision == "auto":
        slow = "float16" if device.type == "cuda" else "float32"
        precision = "bfloat16" if has_bfloat16(device) else slow
    if precision == "float16" and device.type != "cuda":
        raise InvalidArgumentError.field(
            "specification.precision", precision, "'auto', 'float32' or 'bfloat16' without a GPU"
        )
    return Arithmetic(device, precision)
