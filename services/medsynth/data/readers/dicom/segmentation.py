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
_TERMINOLOGIES: Final = ("SCT", "SRT", "DCM", "FMA", "RADLEX", "NCIt", "UMLS")
"""Designators of coding schemes whose meanings are words for things, never for people."""


@dataclass(frozen=True)
class Segment:
    """What a segment may be called.

    Attributes:
        texts: Its label, description and the meaning of its code, as far as there are any.
        term: The meaning of its code if that is of a standard terminology; else empty.
    """

    texts: tuple[str, ...]
    term: str

    def name(self, number: int, private: Callable[[str], bool]) -> str:
        """The first of its texts that is a term or gives nobody away, else its number."""
        fit = (text for text in self.texts if text == self.term or not private(text))
        return next(fit, f"segment {number}")


@dataclass(frozen=True)
class Segmentation:
    """What the header of a segmentation says.

    Attributes:
        segments: By number.
        instances: UIDs of the images that it refers to.
        series: UIDs of the series that it refers to.
        coordinates: UID of its frame of reference; empty without.
        size: Rows and columns.
    """

    segments: Mapping[int, Segment]
    instances: frozenset[str]
    series: frozenset[str]
    coordinates: str
    size: tuple[int, int]


def described(dataset: Dataset, name: Path) -> Segmentation:
    """Understands the header of a segmentation.

    Args:
        dataset: The header.
        name: Of the file, for messages.

    Raises:
        DataError: It has no segments.
    """
    segments: dict[int, Segment] = {}
    for segment in items(dataset, "SegmentSequence"):
        place = whole(segment, "SegmentNumber")
        if place is not None and not (place == 0 and is_label_map(dataset)):
            segments[place] = _segment(segment)
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
    segmentations: Sequence[Mapping[int, str]], options: ReaderOptions, uri: str
) -> tuple[str, ...]:
    """Names of the labels, background first: of all segments of a set, or those that are chosen.

    Args:
        segmentations: The names of each one's segments by their numbers.
        options: Of the source.
        uri: Of the source.

    Raises:
        DataError: There are more than labels.
        InvalidArgumentError: A chosen name is no segment's.
    """
    found = sorted({name for names in segmentations for name in names.values()})
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


def _segment(segment: Dataset) -> Segment:
    kinds = items(segment, "SegmentedPropertyTypeCodeSequence")[:1]
    meaning = next((_tidy(text(kind, "CodeMeaning")) for kind in kinds), "")
    standard = any(text(kind, "CodingSchemeDesignator") in _TERMINOLOGIES for kind in kinds)
    texts = (*(_tidy(text(segment, k)) for k in ("SegmentLabel", "SegmentDescription")), meaning)
    return Segment(tuple(filter(None, texts)), meaning if standard else "")


def _tidy(words: str) -> str:
    shown = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return shown[:_LONGEST_NAME]
