"""The headers of a folder of DICOM files, taken note of one after the other."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from medsynth.data.files import Files
from medsynth.data.readers.dicom import frames
from medsynth.data.readers.dicom.burnt_in import check_text, text_remarks
from medsynth.data.readers.dicom.elements import class_of, text
from medsynth.data.readers.dicom.found import MODALITIES, FoundSegmentation, FoundSeries
from medsynth.data.readers.dicom.identities import Identities
from medsynth.data.readers.dicom.opening import is_marked, opened
from medsynth.data.readers.dicom.paths import scrubbed
from medsynth.data.readers.dicom.patients import bearer, pseudonym, pseudonym_of
from medsynth.data.readers.dicom.planes import planes_of
from medsynth.data.readers.dicom.scan import KEYWORDS
from medsynth.data.readers.dicom.segmentation import SEGMENTATIONS, described
from medsynth.data.readers.interface import ReaderOptions
from medsynth.data.readers.patients import NOT_FOUND
from medsynth.data.readers.patterns import PatientPattern
from medsynth.data.unnamed import unnamed
from medsynth.errors import DataError, InvalidArgumentError, MedsynthError

if TYPE_CHECKING:
    from pydicom import Dataset

_DOSE: Final = "1.2.840.10008.5.1.4.1.1.481.2"


@dataclass(frozen=True)
class FoundProblem:
    """A file that cannot be used.

    Attributes:
        path: Within the source.
        patient: Pseudonym of whose it is; empty where that is not known.
        reason: As in `Problem`.
    """

    path: str
    patient: str
    reason: str


class Headers:
    """What the headers of a source say.

    Args:
        options: Of the source.

    Attributes:
        series: By UID.
        segmentations: In the order of their paths.
        problems: What cannot be used, so far.
        others: Files that are no image.
    """

    def __init__(self, options: ReaderOptions) -> None:
        self.series: dict[str, FoundSeries] = {}
        self.segmentations: list[FoundSegmentation] = []
        self.problems: list[FoundProblem] = []
        self.others = 0
        self._pattern = PatientPattern(options.patient_pattern) if options.patient_pattern else None
        self._identities = Identities()
        self._bearers: dict[str, tuple[set[str], set[str]]] = {}
        self._paths: Sequence[str] = ()

    @property
    def shared_ids(self) -> int:
        """Patients whose images bear several names or birth dates."""
        return sum(max(len(names), len(births)) > 1 for names, births in self._bearers.values())

    def names_anyone(self, words: str) -> bool:
        """Whether a text would give a patient of the source away."""
        return self._identities.named_in(words)

    def shown(self, path: str, patient: str) -> str:
        """What a file is called: see `scrubbed`."""
        place = f"{bisect_left(self._paths, path) + 1}-of-{len(self._paths)}"
        return scrubbed(path, self._identities, place, patient)

    def look(self, files: Files, paths: Sequence[str], expected: Callable[[str], bool]) -> None:
        """Opens every file and takes note of its header.

        Args:
            files: Of the source.
            paths: Which of them, sorted.
            expected: Whether a path is named so that it must be DICOM.

        Raises:
            MedsynthError: The source cannot be reached or must not be read.
            InvalidArgumentError: `patient_pattern` is found in no path, or takes too long.
        """
        self._paths = paths
        failed: MedsynthError | None = None
        for number, path in enumerate(paths, 1):
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
                    self.problems.append(FoundProblem(path, "", reason))
            except InvalidArgumentError:
                raise
            except MedsynthError as error:
                failed = unnamed(error, f"{files.uri}: file {number} of {len(paths)}")
                break
        if failed is not None:
            raise failed
        if self.problems and all(problem.reason == NOT_FOUND for problem in self.problems):
            self._check_pattern()

    def _check_pattern(self) -> None:
        if self._pattern is not None and not self.series:
            raise InvalidArgumentError.field(
                "specification.data.options.patient_pattern",
                self._pattern.pattern,
                "a pattern that finds the patient in the paths of its files",
            )

    def _take(self, file: Path, path: str) -> None:
        name = Path(path)
        dataset = opened(file, name, KEYWORDS)
        patient = self._patient(dataset, path)
        self._identities.add(patient or pseudonym(dataset), dataset)
        kind = class_of(dataset)
        if kind in SEGMENTATIONS:
            self.segmentations.append(FoundSegmentation(path, patient, described(dataset, name)))
        elif _is_image(dataset, kind):
            self._add(dataset, name, path, patient)
        elif kind:
            self.others += 1
        else:
            raise DataError(f"{name}: not a readable DICOM file (it does not say what it holds)")

    def _patient(self, dataset: Dataset, path: str) -> str:
        """The pseudonym of a file's patient; empty if the pattern does not find one."""
        if self._pattern is None:
            return pseudonym(dataset)
        found = self._pattern.find(path)
        return pseudonym_of("pattern", found) if found else ""

    def _add(self, dataset: Dataset, name: Path, path: str, patient: str) -> None:
        """Adds an image to its series."""
        shape = frames.shape_of(dataset, name)
        uid = text(dataset, "SeriesInstanceUID")
        if not uid:
            raise DataError(f"{name}: an image that does not say of which series it is")
        if not patient:
            raise DataError(f"{name}: {NOT_FOUND}")
        check_text(dataset, name, shape)
        modality, coordinates = (text(dataset, k) for k in ("Modality", "FrameOfReferenceUID"))
        series = self.series.setdefault(
            uid,
            FoundSeries(patient, uid, coordinates, modality if modality in MODALITIES else ""),
        )
        series.patients.add(patient)
        self._note_bearer(patient, dataset)
        instance = text(dataset, "SOPInstanceUID")
        if instance and instance in series.instances:
            series.copies += 1
            return
        series.instances.add(instance)
        series.remarks.update(dict.fromkeys(text_remarks(dataset, shape)))
        series.planes += planes_of(dataset, len(series.paths), shape)
        series.paths.append(path)

    def _note_bearer(self, patient: str, dataset: Dataset) -> None:
        for known, said in zip(
            self._bearers.setdefault(patient, (set(), set())), bearer(dataset), strict=True
        ):
            if said:
                known.add(said)


def _is_image(dataset: Dataset, kind: str) -> bool:
    """Whether a file is one; a file of a class of images is, even if its header is cut short."""
    from pydicom.uid import UID

    return kind != _DOSE and ("Rows" in dataset or "Image Storage" in UID(kind).name)
