"""The report's charts: drawn by matplotlib, as SVG that takes its colours from the page."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medsynth.data.pictures import outline_colour

# Colours that no chart means: they stand for the page's own and are replaced after drawing.
_INK: Final = "#0f0e0d"
_RULE: Final = "#d1d2d3"
_SERIES: Final = ("#3b7dd8", "#d9730d", "#2e9e6b", "#b1459f")
_PAGE_COLOURS: Final = {_INK: "currentColor", _RULE: "var(--rule)"}

Bar = tuple[float, float | None, float | None]
"""Value, and the ends of its confidence interval where there is one."""


def dice_chart(dice: Mapping[str, Mapping[str, Bar]], classes: Sequence[str]) -> str:
    """Dice of every regime: a dot for each class, a diamond with its interval for the mean.

    Args:
        dice: By regime and label (`mean` or a class), values from 0 to 1.
        classes: Names of the labels, background first.

    Returns:
        An `<svg>` element.
    """
    regimes = list(dice)
    figure = Figure(figsize=(7.2, 0.95 + 0.46 * len(regimes)))
    axes = _axes(figure)
    for row, regime in enumerate(regimes):
        for label, name in enumerate(classes[1:], start=1):
            if name in dice[regime]:
                axes.plot(
                    dice[regime][name][0],
                    row,
                    "o",
                    color=_hex(outline_colour(label)),
                    markersize=6,
                    clip_on=False,
                    label=name if row == 0 else None,
                )
        if "mean" not in dice[regime]:
            continue
        value, low, high = dice[regime]["mean"]
        if low is not None and high is not None:
            axes.plot([low, high], [row, row], color=_INK, linewidth=1.6)
        axes.plot(
            value,
            row,
            "D",
            color=_INK,
            markersize=7,
            clip_on=False,
            label="mean" if row == 0 else None,
        )
        axes.annotate(
            f"{value:.3f}",
            (1.0, row),
            xycoords=("axes fraction", "data"),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            color=_INK,
            annotation_clip=False,
        )
    axes.set_yticks(range(len(regimes)), regimes)
    axes.set_ylim(len(regimes) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xlabel("Dice on the real test patients")
    axes.grid(axis="y", visible=False)
    axes.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=len(classes),
        frameon=False,
        labelcolor=_INK,
    )
    return _inline(figure, "dice")


def curve_charts(curve: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Training curves: a chart for each group of scalars (what stands before `/`).

    Args:
        curve: One mapping for each report of the training: `images` shown, and the scalars.

    Returns:
        For each chart its title and an `<svg>` element.
    """
    groups: dict[str, list[str]] = {}
    for point in curve:
        for name, value in point.items():
            if name == "images" or not isinstance(value, int | float):
                continue
            members = groups.setdefault(name.split("/")[0], [])
            if name not in members:
                members.append(name)
    return [(group, _curves(curve, group, names)) for group, names in groups.items()]


def _curves(curve: Sequence[Mapping[str, Any]], group: str, names: Sequence[str]) -> str:
    figure = Figure(figsize=(4.4, 2.5))
    axes = _axes(figure)
    for position, name in enumerate(names):
        points = [(point["images"], point[name]) for point in curve if name in point]
        axes.plot(
            [x for x, _ in points],
            [y for _, y in points],
            color=_SERIES[position % len(_SERIES)],
            linewidth=1.4,
            marker="o" if len(points) == 1 else None,
            label=name.partition("/")[2] or name,
        )
    axes.set_xlabel("real images shown")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(4, integer=True))
    if len(names) > 1:
        axes.legend(frameon=False, labelcolor=_INK, fontsize=8)
    return _inline(figure, f"curve-{group}")


def _axes(figure: Figure) -> Axes:
    axes = figure.add_subplot()
    axes.set_facecolor("none")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_RULE)
    axes.tick_params(colors=_INK, length=0, labelsize=9)
    axes.xaxis.label.set_color(_INK)
    axes.xaxis.label.set_fontsize(9)
    axes.grid(color=_RULE, linewidth=0.7)
    axes.set_axisbelow(True)
    return axes


def _hex(colour: tuple[int, int, int]) -> str:
    return "#" + bytes(colour).hex()


def _inline(figure: Figure, name: str) -> str:
    """The figure as an element of an HTML page; `name` keeps its ids apart from other figures'."""
    figure.set_layout_engine("tight")
    stream = io.StringIO()
    # No date, no creator: the same figure gives the same bytes.
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    text = stream.getvalue()
    text = re.sub(r"<!--.*?-->", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    for drawn, wanted in _PAGE_COLOURS.items():
        text = text.replace(drawn, wanted)
    text = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", text)
    return re.sub(r"\n\s*\n+", "\n", text)
