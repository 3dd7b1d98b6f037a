"""The GPU memory that this process uses, without importing PyTorch for it."""

from __future__ import annotations

import sys
from typing import Any, Final

PREFIX: Final = "gpu/"
"""Begins the names of these metrics."""


def gpu_memory() -> dict[str, float]:
    """Bytes in use now (`gpu/memory_allocated`) and reserved at most (`gpu/memory_peak`).

    Empty where no GPU is used.
    """
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return {}
    return {
        f"{PREFIX}memory_allocated": float(torch.cuda.memory_allocated()),
        f"{PREFIX}memory_peak": float(torch.cuda.max_memory_reserved()),
    }
