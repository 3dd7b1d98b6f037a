"""The order of images: by their place where that is known, else by what else their files say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from medsynth.data.readers.dicom.planes import Plane

UNEVEN: Final = 0.02
"""Share of the usual gap between slices by which gaps may differ and still count as even."""


def is_even(heights: Sequence[float]) -> bool:
    """Whether slices at rising heights are evenly spaced."""
    gaps = np.diff(heights)
    usual = float(np.median(gaps)) if len(gaps) else 0.0
    return bool((np.abs(gaps - usual) <= UNEVEN * usual).all())


def in_turn(planes: Sequence[Plane]) -> tuple[str, list[Plane]]:
    """What gives the order of planes whose place does not, and the planes in that order."""
    if len({plane.file for plane in planes}) == 1:
        return "its frames", sorted(planes, key=lambda plane: plane.frame)
    if len({plane.number for plane in planes} - {None}) > 1:
        return "their numbers", sorted(planes, key=_by_number)
    if len({plane.moment for plane in planes} - {""}) > 1:
        return "their times", sorted(planes, key=lambda plane: (plane.moment, _by_number(plane)))
    return "their files' names", sorted(planes, key=_by_number)


def rank(marks: Sequence[str]) -> list[tuple[int, float, str]]:
    """A key that sorts marks: numbers by their value, before words."""
    return [_rank(mark) for mark in marks]


def _by_number(plane: Plane) -> tuple[int, int, int]:
    return plane.number or 0, plane.file, plane.frame


def _rank(mark: str) -> tuple[int, float, str]:
    try:
        return 0, float(mark), mark
    except ValueError:
        return 1, 0.0, mark
