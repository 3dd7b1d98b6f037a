"""What a folder of DICOM files holds: its headers, grouped into scans."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from medsynth.data.files import Files
from medsynth.data.readers.dicom import frames
from medsynth.data.readers.dicom.elements import text
from medsynth.data.readers.dicom.found import MODALITIES, FoundSegmentation, FoundSeries, Key
from medsynth.data.readers.dicom.opening import is_marked, opened
from medsynth.data.readers.dicom.paths import Identities, scrubbed
from medsynth.data.readers.dicom.patients import pseudonym, series_code
from medsynth.data.readers.dicom.planes import planes_of
from medsynth.data.readers.dicom.scan import KEYWORDS, Detail
from medsynth.data.readers.dicom.segmentation import SEGMENTATIONS, class_names, described
from medsynth.data.readers.dicom.stacks import Stack, TangledError, stacks
from medsynth.data.readers.interface import Problem, ReaderOptions, Scan, Survey
from medsynth.errors import DataError, MedsynthError

if TYPE_CHECKING:
    from pydicom import Dataset

_DOSE: Final = "1.2.840.10008.5.1.4.1.1.481.2"
_NO_SEGMENTATION: Final = "its series has no segmentation, though others of the source have one"


class Finds:
    """What was found in the headers of a source so far."""

    def __init__(self) -> None:
        self._identities = Identities()
        self._series: dict[tuple[str, str], FoundSeries] = {}
        self._segmentations: list[FoundSegmentation] = []
        self._drawn: dict[Key, list[FoundSegmentation]] = {}
        self._problems: list[tuple[str, str, str]] = []
        self._others = 0

    def look(self, files: Files, paths: Sequence[str], expected: Callable[[str], bool]) -> None:
        """Opens every file and takes note of its header.

        Args:
            files: Of the source.
            paths: Which of them.
            expected: Whether a path is named so that it must be DICOM.

        Raises:
            MedsynthError: The source cannot be reached or must not be read.
        """
        failed: MedsynthError | None = None
        for path in paths:
            wanted = expected(path)
            try:
                with files.local([path]) as root:
                    wanted = wanted or is_marked(root / path)
                    if wanted:
                        self._take(root / path, path)
            except DataError as error:
                reason = error.message
                for name in (files.name(path), path):
                    reason = reason.removeprefix(f"{name}: ")
                if wanted:
                    self._problems.append((path, "", reason))
            except MedsynthError as error:
                failed = error
                break
        if failed is not None:
            # Raised here: the error that it stands for would show the path in a traceback.
            shown = f"{files.uri}: file {paths.index(path) + 1} of {len(paths)}"
            raise type(failed)(failed.message.replace(files.name(path), shown))

    def survey(self, uri: str, options: ReaderOptions) -> Survey:
        """The scans.

        Args:
            uri: Of the source.
            options: Of the source.

        Raises:
            DataError: The segmentations name too many segments.
            InvalidArgumentError: An option names a segment that there is not.
        """
        classes = class_names([drawn.what for drawn in self._segmentations], options, uri)
        for drawn in self._segmentations:
            for key in drawn.keys:
                self._drawn.setdefault(key, []).append(drawn)
        scans = [scan for series in self._series.values() for scan in self._scans(series, classes)]
        for drawn in self._segmentations:
            if not drawn.used:
                self._problems.append((drawn.path, drawn.patient, "refers to none of the images"))
        problems = [
            Problem(scrubbed(path, self._identities, patient), reason)
            for path, patient, reason in self._problems
        ]
        others = f"DICOM files without an image that were passed over: {self._others}"
        remarks = (others,) if self._others else ()
        modalities = {series.modality for series in self._series.values()}
        modality = modalities.pop() if len(modalities) == 1 else ""
        return Survey(scans, classes, problems, remarks, modality)

    def _take(self, file: Path, path: str) -> None:
        name = Path(path)
        dataset = opened(file, name, KEYWORDS)
        patient = pseudonym(dataset)
        self._identities.add(patient, dataset)
        kind = text(dataset, "SOPClassUID") or text(dataset.file_meta, "MediaStorageSOPClassUID")
        if kind in SEGMENTATIONS:
            what = described(
                dataset, name, lambda words: bool(self._identities.found(words, patient))
            )
            self._segmentations.append(FoundSegmentation(path, patient, what))
        elif _is_image(dataset, kind):
            self._add(dataset, name, path, patient)
        elif kind:
            self._others += 1
        else:
            raise DataError(f"{name}: not a readable DICOM file (it does not say what it holds)")

    def _add(self, dataset: Dataset, name: Path, path: str, patient: str) -> None:
        """Adds an image to its series."""
        shape = frames.shape_of(dataset, name)
        uid = text(dataset, "SeriesInstanceUID")
        if not uid:
            raise DataError(f"{name}: an image that does not say of which series it is")
        modality, coordinates = (text(dataset, k) for k in ("Modality", "FrameOfReferenceUID"))
        series = self._series.setdefault(
            (patient, uid),
            FoundSeries(patient, uid, coordinates, modality if modality in MODALITIES else ""),
        )
        instance = text(dataset, "SOPInstanceUID")
        if instance and instance in series.instances:
            series.copies += 1
            return
        series.instances.add(instance)
        series.planes += planes_of(dataset, len(series.paths), shape)
        series.paths.append(path)

    def _scans(self, series: FoundSeries, classes: tuple[str, ...]) -> Iterator[Scan]:
        """The scans of a series; what is wrong with it becomes a problem."""
        try:
            found = stacks(series.planes)
        except TangledError as error:
            reason = f"its series cannot be put in order: {error}"
            self._problems.append((series.paths[0], series.patient, reason))
            return
        for number, stack in enumerate(found, 1):
            drawn = self._drawn_on(series, stack)
            if self._segmentations and not drawn:
                path = series.paths[stack.planes[0].file]
                self._problems.append((path, series.patient, _NO_SEGMENTATION))
                continue
            for each in drawn:
                each.used = True
            name = f"{series.patient}/{series_code(series.uid)}"
            yield self._scan(
                name if len(found) == 1 else f"{name}-{number}", series, stack, drawn, classes
            )

    def _drawn_on(self, series: FoundSeries, stack: Stack) -> list[FoundSegmentation]:
        """The segmentations of a stack, in the order of their paths."""
        keys: list[Key] = [("instance", plane.uid) for plane in stack.planes]
        keys += [("series", series.uid)]
        keys += [("coordinates", series.coordinates, *stack.planes[0].shape[1:])]
        found = {each.path: each for key in keys for each in self._drawn.get(key, ())}
        return [found[path] for path in sorted(found)]

    def _scan(
        self, name: str, series: FoundSeries, stack: Stack, drawn: Sequence[FoundSegmentation],
        classes: tuple[str, ...],
    ) -> Scan:  # fmt: skip
        numbers = list(dict.fromkeys(plane.file for plane in stack.planes))
        images = [series.paths[number] for number in numbers]
        slices: tuple[tuple[int, int], ...] = ()
        if any(plane.frames > 1 for plane in stack.planes):
            place = {number: place for place, number in enumerate(numbers)}
            slices = tuple((place[plane.file], plane.frame) for plane in stack.planes)
        copies = f"copies of its images that were left out: {series.copies}"
        detail = Detail(
            shown=(
                *(scrubbed(path, self._identities, series.patient) for path in images),
                *(scrubbed(each.path, self._identities, each.patient) for each in drawn),
            ),
            images=len(images),
            frames=slices,
            labels=tuple(
                tuple(
                    (number, classes.index(words))
                    for number, words in each.what.segments.items()
                    if words in classes[1:]
                )
                for each in drawn
            ),
            alone=len(stack.planes) == len(series.planes),
            remarks=(*stack.remarks, copies) if series.copies else stack.remarks,
        )
        files = (*images, *(each.path for each in drawn))
        return Scan(series.patient, name, files, detail=detail, shown=detail.shown)


def _is_image(dataset: Dataset, kind: str) -> bool:
    """Whether a file is one; a file of a class of images is, even if its header is cut short."""
    from pydicom.uid import UID

    return kind != _DOSE and ("Rows" in dataset or "Image Storage" in UID(kind).name)
