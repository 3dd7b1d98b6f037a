"""The segments of a DICOM segmentation as label maps of a volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.readers.dicom.elements import groups, text, whole
from medsynth.data.readers.dicom.frames import decoded, shape_of
from medsynth.data.readers.dicom.planes import Plane, planes_of, same_grid
from medsynth.data.readers.dicom.segmentation import is_label_map, sources
from medsynth.errors import DataError

if TYPE_CHECKING:
    from pydicom import Dataset

_BESIDE: Final = 0.1
"""Share of the spacing by which a segment may lie beside its slice."""


@dataclass(frozen=True)
class Painted:
    """What was drawn.

    Attributes:
        frames: How many frames of the segmentation are of the volume.
        overlap: Whether segments overlap.
    """

    frames: int
    overlap: bool


def paint(
    dataset: Dataset,
    name: Path,
    slices: Sequence[Plane],
    labels: Mapping[int, int],
    masks: NDArray[np.uint8],
    *,
    alone: bool = True,
) -> Painted:
    """Draws segments into the label maps of a volume; where two overlap the larger label stays.

    Args:
        dataset: The segmentation with its pixels.
        name: Of the file, for messages.
        slices: Of the volume.
        labels: The label of each segment that is drawn.
        masks: (slices, rows, columns), changed.
        alone: Whether the volume is all of its series. If it is not, frames that were drawn on
            other images are passed over.

    Raises:
        DataError: It has another geometry than the volume, or cannot be decoded.
    """
    shape = shape_of(dataset, name)
    if shape[1:] != masks.shape[1:]:
        raise DataError(
            f"{name}: a segmentation of {shape[1]} rows and {shape[2]} columns, but the images "
            f"have {masks.shape[1]} and {masks.shape[2]}"
        )
    grid = _Grid(slices, name, alone)
    count = 0
    targets: dict[int, tuple[int, int]] = {}
    for plane in planes_of(dataset, 0, shape):
        segment = _segment(dataset, plane.frame, name)
        place = grid.place(plane, sources(dataset, plane.frame))
        count += place is not None
        if place is not None and (not segment or segment in labels):
            targets[plane.frame] = place, segment
    overlap = False
    for frame, pixels in decoded(dataset, name, targets, colours=False):
        place, segment = targets[frame]
        drawn = _drawn(dataset, pixels[0], segment, labels)
        overlap |= bool(((drawn > 0) & (masks[place] > 0) & (drawn != masks[place])).any())
        np.maximum(masks[place], drawn, out=masks[place])
    return Painted(count, overlap)


class _Grid:
    """The slices of a volume, among which that of a segment is looked for."""

    def __init__(self, slices: Sequence[Plane], name: Path, alone: bool) -> None:
        self._slices = slices
        self._name = name
        self._alone = alone
        self._by_uid: dict[str, list[int]] = {}
        for place, plane in enumerate(slices):
            self._by_uid.setdefault(plane.uid, []).append(place)
        self._heights = np.array([plane.height for plane in slices])
        gaps = np.diff(self._heights)
        self._gap = float(np.median(gaps)) if len(gaps) else slices[0].thickness or 1.0

    def place(self, plane: Plane, drawn_on: Sequence[tuple[str, int | None]]) -> int | None:
        """The slice of a frame; None if it was drawn on images of another volume.

        Args:
            plane: The frame.
            drawn_on: From `segmentation.sources`.

        Raises:
            DataError: It lies between slices, beside them or outside, or does not say where.
        """
        places = [
            place
            for uid, frame in drawn_on
            for place in self._by_uid.get(uid, ())
            if frame in (None, self._slices[place].frame + 1)
        ]
        if drawn_on and not places and not self._alone:
            return None
        if plane.placed and self._slices[0].placed:
            return self._nearest(plane)
        if len(places) != 1:
            raise DataError(f"{self._name}: does not say which image its frame {plane.frame} is of")
        return places[0]

    def _nearest(self, plane: Plane) -> int:
        place = int(np.abs(self._heights - plane.height).argmin())
        found = self._slices[place]
        if not same_grid(found, plane):
            raise DataError(f"{self._name}: has another spacing or orientation than its images")
        offset = np.subtract(plane.position or 0, found.position or 0)
        across = float(np.dot(offset, found.normal))
        beside = float(np.linalg.norm(offset - np.multiply(across, found.normal)))
        if abs(across) > _BESIDE * self._gap or beside > _BESIDE * min(found.spacing or (1.0,)):
            raise DataError(
                f"{self._name}: frame {plane.frame} lies {np.hypot(across, beside):.4g} mm from "
                "the nearest image, expected the geometry of the images"
            )
        return place


def _segment(dataset: Dataset, frame: int, name: Path) -> int:
    """Number of the segment that a frame shows; 0 if its pixels are numbers of segments."""
    if is_label_map(dataset):
        return 0
    group = groups(dataset, frame)("SegmentIdentificationSequence")
    number = None if group is None else whole(group, "ReferencedSegmentNumber")
    if not number:
        raise DataError(f"{name}: does not say which segment its frame {frame} shows")
    return number


def _drawn(
    dataset: Dataset, pixels: NDArray[Any], segment: int, labels: Mapping[int, int]
) -> NDArray[np.uint8]:
    """The labels that a frame draws."""
    drawn = np.zeros(pixels.shape, np.uint8)
    if not segment:
        for number, label in labels.items():
            drawn[pixels == number] = label
        return drawn
    if text(dataset, "SegmentationType") == "FRACTIONAL":
        most = whole(dataset, "MaximumFractionalValue") or 255
        drawn[2.0 * pixels >= most] = labels[segment]
    else:
        drawn[pixels > 0] = labels[segment]
    return drawn
