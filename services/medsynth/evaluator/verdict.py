"""What the scores amount to, in sentences. Pure functions of the typed report."""

from __future__ import annotations

from typing import Final

from medsynth.evaluator import names
from medsynth.v1 import evaluator_pb2

WEAK_REAL_DICE: Final = 0.6
"""Below this the U-Net hardly learned from the real images, and no ratio to it means much."""


def dice_means(report: evaluator_pb2.Report) -> dict[str, float]:
    """Mean Dice by regime, of the regimes that have one."""
    return {
        score.comparison: score.value
        for score in report.scores
        if score.metric == names.DICE and score.label == names.MEAN and score.HasField("value")
    }


def verdict(report: evaluator_pb2.Report) -> str:
    """One or two sentences that a reader takes away: usefulness first, else likeness."""
    means = dice_means(report)
    real, synthetic = means.get(names.REAL), means.get(names.SYNTHETIC)
    if real and synthetic is not None:
        sentence = (
            "Trained on the synthetic images alone, a U-Net reaches a mean Dice of "
            f"{synthetic:.3f} on the real test patients: {synthetic / real:.0%} of the "
            f"{real:.3f} that the real images give."
        )
        return " ".join(part for part in (sentence, _mixed(means)) if part)
    for metric, features in ((names.UNET_FD, "U-Net"), (names.FID, "Inception")):
        near, floor = _distance(report, metric, names.SYNTHETIC_TRAIN), None
        if near is not None:
            floor = _distance(report, metric, names.FLOOR)
        if near is not None and floor:
            return (
                f"In {features} features the synthetic images are {near / floor:.1f} times as far "
                "from the training images as two halves of the training patients are from each "
                f"other ({near:.2f} against {floor:.2f}). How useful they are was not measured."
            )
        if near is not None:
            return (
                f"In {features} features the synthetic images are {near:.2f} from the training "
                "images. How useful they are was not measured."
            )
    return "None of the scores that were asked for could be computed; below is why."


def warnings(report: evaluator_pb2.Report) -> list[str]:
    """What a reader has to know before believing the verdict."""
    found = []
    real = dice_means(report).get(names.REAL)
    if real is not None and real < WEAK_REAL_DICE:
        found.append(
            f"The U-Net trained on the real images reaches a mean Dice of {real:.3f} alone. With "
            "so weak a reference the shares of it say little: train the U-Nets for more steps "
            "(unet_steps), or use more patients."
        )
    return found


def _mixed(means: dict[str, float]) -> str:
    if names.MIXED not in means:
        return ""
    change = means[names.MIXED] - means[names.REAL]
    if abs(change) < 0.005:
        return "Added to the real images they make no difference."
    effect = "raise" if change > 0 else "lower"
    return f"Added to the real images they {effect} it by {abs(change):.3f}."


def _distance(report: evaluator_pb2.Report, metric: str, comparison: str) -> float | None:
    for score in report.scores:
        if (score.metric, score.comparison) == (metric, comparison) and score.HasField("value"):
            return score.value
    return None
