"""The U-Net that says what images are good for: training under one recipe, labels, features.

Names are loaded at their first use: importing the package imports no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medsynth.segmentation.prediction import latent_features, predict
    from medsynth.segmentation.training import RECIPE, train_unet
    from medsynth.segmentation.unet import LATENT_FEATURES, PROTOCOL, UNet

__all__ = [
    "LATENT_FEATURES",
    "PROTOCOL",
    "RECIPE",
    "UNet",
    "latent_features",
    "predict",
    "train_unet",
]

_HOMES = {
    "LATENT_FEATURES": "unet",
    "PROTOCOL": "unet",
    "RECIPE": "training",
    "UNet": "unet",
    "latent_features": "prediction",
    "predict": "prediction",
    "train_unet": "training",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
