"""What the headers of a folder of DICOM files make: scans, each with its segmentations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from medsynth.data.readers.dicom.found import FoundSegmentation, FoundSeries, Key
from medsynth.data.readers.dicom.headers import FoundProblem, Headers
from medsynth.data.readers.dicom.patients import series_code
from medsynth.data.readers.dicom.scan import Detail
from medsynth.data.readers.dicom.segmentation import class_names
from medsynth.data.readers.dicom.stacks import Stack, TangledError, stacks
from medsynth.data.readers.interface import Problem, ReaderOptions, Scan, Survey

_NO_SEGMENTATION: Final = "its series has no segmentation, though others of the source have one"
_TORN: Final = "the files of its series name different patients: whose is it?"


def surveyed(headers: Headers, uri: str, options: ReaderOptions) -> Survey:
    """The scans.

    Args:
        headers: Of the source.
        uri: Of the source.
        options: Of the source.

    Raises:
        DataError: The segmentations name too many segments.
        InvalidArgumentError: An option names a segment that there is not.
    """
    return _Surveying(headers, uri, options).survey()


class _Surveying:
    def __init__(self, headers: Headers, uri: str, options: ReaderOptions) -> None:
        self._headers = headers
        self._problems = list(headers.problems)
        self._drawn: dict[Key, list[FoundSegmentation]] = defaultdict(list)
        for drawn in headers.segmentations:
            # Only now is every word known that would give a patient away.
            drawn.names = {
                number: segment.name(number, headers.names_anyone)
                for number, segment in drawn.what.segments.items()
            }
            for key in drawn.keys:
                self._drawn[key].append(drawn)
        self._classes = class_names([drawn.names for drawn in headers.segmentations], options, uri)

    def survey(self) -> Survey:
        headers = self._headers
        scans = [scan for series in headers.series.values() for scan in self._scans(series)]
        for drawn in headers.segmentations:
            if not drawn.used:
                self._add_problem(drawn.path, drawn.patient, "refers to none of the images")
        problems = [
            Problem(headers.shown(problem.path, problem.patient), problem.reason)
            for problem in self._problems
        ]
        modalities = {series.modality for series in headers.series.values()}
        modality = modalities.pop() if len(modalities) == 1 else ""
        return Survey(scans, self._classes, problems, tuple(self._remarks()), modality)

    def _remarks(self) -> Iterator[str]:
        if others := self._headers.others:
            yield f"DICOM files without an image that were passed over: {others}"
        if shared := self._headers.shared_ids:
            yield (
                f"patients whose files bear several names or birth dates: {shared}; if one id "
                "stands for several people, a patient_pattern tells them apart"
            )

    def _add_problem(self, path: str, patient: str, reason: str) -> None:
        self._problems.append(FoundProblem(path, patient, reason))

    def _scans(self, series: FoundSeries) -> Iterator[Scan]:
        """The scans of a series; what is wrong with it becomes a problem."""
        if len(series.patients) > 1:
            self._add_problem(series.paths[0], series.patient, _TORN)
            return
        try:
            found = stacks(series.planes)
        except TangledError as error:
            reason = f"its series cannot be put in order: {error}"
            self._add_problem(series.paths[0], series.patient, reason)
            return
        for number, stack in enumerate(found, 1):
            drawn = self._drawn_on(series, stack)
            if self._headers.segmentations and not drawn:
                path = series.paths[stack.planes[0].file]
                self._add_problem(path, series.patient, _NO_SEGMENTATION)
                continue
            for each in drawn:
                each.used = True
            name = f"{series.patient}/{series_code(series.uid)}"
            yield self._scan(name if len(found) == 1 else f"{name}-{number}", series, stack, drawn)

    def _drawn_on(self, series: FoundSeries, stack: Stack) -> list[FoundSegmentation]:
        """The segmentations of a stack, in the order of their paths."""
        keys: list[Key] = [("instance", plane.uid) for plane in stack.planes]
        keys += [("series", series.uid)]
        keys += [("coordinates", series.coordinates, *stack.planes[0].shape[1:])]
        found = {each.path: each for key in keys for each in self._drawn.get(key, ())}
        return [found[path] for path in sorted(found)]

    def _scan(
        self, name: str, series: FoundSeries, stack: Stack, drawn: Sequence[FoundSegmentation]
    ) -> Scan:
        numbers = list(dict.fromkeys(plane.file for plane in stack.planes))
        images = [series.paths[number] for number in numbers]
        slices: tuple[tuple[int, int], ...] = ()
        if any(plane.frames > 1 for plane in stack.planes):
            place = {number: place for place, number in enumerate(numbers)}
            slices = tuple((place[plane.file], plane.frame) for plane in stack.planes)
        detail = Detail(
            shown=(
                *(self._headers.shown(path, series.patient) for path in images),
                *(self._headers.shown(each.path, each.patient) for each in drawn),
            ),
            images=len(images),
            frames=slices,
            labels=tuple(tuple(self._labels(each)) for each in drawn),
            alone=len(stack.planes) == len(series.planes),
            remarks=(*stack.remarks, *series.remarks, *self._remarks_on(series, drawn)),
        )
        files = (*images, *(each.path for each in drawn))
        return Scan(series.patient, name, files, detail=detail, shown=detail.shown)

    def _labels(self, drawn: FoundSegmentation) -> Iterator[tuple[int, int]]:
        """Number and label of each segment that is drawn."""
        for number, name in drawn.names.items():
            if name in self._classes[1:]:
                yield number, self._classes.index(name)

    def _remarks_on(self, series: FoundSeries, drawn: Sequence[FoundSegmentation]) -> Iterator[str]:
        if series.copies:
            yield f"copies of its images that were left out: {series.copies}"
        named = {name for each in drawn for name in each.names.values()}
        missing = [name for name in self._classes[1:] if name not in named]
        if missing:
            yield (
                f"its segmentations do not name {', '.join(missing)}: pixels of it, if there are "
                "any, count as background"
            )
