"""Where the slices of a volume lie in the patient, and what is odd about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.readers.dicom.order import in_turn, is_even
from medsynth.data.readers.dicom.planes import Plane
from medsynth.data.volume import Affine, upright

_TILTED: Final = 0.5
"""Degrees."""

_LPS_TO_RAS: Final = np.diag([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Placement:
    """Where a stack lies.

    Attributes:
        affine: As in `Volume`.
        oriented: As in `Volume`.
        remarks: What the affine does not tell, one sentence each.
    """

    affine: Affine | None
    oriented: bool
    remarks: tuple[str, ...]


def placement(planes: Sequence[Plane]) -> Placement:
    """Where the planes of a stack lie, in its order.

    Where slices are shifted against each other (a tilted gantry) the affine has the shift; where
    gaps are uneven it has their mean. Where only the distance of pixels is known, its axes are
    those of an image as it is shown.
    """
    first = planes[0]
    caveats = tuple(filter(None, dict.fromkeys(plane.caveat for plane in planes)))
    if not first.placed:
        remarks = (*_unplaced(planes), *caveats)
        if first.spacing is None:
            return Placement(None, False, remarks)
        rows, columns = first.spacing
        return Placement(upright(first.thickness or 1.0, rows, columns), False, remarks)
    if first.spacing is None or first.orientation is None:
        return Placement(None, False, ("its files do not say how far its pixels are apart",))
    places = np.array([plane.position for plane in planes])
    found: list[str] = []
    if len(planes) > 1:
        step = (places[-1] - places[0]) / (len(planes) - 1)
        found = [*_tilt(first, step), *_gaps(planes), *_drift(planes, places)]
    else:
        step = np.multiply(first.normal, first.thickness or 1.0)
        if not first.thickness:
            found.append("the thickness of its only slice is unknown and taken to be 1 mm")
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = np.multiply(first.orientation[3:], first.spacing[0])
    affine[:3, 2] = np.multiply(first.orientation[:3], first.spacing[1])
    affine[:3, 3] = places[0]
    affine[:3] = _LPS_TO_RAS @ affine[:3]
    return Placement(affine, True, (*found, *caveats))


def _unplaced(planes: Sequence[Plane]) -> Iterator[str]:
    if planes[0].spacing is not None:
        yield (
            "its files say how far pixels are apart, but not where they lie in the patient or "
            "which way its axes lead"
        )
    if len(planes) > 1:
        words, _ = in_turn(planes)
        yield f"its files do not say where slices lie: they are in the order of {words}"


def _tilt(first: Plane, step: NDArray[np.float64]) -> Iterator[str]:
    share = float(np.dot(step, first.normal) / np.linalg.norm(step))
    angle = float(np.degrees(np.arccos(np.clip(share, -1, 1))))
    if angle > _TILTED:
        yield f"its slices are shifted against each other: a gantry tilted {angle:.1f} degrees"


def _gaps(planes: Sequence[Plane]) -> Iterator[str]:
    heights = [plane.height for plane in planes]
    if is_even(heights):
        return
    gaps = np.diff(heights)
    usual = float(np.median(gaps))
    steps = np.rint(gaps / usual)
    missing = int(steps.sum()) - len(gaps)
    if missing > 0 and steps.min() == 1 and np.abs(gaps / usual - steps).max() < 0.1:
        widest = f"{gaps.max():.4g} mm where {usual:.4g} mm is usual"
        yield f"slices that are missing: {missing}; its widest gap is {widest}"
    else:
        yield f"the distance of its slices varies from {gaps.min():.4g} to {gaps.max():.4g} mm"


def _drift(planes: Sequence[Plane], places: NDArray[np.float64]) -> Iterator[str]:
    """Slices that do not lie on a line, beyond half a pixel."""
    heights = np.array([plane.height for plane in planes])
    share = (heights - heights[0]) / (heights[-1] - heights[0])
    line = places[0] + share[:, None] * (places[-1] - places[0])
    beside = float(np.linalg.norm(places - line, axis=1).max())
    if beside > 0.5 * min(planes[0].spacing or (1.0,)):
        yield f"its slices lie up to {beside:.4g} mm beside the line from the first to the last"
