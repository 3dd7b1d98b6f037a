"""What the volumes of a source amount to: counts, ranges, and what looks wrong."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from medsynth.data.duplicates import LookAlikes, Pair
from medsynth.data.inspection import (
    ClassSummary,
    Duplicate,
    GroupSummary,
    Inspection,
    PatientSummary,
    SizeSummary,
    SpacingRange,
    Thumbnail,
)
from medsynth.data.preparation import Preparation
from medsynth.data.readers.interface import Survey
from medsynth.data.source import Source
from medsynth.data.splits import Facts, Surveyed, split_patients
from medsynth.data.thumbnails import make_thumbnail
from medsynth.data.value_samples import ValueSamples
from medsynth.data.volume import Volume
from medsynth.errors import DataError

THUMBNAILS: Final = 24
"""Slices that are kept to be shown."""

_FAR_APART: Final = 20
_MOST_SIZES: Final = 10
_MOST_COMPARED: Final = 100_000
"""Slices: every one is compared with every other."""

_MOST: Final = {
    "duplicates": (1000, 2**19),
    "problems": (1000, 2**19),
    "remarks": (200, 2**17),
    "listed_patients": (20_000, 2**20),
    "groups": (1000, 2**17),
}
"""Of each list how many, and their bytes as JSON: the whole has to fit into one message."""

_T = TypeVar("_T")


class Tally:
    """Sums over volumes, in memory that grows with the number of slices by a few hundred bytes.

    Args:
        survey: Of the source.
        classes: Names of the labels of the volumes that will be added.
    """

    def __init__(self, survey: Survey, classes: Sequence[str]) -> None:
        self.problems = list(survey.problems)
        self.thumbnails: list[Thumbnail] = []
        self._classes = classes
        self._surveyed = Surveyed.of(survey.scans)
        self._of_the_set = [*survey.remarks, *self._surveyed.remarks]
        self._of_volumes: list[str] = []
        self._groups: dict[str, str] = {}
        self._volumes: Counter[str] = Counter()
        self._slices: Counter[str] = Counter()
        self._names: list[str] = []
        self._owners: list[str] = []
        self._look_alikes = LookAlikes()
        self._channels: Counter[int] = Counter()
        self._sizes: Counter[tuple[int, int, int]] = Counter()
        self._spacings: list[tuple[float, ...]] = []
        self._units: Counter[str] = Counter()
        self._brightest = array("d")
        self._values: dict[int, ValueSamples] = {}
        self._pixels: Counter[int] = Counter()
        self._slices_with: Counter[int] = Counter()
        self._volumes_with: Counter[int] = Counter()
        self._empty = 0

    def add(self, volume: Volume, patient: str, *, place: float) -> None:
        """Adds a volume.

        Args:
            volume: As it would be prepared.
            patient: Whose it is.
            place: Where it stands among the scans, from 0 to below 1.
        """
        count, channels, rows, columns = volume.images.shape
        self._groups[patient] = self._groups.get(patient) or volume.group
        self._volumes[patient] += 1
        self._slices[patient] += count
        self._channels[channels] += 1
        self._sizes[count, rows, columns] += 1
        self._units[volume.units] += 1
        self._brightest.append(float(volume.images.max()))
        if volume.spacing is not None:
            between, *pixels = volume.spacing
            self._spacings.append((between if volume.oriented else np.nan, *pixels))
        self._of_volumes += [f"{volume.name}: {remark}" for remark in volume.remarks]
        for channel in range(channels):
            self._values.setdefault(channel, ValueSamples()).add(volume.images[:, channel])
        for number in range(count):
            if len(self._names) < _MOST_COMPARED:
                plane = volume.images[number].mean(axis=0, dtype=np.float64)
                self._look_alikes.add(len(self._names), plane)
            self._names.append(f"{volume.name} slice {number}")
            self._owners.append(patient)
        if volume.masks is not None:
            self._add_masks(volume.masks)
        if len(self.thumbnails) <= place * THUMBNAILS:
            self.thumbnails.append(make_thumbnail(volume))

    def _add_masks(self, masks: NDArray[np.uint8]) -> None:
        counts = [np.bincount(mask.ravel(), minlength=256) for mask in masks]
        self._empty += sum(not count[1:].any() for count in counts)
        for label in range(len(self._classes)):
            pixels = [int(count[label]) for count in counts]
            self._pixels[label] += sum(pixels)
            self._slices_with[label] += sum(n > 0 for n in pixels)
            self._volumes_with[label] += any(pixels)

    def result(self, source: Source, reader: str, report: Callable[[], None]) -> Inspection:
        """What was added.

        Args:
            source: Whose volumes they are.
            reader: That read them.
            report: Called now and then while slices are compared; may raise to stop.
        """
        splits = self._splits(source.preparation)
        duplicates = self._bounded("duplicates", self._duplicates(splits, report))
        listed = self._bounded("listed_patients", self._patients(splits))
        facts = self._surveyed.patients
        groups = self._grouped(self._groups)
        parts = self._grouped({patient: facts[patient].part for patient in self._groups})
        problems = self._bounded("problems", self.problems)
        return Inspection(
            source={**source.to_mapping(), "reader": reader},
            reader=reader,
            patients=len(self._groups),
            volumes=self._volumes.total(),
            slices=len(self._names),
            channels=dict(sorted(self._channels.items())),
            classes=tuple(
                ClassSummary(
                    label, name, self._pixels[label], self._slices_with[label],
                    self._volumes_with[label],
                )
                for label, name in enumerate(self._classes)
            ),
            groups=groups,
            parts=parts,
            splits=self._grouped(splits),
            sizes=tuple(
                SizeSummary(*size, volumes)
                for size, volumes in self._sizes.most_common(_MOST_SIZES)
            ),
            spacings=self._ranges(),
            units=next(iter(self._units), "") if len(self._units) == 1 else "",
            intensities=tuple(
                values.summary(channel) for channel, values in sorted(self._values.items())
            ),
            empty_slices=self._empty,
            duplicates=duplicates,
            problems=problems,
            problem_count=len(self.problems),
            remarks=self._remarks(),
            listed_patients=listed,
        )  # fmt: skip

    def _bounded(self, name: str, items: Iterable[_T]) -> tuple[_T, ...]:
        """As many of the items as are told; remarks that there are more."""
        kept, more = bounded(items, *_MOST[name])
        if more:
            self._of_the_set.append(f"There are more {name.replace('_', ' ')} than are told.")
        return kept

    def _remarks(self) -> tuple[str, ...]:
        """Those on the whole set first: what is too much is said of single volumes."""
        said = [*self._of_the_set, *self._differences(), *self._of_volumes]
        kept, _ = bounded(said, *_MOST["remarks"])
        more = len(said) - len(kept)
        return (*kept, *((f"and {more} more remarks",) if more else ()))

    def _differences(self) -> Iterator[str]:
        """In what volumes differ that are to be one set."""
        if len(self._units) > 1:
            yield "the volumes differ in the units of their intensities"
        if len(self._channels) > 1:
            yield "images differ in the number of channels; `channels` of the preparation decides"
        brightest = [high for high in self._brightest if high > 0]
        if brightest and max(brightest) > _FAR_APART * min(brightest):
            yield (
                f"the brightest values of the volumes lie between {min(brightest):g} and "
                f"{max(brightest):g}: a window would suit few of them, percentiles suit all"
            )

    def _grouped(self, names: Mapping[str, str]) -> tuple[GroupSummary, ...]:
        patients = Counter(name for name in names.values() if name)
        slices: Counter[str] = Counter()
        for patient, name in names.items():
            slices[name] += self._slices[patient]
        found = (GroupSummary(n, patients[n], slices[n]) for n in sorted(patients))
        return self._bounded("groups", found)

    def _splits(self, preparation: Preparation) -> Mapping[str, str]:
        facts = self._surveyed.patients
        usable = {
            patient: Facts(group, facts[patient].part) for patient, group in self._groups.items()
        }
        try:
            self._surveyed.check(preparation, len(self.problems))
            return split_patients(usable, preparation, len(self.problems))
        except DataError as error:
            self._of_the_set.insert(0, f"patients cannot be divided as asked: {error.message}")
            return {}

    def _patients(self, splits: Mapping[str, str]) -> Iterator[PatientSummary]:
        for patient, facts in self._surveyed.patients.items():
            yield PatientSummary(
                patient, self._groups.get(patient, ""), facts.part, splits.get(patient, ""),
                self._volumes[patient], self._slices[patient],
            )  # fmt: skip

    def _duplicates(
        self, splits: Mapping[str, str], report: Callable[[], None]
    ) -> Iterator[Duplicate]:
        if len(self._names) > _MOST_COMPARED:
            self._of_the_set.append(
                f"Of {len(self._names):,} slices the first {_MOST_COMPARED:,} were compared."
            )
        for pair in self._pairs(splits, report):
            first, second = self._owners[pair.first], self._owners[pair.second]
            yield Duplicate(
                self._names[pair.first], self._names[pair.second], first, second,
                splits.get(first, ""), splits.get(second, ""), pair.correlation, pair.turned,
            )  # fmt: skip

    def _pairs(self, splits: Mapping[str, str], report: Callable[[], None]) -> Iterator[Pair]:
        """Pairs on two sides of the split first: of what is too much, these must be told."""
        most = _MOST["duplicates"][0]
        sides = [splits.get(owner, "") for owner in self._owners]
        found = list(islice(self._look_alikes.pairs(self._owners, report), most + 1))
        if len(found) > most:
            found += islice(self._look_alikes.pairs(sides, report), most)
        across = [pair for pair in found if sides[pair.first] != sides[pair.second]]
        within = [pair for pair in found if sides[pair.first] == sides[pair.second]]
        yield from dict.fromkeys([*across, *within])

    def _ranges(self) -> tuple[SpacingRange, ...]:
        if not self._spacings:
            return ()
        known = [column[~np.isnan(column)] for column in np.array(self._spacings).T]
        return tuple(
            SpacingRange(axis, *(round(float(f(column)), 4) for f in (np.min, np.median, np.max)))
            for axis, column in zip(("slices", "rows", "columns"), known, strict=True)
            if len(column)
        )


def bounded(items: Iterable[_T], count: int, size: int) -> tuple[tuple[_T, ...], bool]:
    """The first items, and whether there are more.

    Args:
        items: Data classes or texts.
        count: How many at most.
        size: Their bytes as JSON, at most.
    """
    kept: list[_T] = []
    for item in items:
        size -= len(json.dumps(item, default=asdict))
        if size < 0 or len(kept) == count:
            return tuple(kept), True
        kept.append(item)
    return tuple(kept), False
