"""Scores on features, images and masks: pure functions of arrays and tensors.

`frechet_distance` and `InceptionFeatures` together are the FID::

    from pathlib import Path
    from medsynth.metrics import InceptionFeatures, as_rgb, find_weights, frechet_distance

    weights = find_weights(Path("weights"))        # a path, or a Missing that says what to do
    features = InceptionFeatures(weights)
    fid = frechet_distance(features(as_rgb(real)), features(as_rgb(synthetic)))

Importing this package imports no torch; the first use of `InceptionFeatures` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medsynth.metrics.confidence import Interval, confidence_interval
from medsynth.metrics.dice import DiceScores, dice_scores
from medsynth.metrics.frechet import FrechetStatistics, frechet_distance
from medsynth.metrics.images import as_rgb
from medsynth.metrics.weights import INCEPTION, Missing, PublishedWeights, find_weights

if TYPE_CHECKING:
    from medsynth.metrics.inception import InceptionFeatures

__all__ = [
    "INCEPTION",
    "DiceScores",
    "FrechetStatistics",
    "InceptionFeatures",
    "Interval",
    "Missing",
    "PublishedWeights",
    "as_rgb",
    "confidence_interval",
    "dice_scores",
    "find_weights",
    "frechet_distance",
]


def __getattr__(name: str) -> Any:
    if name == "InceptionFeatures":
        from medsynth.metrics.inception import InceptionFeatures

        return InceptionFeatures
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
