"""Geometry and intensities of a training set, without what tells one of its scans from others.

The exact origin and angles of a scan, or the exact values of its percentiles, would prove to
whoever holds it that it was in the training set. A synthetic slice needs none of them: it lies
along the patient's axes, with its centre in their origin, as far apart and as bright as the slices
of the set are.
"""

from __future__ import annotations

from math import floor, log10
from typing import Final

import numpy as np

from medsynth.data.geometry import patient_axes
from medsynth.data.prepared import Typical
from medsynth.v1 import types_pb2

_SPACING_DIGITS: Final = 4
_INTENSITY_DIGITS: Final = 4


def anonymous_place(typical: Typical, size: int) -> tuple[tuple[float, ...], ...] | None:
    """The affine of a slice of the set, as in `Volume`; None where it is unknown.

    Args:
        typical: Of the training set.
        size: Rows and columns of a slice.
    """
    if typical.affine is None:
        return None
    axes = np.asarray(typical.affine, np.float64)[:3, :3]
    spacings = np.linalg.norm(axes, axis=0)
    if not (np.isfinite(spacings).all() and spacings.all()):
        return None
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for place, axis in enumerate(patient_axes(axes)):
        spacing = float(f"{spacings[place]:.{_SPACING_DIGITS}g}")
        affine[axis, place] = np.copysign(spacing, axes[axis, place])
    middle = (size - 1) / 2
    affine[:3, 3] = -(affine[:3, :3] @ (0.0, middle, middle))
    return tuple(map(tuple, (affine + 0.0).tolist()))


def anonymous_intensities(
    typical: Typical, preparation: types_pb2.Preparation
) -> tuple[tuple[float, float], ...]:
    """For each channel the intensities of the darkest and of the brightest level.

    Args:
        typical: Of the training set.
        preparation: Of the training set. The limits of a window are the operator's, and stay.
    """
    if preparation.intensity == "window":
        return typical.intensities
    return tuple(_coarse(low, high) for low, high in typical.intensities)


def _coarse(low: float, high: float) -> tuple[float, float]:
    digits = _INTENSITY_DIGITS - 1 - floor(log10(high - low))
    return round(low, digits), round(high, digits)
