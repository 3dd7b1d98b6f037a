"""What every reader yields: one scan of one patient, slice by slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Affine = NDArray[np.float64]

MAX_CHANNELS: Final = 8
"""Of an image."""

LARGEST: Final = 2**28
"""Voxels of a volume, all channels together; whatever claims more is not believed."""

_FLATTEST: Final = 1e-4
"""Volume of the cell that unit steps along the axes span; below it they lie in a plane."""


@dataclass(frozen=True)
class Volume:
    """One scan of one patient.

    Attributes:
        patient: Pseudonym, as the source has it. All volumes of a patient land in one split.
        name: Unique within the source, such as `patient001_frame01`.
        group: Diagnosis or other class by which splits are balanced; empty without one.
        images: Finite intensities in the units of the file (slices, channels, rows, columns).
        masks: Labels (slices, rows, columns) below the number of the set's classes, or None.
        affine: (4, 4): takes (slice, row, column, 1) to millimetres to the patient's right, front
            and head (the axes of NIfTI-1). None where it is unknown.
        oriented: Whether the affine tells where slices lie and which way axes lead; where not, it
            holds for the distance of rows and columns alone.
        units: Of the intensities, `HU` for Hounsfield units; empty where they have none.
        remarks: What is worth knowing about its geometry and intensities, one sentence each.
    """

    patient: str
    name: str
    group: str
    images: NDArray[np.float32]
    masks: NDArray[np.uint8] | None
    affine: Affine | None
    units: str = ""
    remarks: tuple[str, ...] = ()
    oriented: bool = True

    @property
    def spacing(self) -> tuple[float, float, float] | None:
        """Distance between slices, rows and columns in mm, or None where unknown."""
        if self.affine is None:
            return None
        slices, rows, columns = np.linalg.norm(self.affine[:3, :3], axis=0).tolist()
        return slices, rows, columns


def lie_flat(affine: Affine) -> bool:
    """Whether its axes lie in one plane, or one of them is nothing or beyond measure."""
    with np.errstate(all="ignore"):
        steps = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
        return not abs(np.linalg.det(steps)) >= _FLATTEST


def upright(slices: float, rows: float, columns: float) -> Affine:
    """The affine of axial slices as they are shown: from feet to head, front up, right on the left.

    Args:
        slices: Distance between slices in mm.
        rows: Between rows.
        columns: Between columns.
    """
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = slices, -rows, -columns, 1
    return affine
