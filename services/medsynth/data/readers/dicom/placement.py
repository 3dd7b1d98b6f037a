"""Where the slices of a volume lie in the patient, and what is odd about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.readers.dicom.planes import Plane
from medsynth.data.volume import Affine

_UNEVEN: Final = 0.02
"""Share of the spacing by which gaps between slices may differ and still count as even."""

_TILTED: Final = 0.5
"""Degrees."""

_LPS_TO_RAS: Final = np.diag([-1.0, -1.0, 1.0])


def geometry(planes: Sequence[Plane]) -> tuple[Affine | None, tuple[str, ...]]:
    """The affine of a stack, as in `Volume`, and remarks on what it does not tell.

    Where slices are shifted against each other (a tilted gantry) the affine has the shift; where
    gaps are uneven it has their mean.
    """
    first = planes[0]
    if not first.placed or first.orientation is None or first.spacing is None:
        unknown = "its files do not say where slices lie: they are in the order of their numbers"
        return None, (unknown,) if len(planes) > 1 else ()
    places = np.array([plane.position for plane in planes])
    remarks: list[str] = []
    if len(planes) > 1:
        step = (places[-1] - places[0]) / (len(planes) - 1)
        remarks = [*_tilt(first, step), *_gaps(planes), *_drift(planes, places)]
    else:
        step = np.multiply(first.normal, first.thickness or 1.0)
        if not first.thickness:
            remarks.append("the thickness of its only slice is unknown and taken to be 1 mm")
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = np.multiply(first.orientation[3:], first.spacing[0])
    affine[:3, 2] = np.multiply(first.orientation[:3], first.spacing[1])
    affine[:3, 3] = places[0]
    affine[:3] = _LPS_TO_RAS @ affine[:3]
    return affine, tuple(remarks)


def _tilt(first: Plane, step: NDArray[np.float64]) -> Iterator[str]:
    share = float(np.dot(step, first.normal) / np.linalg.norm(step))
    angle = float(np.degrees(np.arccos(np.clip(share, -1, 1))))
    if angle > _TILTED:
        yield f"its slices are shifted against each other: a gantry tilted {angle:.1f} degrees"


def _gaps(planes: Sequence[Plane]) -> Iterator[str]:
    gaps = np.diff([plane.height for plane in planes])
    usual = float(np.median(gaps))
    if np.abs(gaps - usual).max() <= _UNEVEN * usual:
        return
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
