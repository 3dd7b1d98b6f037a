"""What a source holds, as `inspecting.py` finds it before anything is trained on it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.preparation import Preparation
from medsynth.data.readers.interface import Problem
from medsynth.errors import InvalidArgumentError

HEEDED: Final = (
    *("orientation", "slicing", "channels", "label_map"),
    *("split", "train_share", "validation_share", "split_seed", "folds", "fold", "assignment"),
)
"""Fields of a preparation that decide what an inspection finds."""


def check_heeded(preparation: Preparation, field: str = "specification.preparation") -> None:
    """Checks that an inspection is asked nothing that it does not heed.

    Args:
        preparation: What is asked.
        field: Its path in the request, for errors.

    Raises:
        InvalidArgumentError: A field is set that has no effect on what is found.
    """
    usual = Preparation().to_mapping()
    for name, value in preparation.to_mapping().items():
        if name not in HEEDED and value != usual[name]:
            accepted = f"{usual[name]}, the default: an inspection heeds {', '.join(HEEDED)} alone"
            raise InvalidArgumentError.field(f"{field}.{name}", value, accepted)


@dataclass(frozen=True)
class ClassSummary:
    """One label of the masks.

    Attributes:
        label: Its value.
        name: Its name.
        pixels: How many pixels have it.
        slices: How many slices have it somewhere.
        volumes: Likewise volumes.
    """

    label: int
    name: str
    pixels: int
    slices: int
    volumes: int


@dataclass(frozen=True)
class GroupSummary:
    """Patients of one kind.

    Attributes:
        name: Of the group, of the part of the official split, or of the split.
        patients: How many.
        slices: How many of their slices.
    """

    name: str
    patients: int
    slices: int


@dataclass(frozen=True)
class PatientSummary:
    """One patient.

    Attributes:
        name: Pseudonym, as the reader gives it.
        group: Empty where there are none.
        part: Of the official split; empty where there is none, or several.
        split: As the preparation divides the patients; empty if it cannot.
        volumes: How many of the patient can be read.
        slices: Of these.
    """

    name: str
    group: str
    part: str
    split: str
    volumes: int
    slices: int


@dataclass(frozen=True)
class SizeSummary:
    """Volumes of one size.

    Attributes:
        slices: Slices of each.
        rows: Rows of each slice.
        columns: Columns.
        volumes: How many volumes have that size.
    """

    slices: int
    rows: int
    columns: int
    volumes: int


@dataclass(frozen=True)
class SpacingRange:
    """Where a distance in mm lies over the volumes.

    Attributes:
        axis: `slices`, `rows` or `columns`.
        low: Smallest.
        median: Median.
        high: Largest.
    """

    axis: str
    low: float
    median: float
    high: float


@dataclass(frozen=True)
class IntensitySummary:
    """Intensities of one channel, in the units of the files.

    Attributes:
        channel: Its number, from 0.
        low: Smallest value.
        high: Largest value.
        percents: Percentages of the values below...
        percentiles: ...these values, estimated from evenly spread values of every volume.
        edges: Limits of the histogram's bins; one more than `counts`. What lies outside is in the
            first and the last one.
        counts: Share of the values in each bin.
    """

    channel: int
    low: float
    high: float
    percents: tuple[float, ...]
    percentiles: tuple[float, ...]
    edges: tuple[float, ...]
    counts: tuple[float, ...]


@dataclass(frozen=True)
class Duplicate:
    """Two slices of different patients that look the same.

    Attributes:
        first: Volume and number of one slice, such as `case1 slice 4`.
        second: Of the other.
        first_patient: Pseudonym.
        second_patient: Pseudonym.
        first_split: Where the preparation would put it; empty where patients cannot be divided.
        second_split: Likewise.
        correlation: Of reduced images, up to 1.
        turned: Whether one is mirrored or turned by half.
    """

    first: str
    second: str
    first_patient: str
    second_patient: str
    first_split: str
    second_split: str
    correlation: float
    turned: bool


@dataclass(frozen=True)
class Inspection:
    """What a source holds. Field by field as the message `Inspection`, but for its name and time.

    Attributes:
        source: The fields of the `DataSource`.
        reader: Of the reader that understood it.
        patients: With at least one volume that can be read.
        volumes: That can be read.
        slices: Of these.
        channels: Numbers of channels that occur, with the number of volumes.
        classes: Labels of the masks; empty without masks.
        groups: By the patients' groups, at most 1,000.
        parts: By the official split.
        splits: As the preparation divides the patients.
        sizes: The ten most frequent sizes.
        spacings: In mm; empty where no file says.
        units: Of the intensities.
        intensities: Of each channel.
        empty_slices: Slices without any label.
        duplicates: Suspected ones, at most 1,000 and 512 KiB.
        problems: Files that cannot be used, likewise.
        problem_count: How many there are.
        remarks: What else is worth knowing, on the whole set first; at most 200 and 128 KiB.
        listed_patients: Whom the source names, those whose scans cannot be read too; at most
            20,000 and 1 MiB.
    """

    source: dict[str, Any]
    reader: str
    patients: int
    volumes: int
    slices: int
    channels: dict[int, int]
    classes: tuple[ClassSummary, ...]
    groups: tuple[GroupSummary, ...]
    parts: tuple[GroupSummary, ...]
    splits: tuple[GroupSummary, ...]
    sizes: tuple[SizeSummary, ...]
    spacings: tuple[SpacingRange, ...]
    units: str
    intensities: tuple[IntensitySummary, ...]
    empty_slices: int
    duplicates: tuple[Duplicate, ...]
    problems: tuple[Problem, ...]
    problem_count: int
    remarks: tuple[str, ...]
    listed_patients: tuple[PatientSummary, ...]

    def to_mapping(self) -> dict[str, Any]:
        """Every field, in types that JSON knows."""
        return asdict(self)


@dataclass(frozen=True)
class Thumbnail:
    """A slice to be shown.

    Attributes:
        title: Volume and number of the slice.
        image: (channels, rows, columns) levels between the volume's extreme percentiles.
        mask: Labels (rows, columns), or None.
    """

    title: str
    image: NDArray[np.uint8]
    mask: NDArray[np.uint8] | None
