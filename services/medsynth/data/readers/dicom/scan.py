"""What reading a scan needs: elements of headers, and what the survey found out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from medsynth.data.readers.dicom import (
    burnt_in,
    frames,
    identities,
    intensities,
    patients,
    planes,
    scales,
    segmentation,
    ultrasound,
)

KEYWORDS: Final = tuple(
    dict.fromkeys(
        (
            "SeriesInstanceUID",
            *patients.KEYWORDS,
            *identities.KEYWORDS,
            *frames.KEYWORDS,
            *intensities.KEYWORDS,
            *planes.KEYWORDS,
            *scales.KEYWORDS,
            *segmentation.KEYWORDS,
            *burnt_in.KEYWORDS,
            *ultrasound.KEYWORDS,
        )
    )
)
"""Of the header's elements, those that are read at all."""


@dataclass(frozen=True)
class Detail:
    """What reading a scan needs to know beyond its files. No word of it stems from a header.

    Attributes:
        shown: What messages and records call each file of the scan.
        images: How many of the files are images, from the first; the others are segmentations.
        frames: File and frame of each slice, both from 0; empty: one for each image.
        labels: For each segmentation, the number of each segment that is drawn and its label.
        alone: Whether it is all of its series.
        remarks: For `Volume.remarks`.
    """

    shown: tuple[str, ...]
    images: int
    frames: tuple[tuple[int, int], ...]
    labels: tuple[tuple[tuple[int, int], ...], ...]
    alone: bool
    remarks: tuple[str, ...]
