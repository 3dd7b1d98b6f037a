"""The report as a page: one HTML file that needs nothing else.

Everything on it follows from the typed report; pictures, curves and the description of the data
come beside it. Text is escaped by the template engine, and the page forbids itself scripts and
the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from markupsafe import Markup

from medsynth.data import pictures
from medsynth.data.pages import key, picture_uri, render_page
from medsynth.evaluator import figures, names
from medsynth.evaluator.captions import data_caption
from medsynth.evaluator.verdict import dice_means, verdict, warnings
from medsynth.levels import Labels, Pixels
from medsynth.v1 import evaluator_pb2, types_pb2

_TITLES: Final = {
    names.FID: "FID (Inception)",
    names.UNET_FD: "Fréchet distance (U-Net)",
    names.DICE: "Dice",
    names.SYNTHETIC_TRAIN: "synthetic to training",
    names.SYNTHETIC_TEST: "synthetic to test",
    names.FLOOR: "floor (real to real)",
    names.REAL: "real",
    names.AUGMENTED: "real, augmented",
    names.SYNTHETIC: "synthetic alone",
    names.MIXED: "real and synthetic",
}

_TILES: Final = 16
_TILE_SIDE: Final = 112


@dataclass(frozen=True)
class Material:
    """What the page shows beside the report's numbers.

    Attributes:
        dataset: The real data set.
        real_images: Some real slices, uint8, or uint16 for 16 bits (N, C, S, S).
        real_masks: Their labels (N, S, S), or None.
        synthetic_images: Some synthetic images, likewise.
        synthetic_masks: Their labels (N, S, S), or None.
        curve: The generator's training curve: `images` and scalars; empty where there is none.
    """

    dataset: types_pb2.Dataset
    real_images: Pixels
    real_masks: Labels | None
    synthetic_images: Pixels
    synthetic_masks: Labels | None
    curve: Sequence[Mapping[str, Any]] = ()


def render(report: evaluator_pb2.Report, material: Material) -> str:
    """The page of a report.

    Args:
        report: The typed report, complete.
        material: Pictures, curve and data set.

    Returns:
        HTML of one file, without a reference to anything outside it.
    """
    classes = list(material.dataset.classes)
    return render_page(
        "medsynth.evaluator",
        "report.html",
        report=report,
        material=material,
        created=f"{report.create_time.ToDatetime():%d %B %Y, %H:%M} UTC",
        verdict=verdict(report),
        warnings=warnings(report),
        facts=_facts(report),
        dice=_dice_table(report, classes),
        distances=_distance_table(report),
        missing=_missing(report),
        real_picture=_picture(material.real_images, material.real_masks),
        synthetic_picture=_picture(material.synthetic_images, material.synthetic_masks),
        key=key(classes),
        curves=[(title, Markup(chart)) for title, chart in figures.curve_charts(material.curve)],
        data_caption=data_caption(material.dataset),
        protocols=_protocols(report),
    )


def evenly(count: int, wanted: int = _TILES) -> list[int]:
    """Indexes of at most `wanted` of `count` things, evenly spaced."""
    return [round(place) for place in np.linspace(0, count - 1, min(wanted, count)).tolist()]


def _picture(images: Pixels, masks: Labels | None) -> str:
    shown = images[:_TILES]
    labels = None if masks is None else masks[:_TILES]
    return picture_uri(pictures.grid(shown, labels, columns=4, side=_TILE_SIDE))


def _value(score: evaluator_pb2.Score | None, digits: int) -> dict[str, str]:
    if score is None or not score.HasField("value"):
        return {"shown": "", "interval": ""}
    interval = ""
    if score.HasField("low") and score.HasField("high"):
        interval = f"{score.low:.{digits}f} to {score.high:.{digits}f}"
    return {"shown": f"{score.value:.{digits}f}", "interval": interval}


def _facts(report: evaluator_pb2.Report) -> list[dict[str, str]]:
    means = dice_means(report)
    facts = []
    if names.REAL in means:
        facts.append({"label": "Dice, real", "value": f"{means[names.REAL]:.3f}"})
    if names.SYNTHETIC in means:
        facts.append({"label": "Dice, synthetic alone", "value": f"{means[names.SYNTHETIC]:.3f}"})
    if names.REAL in means and names.SYNTHETIC in means and means[names.REAL] > 0:
        share = means[names.SYNTHETIC] / means[names.REAL]
        facts.append({"label": "synthetic of real", "value": f"{share:.0%}"})
    facts += [
        {"label": f"{_TITLES[score.metric]}, to training", "value": f"{score.value:.2f}"}
        for score in report.scores
        if score.comparison == names.SYNTHETIC_TRAIN and score.HasField("value")
    ]
    return facts


def _dice_table(report: evaluator_pb2.Report, classes: Sequence[str]) -> dict[str, Any]:
    scores = {(s.comparison, s.label): s for s in report.scores if s.metric == names.DICE}
    regimes = [name for name in names.REGIMES if any(name == regime for regime, _ in scores)]
    columns = [names.MEAN, *classes[1:]]
    means = dice_means(report)
    real = means.get(names.REAL, 0.0)
    rows = [
        {
            "title": _TITLES[regime],
            "cells": [_value(scores.get((regime, column)), 3) for column in columns],
            "ratio": f"{means[regime] / real:.0%}" if regime in means and real > 0 else "",
        }
        for regime in regimes
    ]
    drawn = {
        _TITLES[regime]: {
            column: _bar(score)
            for column in columns
            if (score := scores.get((regime, column))) is not None and score.HasField("value")
        }
        for regime in regimes
    }
    drawn = {title: bars for title, bars in drawn.items() if bars}
    protocol = next(iter(scores.values())).protocol if scores else evaluator_pb2.Protocol()
    repeats = protocol.repeats
    return {
        "columns": columns,
        "rows": rows if len(classes) > 1 else [],
        "chart": Markup(figures.dice_chart(drawn, classes)) if drawn else "",
        "intervals": any(score.HasField("low") for score in scores.values()),
        "caption": f"Mean over {repeats} U-Nets for each row; below it, where given, the 95 % "
        "confidence interval of that mean."
        if repeats > 1
        else "One U-Net for each row: differences of a few hundredths can be chance. "
        "More repeats give confidence intervals.",
    }


def _bar(score: evaluator_pb2.Score) -> figures.Bar:
    bounded = score.HasField("low") and score.HasField("high")
    return score.value, score.low if bounded else None, score.high if bounded else None


def _distance_table(report: evaluator_pb2.Report) -> dict[str, Any]:
    scores = {(s.metric, s.comparison): s for s in report.scores if s.metric != names.DICE}
    rows = [
        {
            "title": _TITLES[metric],
            "cells": [_value(scores.get((metric, column)), 2) for column in names.COMPARISONS],
        }
        for metric in (names.FID, names.UNET_FD)
        if any(metric == known for known, _ in scores)
    ]
    return {"columns": [_TITLES[column] for column in names.COMPARISONS], "rows": rows}


def _missing(report: evaluator_pb2.Report) -> list[dict[str, str]]:
    """What has no value, grouped by metric and reason."""
    groups: dict[tuple[str, str], list[str]] = {}
    for score in report.scores:
        if score.missing:
            members = groups.setdefault((score.metric, score.missing), [])
            members.append(_TITLES[score.comparison] + (f" ({score.label})" if score.label else ""))
    return [
        {"scores": f"{_TITLES[metric]}, {', '.join(members)}", "reason": reason}
        for (metric, reason), members in groups.items()
    ]


def _protocols(report: evaluator_pb2.Report) -> list[dict[str, Any]]:
    """For each metric what all its scores have in common, and for each comparison what differs."""
    metrics: dict[str, dict[str, dict[str, str]]] = {}
    for score in report.scores:
        if score.HasField("value"):
            comparisons = metrics.setdefault(score.metric, {})
            comparisons.setdefault(score.comparison, dict(_entries(score.protocol)))
    blocks = []
    for metric, comparisons in metrics.items():
        first = next(iter(comparisons.values()))
        common = {
            name: value
            for name, value in first.items()
            if all(entries.get(name) == value for entries in comparisons.values())
        }
        own = [
            (_TITLES[comparison], [item for item in entries.items() if item[0] not in common])
            for comparison, entries in comparisons.items()
        ]
        blocks.append({"title": _TITLES[metric], "common": list(common.items()), "own": own})
    return blocks


def _entries(protocol: evaluator_pb2.Protocol) -> Iterable[tuple[str, str]]:
    """Name and value of every field of a protocol that says something."""
    if protocol.features:
        yield "features", protocol.features
    if protocol.weights_digest:
        yield "weights digest", protocol.weights_digest
    if protocol.resize:
        yield "resize", protocol.resize
    yield "real images", f"{protocol.real_count:,}"
    yield "synthetic images", f"{protocol.synthetic_count:,}"
    yield "seed", str(protocol.seed)
    yield "repeats", str(protocol.repeats)
    for split, digest in sorted(protocol.split_digests.items()):
        yield f"{split} split digest", digest
    if protocol.note:
        yield "note", protocol.note
