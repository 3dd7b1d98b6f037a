"""An inspection as a page, with thumbnails and the outlines of the masks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from medsynth.data import pictures
from medsynth.data.inspection import Inspection, Thumbnail
from medsynth.data.pages import key, picture_uri, render_page

_SIDE: Final = 160
_MOST_SHOWN: Final = 100


def render_inspection(found: Inspection, thumbnails: Sequence[Thumbnail]) -> str:
    """HTML of one file.

    Args:
        found: What the source holds.
        thumbnails: Slices to be shown.
    """
    facts = [
        ("patients", found.patients),
        ("volumes", found.volumes),
        ("slices", found.slices),
        ("problems", found.problem_count),
        ("duplicates", len(found.duplicates)),
    ]
    divisions = (
        ("Groups of patients", found.groups),
        ("The set's own parts", found.parts),
        ("How patients would be divided", found.splits),
    )
    return render_page(
        "medsynth.data",
        "inspection.html",
        found=found,
        verdict=verdict(found),
        warnings=warnings(found),
        facts=[(label, f"{value:,}") for label, value in facts],
        pixels=max(1, sum(label.pixels for label in found.classes)),
        divisions=[(title, groups) for title, groups in divisions if groups],
        tiles=[
            {
                "title": thumbnail.title,
                "picture": picture_uri(pictures.tile(thumbnail.image, thumbnail.mask, _SIDE)),
            }
            for thumbnail in thumbnails
        ],
        key=key([label.name for label in found.classes]),
        heights=[_heights(channel.counts) for channel in found.intensities],
        most_shown=_MOST_SHOWN,
    )


def _heights(shares: Sequence[float]) -> list[float]:
    """Logarithmic heights of a histogram's bars, the tallest 100; a share of 10^-4 is 0."""
    heights = [math.log10(1 + 1e4 * share) for share in shares]
    tallest = max(*heights, 1e-9)
    return [round(100 * height / tallest, 1) for height in heights]


def verdict(found: Inspection) -> str:
    """What was recognised, in a sentence."""
    masks = f"masks of {len(found.classes) - 1} label(s)" if found.classes else "no masks"
    return (
        f"Read as {found.reader}: {found.slices:,} slices in {found.volumes:,} volumes of "
        f"{found.patients:,} patients, with {masks}."
    )


def warnings(found: Inspection) -> list[str]:
    """What should be settled before anything is trained on it, one sentence each."""
    said = []
    if found.problem_count:
        said.append(f"{found.problem_count:,} file(s) cannot be used; see below.")
    across = sum(pair.first_split != pair.second_split for pair in found.duplicates)
    if across:
        said.append(f"{across:,} suspected duplicate(s) lie on both sides of the split by patient.")
    if 0 < found.patients < 3:
        said.append("Fewer than 3 patients: no training, validation and test split is possible.")
    elif not found.splits:
        said.append("The patients cannot be divided as asked; see what is worth knowing, below.")
    return said
