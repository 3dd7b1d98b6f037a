"""What every reader yields: one scan of one patient, slice by slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Volume:
    """One scan of one patient.

    Attributes:
        patient: Pseudonym, as the source has it. All volumes of a patient land in one split.
        name: Unique within the source, such as `patient001_frame01`.
        group: Diagnosis or other class by which splits are balanced; empty without one.
        images: Finite intensities in the units of the file (slices, channels, rows, columns).
        masks: Labels (slices, rows, columns) below the number of the reader's classes, or None.
        spacing: Distance between slices, rows and columns in mm, or None where unknown.
    """

    patient: str
    name: str
    group: str
    images: NDArray[np.float32]
    masks: NDArray[np.uint8] | None
    spacing: tuple[float, float, float] | None
