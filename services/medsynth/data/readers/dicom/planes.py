"""Where each image of a DICOM file lies in the patient, from its header alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar

from medsynth.data.readers.dicom.elements import (
    Group,
    groups,
    items,
    number,
    numbers,
    text,
    texts,
    whole,
)
from medsynth.data.readers.dicom.scales import Scale, same_scale, scales_of

if TYPE_CHECKING:
    from pydicom import Dataset

T = TypeVar("T")
Vector = tuple[float, float, float]

_MARKS: Final = (
    ("echo time", "EchoTime", "MREchoSequence", "EffectiveEchoTime"),
    ("b-value", "DiffusionBValue", "MRDiffusionSequence", "DiffusionBValue"),
    ("kind of image", "ImageType", "MRImageFrameTypeSequence", "FrameType"),
    ("time", "TemporalPositionIdentifier", "FrameContentSequence", "TemporalPositionIndex"),
    ("acquisition", "AcquisitionNumber", "FrameContentSequence", "FrameAcquisitionNumber"),
    ("stack", "", "FrameContentSequence", "StackID"),
    ("trigger time", "TriggerTime", "CardiacSynchronizationSequence",
     "NominalCardiacTriggerDelayTime"),
)  # fmt: skip

MARKS: Final = tuple(words for words, *_ in _MARKS)
"""What may tell images at one position apart."""

_MOMENTS: Final = ("AcquisitionDateTime", "AcquisitionTime", "ContentTime")

KEYWORDS: Final = (
    "SOPInstanceUID", "InstanceNumber", "ImagePositionPatient", "ImageOrientationPatient",
    "SliceThickness", "SpacingBetweenSlices", "NumberOfFrames",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
    *_MOMENTS, *(keyword for _, keyword, _, _ in _MARKS if keyword),
)  # fmt: skip
"""Of the header's elements that this module looks at."""

ALIKE: Final = 1e-3
"""By which direction cosines may differ and still count as the same."""


@dataclass(frozen=True, slots=True)
class Plane:
    """One image, or one frame of an image, without its pixels.

    Attributes:
        file: Number of its file among those it was found with.
        frame: Its number in the file, from 0.
        frames: How many the file has.
        uid: Of the instance.
        number: By which images without positions are ordered; None without.
        moment: When it was made, as text that sorts; empty without.
        shape: Channels, rows, columns.
        position: Centre of the first pixel in mm to the patient's left, back and head; or None.
        orientation: Direction cosines along a row, then along a column; or None.
        spacing: Distance of rows and of columns in mm; or None.
        caveat: What is worth knowing about the spacing; empty for nothing.
        thickness: Distance to the next slice, or thickness, in mm; 0 where unknown.
        marks: Of the kinds of `MARKS`.
    """

    file: int
    frame: int
    frames: int
    uid: str
    number: int | None
    moment: str
    shape: tuple[int, int, int]
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: Scale | None
    caveat: str
    thickness: float
    marks: tuple[str, ...]

    @property
    def placed(self) -> bool:
        """Whether its place in the patient is known."""
        return None not in (self.position, self.orientation)

    @property
    def normal(self) -> Vector:
        """Direction of the next slice, of length 1; (0, 0, 0) unless it is placed."""
        a, b, c, d, e, f = (self.placed and self.orientation) or (0.0,) * 6
        return (b * f - c * e, c * d - a * f, a * e - b * d)

    @property
    def height(self) -> float:
        """Its position along the normal in mm; 0 unless it is placed."""
        position = self.position or (0.0,) * 3
        return sum(a * b for a, b in zip(self.normal, position, strict=True))


def planes_of(dataset: Dataset, file: int, shape: tuple[int, int, int]) -> Iterator[Plane]:
    """The frames of a file.

    Args:
        dataset: Its header.
        file: Its number.
        shape: Channels, rows, columns.
    """
    count = max(1, whole(dataset, "NumberOfFrames") or 1)
    uid, instance = text(dataset, "SOPInstanceUID"), whole(dataset, "InstanceNumber")
    moment = next(filter(None, (text(dataset, keyword) for keyword in _MOMENTS)), "")
    own = tuple(
        "\\".join(texts(dataset, keyword)) if keyword else "" for _, keyword, _, _ in _MARKS
    )
    scale = scales_of(dataset, shape)

    def plane(frame: int) -> Plane:
        group = groups(dataset, frame)
        # A position that is not in a frame's own group would be that of every frame.
        place = group("PlanePositionSequence") or (dataset if count == 1 else None)
        measures = group("PixelMeasuresSequence") or dataset
        spacing, caveat = scale(measures)
        return Plane(
            file=file,
            frame=frame,
            frames=count,
            uid=uid,
            number=instance,
            moment=moment,
            shape=_one(shape),
            position=None if place is None else numbers(place, "ImagePositionPatient", 3),
            orientation=_orientation(group("PlaneOrientationSequence") or dataset),
            spacing=_one(spacing),
            caveat=caveat,
            thickness=_thickness(measures),
            marks=_one(_marks(group, own)),
        )

    grouped = len(items(dataset, "PerFrameFunctionalGroupsSequence"))
    for frame in range(min(count, grouped)):
        yield plane(frame)
    if grouped < count:
        common = plane(grouped)
        yield from (replace(common, frame=frame) for frame in range(grouped, count))


def alike(one: Plane, other: Plane) -> bool:
    """Whether two planes are of one kind: parallel, of one size and spacing."""
    if one.shape != other.shape or one.placed != other.placed:
        return False
    if one.placed:
        return same_grid(one, other)
    together = one.frames == other.frames == 1 or one.file == other.file
    return together and same_scale(one.spacing, other.spacing)


def same_grid(one: Plane, other: Plane) -> bool:
    """Whether two planes with a place have their axes and pixels alike."""
    cosines = zip(one.orientation or (), other.orientation or (), strict=True)
    parallel = all(abs(a - b) <= ALIKE for a, b in cosines)
    return parallel and same_scale(one.spacing, other.spacing)


@lru_cache(2**12)
def _one(value: T) -> T:
    """One object for all that are equal: thousands of planes share what they have in common."""
    return value


def _orientation(dataset: Dataset) -> tuple[float, ...] | None:
    """Direction cosines, unless they are none: of length 1 and at right angles."""
    cosines = numbers(dataset, "ImageOrientationPatient", 6)
    if cosines is None:
        return None
    lengths = math.hypot(*cosines[:3]), math.hypot(*cosines[3:])
    skew = sum(a * b for a, b in zip(cosines[:3], cosines[3:], strict=True))
    if max(abs(length - 1) for length in lengths) > 0.01 or abs(skew) > 0.01:
        return None
    unit: tuple[float, ...] = _one(
        tuple(value / lengths[place // 3] for place, value in enumerate(cosines))
    )
    return unit


def _thickness(dataset: Dataset) -> float:
    found = (number(dataset, name) or 0.0 for name in ("SpacingBetweenSlices", "SliceThickness"))
    return next((one for one in map(abs, found) if 1e-6 < one < 1e6), 0.0)


def _marks(group: Group, own: tuple[str, ...]) -> tuple[str, ...]:
    """Of a frame's groups, else of the file."""
    found = []
    for mark, (_, _, sequence, keyword) in zip(own, _MARKS, strict=True):
        inner = group(sequence)
        found.append("\\".join(texts(inner, keyword)) if inner is not None else mark)
    return tuple(found)
