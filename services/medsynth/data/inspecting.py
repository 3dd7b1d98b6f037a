"""Reads everything that a source holds and says what it is."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import nan
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.duplicates import LookAlikes
from medsynth.data.geometry import orient
from medsynth.data.inspection import (
    ClassSummary,
    Duplicate,
    GroupSummary,
    Inspection,
    IntensitySummary,
    SizeSummary,
    SpacingRange,
    Thumbnail,
)
from medsynth.data.ordered import Stop, map_in_order, usable_cores
from medsynth.data.preparation import Preparation
from medsynth.data.readers.interface import Problem, Scan
from medsynth.data.reading import problem_of, read_scan
from medsynth.data.slices import Box, cut
from medsynth.data.source import Source, opened
from medsynth.data.splits import Facts, split_patients
from medsynth.data.volume import Volume
from medsynth.errors import DataError

THUMBNAILS: Final = 24
"""Slices that are kept to be shown."""

_THUMBNAIL_SIDE: Final = 160
_SAMPLED_VALUES: Final = 2048
_MOST_SAMPLES: Final = 2_000_000
_BINS: Final = 64
_PERCENTS: Final = (0.5, 5, 25, 50, 75, 95, 99.5)
_MOST_DUPLICATES: Final = 1000
_MOST_PROBLEMS: Final = 1000
_MOST_REMARKS: Final = 200
_FAR_APART: Final = 20
_AXES: Final = ("slices", "rows", "columns")


@dataclass(frozen=True)
class _Look:
    """What is kept of one scan."""

    volume: Volume | None
    problem: Problem | None


def inspect(
    source: Source,
    *,
    progress: Callable[[int, int], None],
    roots: Sequence[str] | None = None,
    scratch: Path | None = None,
    cores: int | None = None,
) -> tuple[Inspection, list[Thumbnail]]:
    """Reads everything that a source holds and says what it is.

    Files that cannot be used do not end it, they are listed. Of the preparation, orientation and
    slicing are heeded (they decide what a slice is), and how patients are divided.

    Args:
        source: Its URI as `resolve` returned it.
        progress: Called with scans done and scans in all; may raise to stop.
        roots: Folders inside which every file must really lie, links followed. None: not checked.
        scratch: Local folder for what is fetched or unpacked; the system's own unless given.
        cores: Scans that are read at the same time; as many as the process may use cores unless
            given.

    Returns:
        What it holds, and some evenly spread slices with their masks.

    Raises:
        DataError: No reader recognises the source, or the reader cannot understand it at all.
    """
    with opened(source, roots, scratch) as (reader, files):
        survey = reader.survey(files, source.options)

        def look(scan: Scan, stop: Stop) -> _Look:
            stop.check()
            try:
                volume = read_scan(reader, files, scan, source.options)
                return _Look(orient(volume, source.preparation), None)
            except DataError as error:
                return _Look(None, problem_of(scan, error.message, files))

        tally = _Tally(survey.classes)
        total = len(survey.scans)
        wanted = {total * (2 * k + 1) // (2 * THUMBNAILS) for k in range(THUMBNAILS)}
        progress(0, total)
        looks = map_in_order(look, survey.scans, cores or usable_cores())
        for done, (scan, found) in enumerate(zip(survey.scans, looks, strict=True)):
            if found.problem is not None:
                tally.problems.append(found.problem)
            if found.volume is not None:
                tally.add(found.volume, scan.part, shown=done in wanted)
            progress(done + 1, total)
        tally.problems[:0] = survey.problems
        tally.remarks[:0] = survey.remarks
        return tally.result(source, reader.NAME), tally.thumbnails


class _Tally:
    """Sums over volumes, in memory that grows with the number of slices by a few hundred bytes."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        self.problems: list[Problem] = []
        self.remarks: list[str] = []
        self.thumbnails: list[Thumbnail] = []
        self._classes = classes
        self._patients: dict[str, Facts] = {}
        self._slices: Counter[str] = Counter()
        self._names: list[str] = []
        self._owners: list[str] = []
        self._look_alikes = LookAlikes()
        self._channels: Counter[int] = Counter()
        self._sizes: Counter[tuple[int, int, int]] = Counter()
        self._spacings: list[tuple[float, ...]] = []
        self._units: Counter[str] = Counter()
        self._brightest = array("d")
        self._values: dict[int, _Values] = {}
        self._pixels, self._with_label, self._volumes_with = Counter(), Counter(), Counter()  # type: ignore[var-annotated]
        self._empty = 0
        self._volumes = 0

    def add(self, volume: Volume, part: str, *, shown: bool) -> None:
        known = self._patients.get(volume.patient, Facts())
        self._patients[volume.patient] = Facts(known.group or volume.group, known.part or part)
        count, channels, rows, columns = volume.images.shape
        self._volumes += 1
        self._slices[volume.patient] += count
        self._channels[channels] += 1
        self._sizes[count, rows, columns] += 1
        self._units[volume.units] += 1
        self._brightest.append(float(volume.images.max()))
        if volume.spacing is not None:
            between, *pixels = volume.spacing
            self._spacings.append((between if volume.oriented else nan, *pixels))
        self.remarks += [f"{volume.name}: {remark}" for remark in volume.remarks]
        for channel in range(channels):
            self._values.setdefault(channel, _Values()).add(volume.images[:, channel])
        for number in range(count):
            self._look_alikes.add(len(self._names), volume.images[number].mean(axis=0))
            self._names.append(f"{volume.name} slice {number}")
            self._owners.append(volume.patient)
        if volume.masks is not None:
            self._add_masks(volume.masks)
        if shown:
            self.thumbnails.append(_thumbnail(volume))

    def _add_masks(self, masks: NDArray[np.uint8]) -> None:
        counts = [np.bincount(mask.ravel(), minlength=256) for mask in masks]
        self._empty += sum(not count[1:].any() for count in counts)
        for label in range(len(self._classes)):
            pixels = [int(count[label]) for count in counts]
            self._pixels[label] += sum(pixels)
            self._with_label[label] += sum(n > 0 for n in pixels)
            self._volumes_with[label] += any(pixels)

    def result(self, source: Source, reader: str) -> Inspection:
        splits = self._splits(source.preparation)
        duplicates = self._duplicates(splits)
        remarks = _first(self.remarks, _MOST_REMARKS) + tuple(self._differences())
        return Inspection(
            source={**source.to_mapping(), "reader": reader},
            reader=reader,
            patients=len(self._patients),
            volumes=self._volumes,
            slices=len(self._names),
            channels=dict(sorted(self._channels.items())),
            classes=tuple(
                ClassSummary(
                    label, name, self._pixels[label], self._with_label[label],
                    self._volumes_with[label],
                )
                for label, name in enumerate(self._classes)
            ),
            groups=self._grouped({p: facts.group for p, facts in self._patients.items()}),
            parts=self._grouped({p: facts.part for p, facts in self._patients.items()}),
            splits=self._grouped(splits),
            sizes=tuple(
                SizeSummary(*size, volumes) for size, volumes in self._sizes.most_common(10)
            ),
            spacings=self._ranges(),
            units=next(iter(self._units), "") if len(self._units) == 1 else "",
            intensities=tuple(
                values.summary(channel) for channel, values in sorted(self._values.items())
            ),
            empty_slices=self._empty,
            duplicates=duplicates,
            problems=tuple(self.problems[:_MOST_PROBLEMS]),
            problem_count=len(self.problems),
            remarks=remarks,
        )  # fmt: skip

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

    def _grouped(self, names: dict[str, str]) -> tuple[GroupSummary, ...]:
        patients = Counter(name for name in names.values() if name)
        slices: Counter[str] = Counter()
        for patient, name in names.items():
            slices[name] += self._slices[patient]
        return tuple(GroupSummary(n, patients[n], slices[n]) for n in sorted(patients))

    def _splits(self, preparation: Preparation) -> dict[str, str]:
        try:
            return split_patients(self._patients, preparation)
        except DataError as error:
            self.remarks.append(f"patients cannot be divided as asked: {error.message}")
            return {}

    def _duplicates(self, splits: dict[str, str]) -> tuple[Duplicate, ...]:
        found: list[Duplicate] = []
        for pair in self._look_alikes.pairs(self._owners):
            if len(found) == _MOST_DUPLICATES:
                self.remarks.append(f"more than {_MOST_DUPLICATES} suspected duplicates")
                break
            first, second = self._owners[pair.first], self._owners[pair.second]
            found.append(
                Duplicate(
                    self._names[pair.first], self._names[pair.second], first, second,
                    splits.get(first, ""), splits.get(second, ""), pair.correlation, pair.turned,
                )
            )  # fmt: skip
        return tuple(found)

    def _ranges(self) -> tuple[SpacingRange, ...]:
        if not self._spacings:
            return ()
        known = [column[~np.isnan(column)] for column in np.array(self._spacings).T]
        return tuple(
            SpacingRange(axis, *(round(float(f(column)), 4) for f in (np.min, np.median, np.max)))
            for axis, column in zip(_AXES, known, strict=True)
            if len(column)
        )


@dataclass
class _Values:
    """Values of one channel: the extremes exactly, the rest from evenly spread samples."""

    low: float = float("inf")
    high: float = float("-inf")
    samples: list[NDArray[np.float32]] = field(default_factory=list)

    def add(self, values: NDArray[np.float32]) -> None:
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))
        flat = values.ravel()
        self.samples.append(flat[:: max(1, len(flat) // _SAMPLED_VALUES)].copy())
        if sum(map(len, self.samples)) > _MOST_SAMPLES:
            self.samples = [np.concatenate(self.samples)[::2].copy()]

    def summary(self, channel: int) -> IntensitySummary:
        values = np.concatenate(self.samples)
        percentiles = np.percentile(values, _PERCENTS)
        low, high = float(percentiles[0]), float(percentiles[-1])
        edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
        return IntensitySummary(
            channel, self.low, self.high, _PERCENTS,
            tuple(float(f"{value:.6g}") for value in percentiles),
            tuple(float(f"{edge:.6g}") for edge in edges),
            tuple(round(float(share), 6) for share in counts / len(values)),
        )  # fmt: skip


def _thumbnail(volume: Volume) -> Thumbnail:
    """The slice with most of its pixels labelled, or the middle one, reduced to fit a tile."""
    number = len(volume.images) // 2
    if volume.masks is not None and volume.masks.any():
        number = int(np.argmax((volume.masks > 0).sum(axis=(1, 2))))
    rows, columns = volume.images.shape[2:]
    side = max(rows, columns)
    box = Box((rows - side) // 2, (columns - side) // 2, side, side)
    step = max(1, -(-side // _THUMBNAIL_SIDE))
    low, high = np.percentile(volume.images[number], (0.5, 99.5))
    levels = np.clip((volume.images[number] - low) / max(float(high - low), 1e-30), 0, 1) * 255
    image = cut(levels, box)[:, ::step, ::step].astype(np.uint8)
    mask = None
    if volume.masks is not None:
        mask = cut(volume.masks[number], box)[::step, ::step].astype(np.uint8)
    return Thumbnail(f"{volume.name} slice {number}", image, mask)


def _first(texts: Sequence[str], count: int) -> tuple[str, ...]:
    more = len(texts) - count
    return (*texts[:count], *((f"and {more} more remarks",) if more > 0 else ()))
