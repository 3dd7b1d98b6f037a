"""Generative adversarial networks: what to train, the training itself, and the export.

`specification`, `presets` and `latents` need NumPy at most; everything else needs PyTorch and is
loaded when it is first asked for, so that a process that only answers calls stays small.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from medsynth.gans.latents import latents
from medsynth.gans.presets import PRESETS, Preset, specification
from medsynth.gans.specification import GanSpecification, TrainingRun

if TYPE_CHECKING:
    from medsynth.gans.export import export_onnx
    from medsynth.gans.training import TrainingResult, TrainingStopped, train

_LAZY = {
    "TrainingResult": "training",
    "TrainingStopped": "training",
    "export_onnx": "export",
    "train": "training",
}

__all__ = [
    "PRESETS",
    "GanSpecification",
    "Preset",
    "TrainingResult",
    "TrainingRun",
    "TrainingStopped",
    "export_onnx",
    "latents",
    "specification",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
