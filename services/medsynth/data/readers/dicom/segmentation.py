"""DICOM segmentations: what their headers say of the images that they are of, and of segments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from medsynth.data.readers.dicom.elements import groups, items, text, whole
from medsynth.data.readers.dicom.frames import shape_of
from medsynth.data.readers.interface import MOST_CLASSES, ReaderOptions
from medsynth.errors import DataError, InvalidArgumentError

if TYPE_CHECKING:
    from pydicom import Dataset

KEYWORDS: Final = (
    "FrameOfReferenceUID", "SegmentSequence", "SegmentationType", "MaximumFractionalValue",
    "ReferencedSeriesSequence",
)  # fmt: skip
"""Of the header's elements that this module looks at, beyond those of pixels and planes."""

LABEL_MAP: Final = "1.2.840.10008.5.1.4.1.1.66.7"
SEGMENTATIONS: Final = ("1.2.840.10008.5.1.4.1.1.66.4", LABEL_MAP)
"""SOP classes."""

_LONGEST_NAME: Final = 100


@dataclass(frozen=True)
class Segmentation:
    """What the header of a segmentation says.

    Attributes:
        segments: Name of each segment by its number.
        instances: UIDs of the images that it refers to.
        series: UIDs of the series that it refers to.
        coordinates: UID of its frame of reference; empty without.
        size: Rows and columns.
    """

    segments: Mapping[int, str]
    instances: frozenset[str]
    series: frozenset[str]
    coordinates: str
    size: tuple[int, int]


def described(dataset: Dataset, name: Path, private: Callable[[str], bool]) -> Segmentation:
    """Understands the header of a segmentation.

    Args:
        dataset: The header.
        name: Of the file, for messages.
        private: Whether a text would give a patient away; such a segment is named by its code or
            its number.

    Raises:
        DataError: It has no segments.
    """
    segments: dict[int, str] = {}
    for segment in items(dataset, "SegmentSequence"):
        place = whole(segment, "SegmentNumber")
        if place is not None and not (place == 0 and is_label_map(dataset)):
            segments[place] = _name(segment, place, private)
    if not segments:
        raise DataError(f"{name}: a segmentation without segments")
    referenced = items(dataset, "ReferencedSeriesSequence")
    instances = {
        text(instance, "ReferencedSOPInstanceUID")
        for series in referenced
        for instance in items(series, "ReferencedInstanceSequence")
    }
    if not instances:
        frames = range(len(items(dataset, "PerFrameFunctionalGroupsSequence")))
        instances = {uid for frame in frames for uid, _ in sources(dataset, frame)}
    return Segmentation(
        segments,
        frozenset(instances - {""}),
        frozenset({text(series, "SeriesInstanceUID") for series in referenced} - {""}),
        text(dataset, "FrameOfReferenceUID"),
        shape_of(dataset, name)[1:],
    )


def class_names(
    segmentations: Sequence[Segmentation], options: ReaderOptions, uri: str
) -> tuple[str, ...]:
    """Names of the labels, background first: of all segments of a set, or those that are chosen.

    Raises:
        DataError: There are more than labels.
        InvalidArgumentError: A chosen name is no segment's.
    """
    found = sorted({name for each in segmentations for name in each.segments.values()})
    unknown = [name for name in options.class_names if name not in found]
    if unknown:
        accepted = f"names of segments: {', '.join(found)}" if found else "none: no segmentations"
        raise InvalidArgumentError.field(
            "specification.data.options.class_names", unknown, accepted
        )
    names = options.class_names or tuple(found)
    if len(names) >= MOST_CLASSES:
        raise DataError(
            f"{uri}: its segmentations name {len(names)} segments, expected fewer than "
            f"{MOST_CLASSES}; choose some by class_names"
        )
    return ("background", *names) if names else ()


def sources(dataset: Dataset, frame: int) -> list[tuple[str, int | None]]:
    """UIDs, and numbers from 1, of the images that a frame was drawn on; number None: any."""
    group = groups(dataset, frame)("DerivationImageSequence")
    if group is None:
        return []
    return [
        (text(source, "ReferencedSOPInstanceUID"), whole(source, "ReferencedFrameNumber"))
        for source in items(group, "SourceImageSequence")
    ]


def is_label_map(dataset: Dataset) -> bool:
    """Whether pixels are numbers of segments, rather than each frame one segment."""
    return text(dataset, "SOPClassUID") == LABEL_MAP


def _name(segment: Dataset, place: int, private: Callable[[str], bool]) -> str:
    kinds = items(segment, "SegmentedPropertyTypeCodeSequence")[:1]
    names = (
        text(segment, "SegmentLabel"),
        text(segment, "SegmentDescription"),
        *(text(kind, "CodeMeaning") for kind in kinds),
    )
    for name in names:
        shown = " ".join("".join(c if c.isprintable() else " " for c in name).split())
        if shown and not private(shown):
            return shown[:_LONGEST_NAME]
    return f"segment {place}"
