"""What was prepared of a source, put together into the files of a set."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Final

from medsynth.data.batches import Batch, PreparedVolume, Preparing, difference
from medsynth.data.feasibility import check_foreground_share
from medsynth.data.readers.interface import Problem, Survey
from medsynth.data.split_files import SplitForm, write_json, write_split
from medsynth.data.splits import NAMES, Facts, Surveyed, split_patients
from medsynth.errors import DataError
from medsynth.manifest import digest_of

_SHOWN_PROBLEMS: Final = 5


class Collected:
    """What was prepared so far, without its pixels.

    Args:
        preparing: How scans become batches.
        survey: Of the source.

    Raises:
        DataError: More is unusable than the preparation allows, or patients cannot be divided as
            asked; said before anything is read.
    """

    def __init__(self, preparing: Preparing, survey: Survey) -> None:
        self._preparing = preparing
        self._surveyed = Surveyed.of(survey.scans)
        self._problems = list(survey.problems)
        self._remarks = [*survey.remarks, *self._surveyed.remarks]
        self._all = len(survey.scans) + len(survey.problems)
        self._groups: dict[str, str] = {}
        self._first: PreparedVolume | None = None
        self._places: list[list[int]] = []
        self._slices: Counter[str] = Counter()
        self._check_problems()
        self._surveyed.check(preparing.preparation, len(self._problems))

    @property
    def masked(self) -> bool:
        """Whether there are masks."""
        return self._first is not None and self._first.masks is not None

    def add(self, batch: Batch) -> None:
        """Takes note of the next batch.

        Raises:
            DataError: More is unusable than the preparation allows.
        """
        self._problems += batch.problems
        places: list[int] = []
        for place, volume in enumerate(batch.volumes):
            self._first = self._first or volume
            if unlike := difference(volume, self._first):
                self._problems.append(Problem(volume.file, unlike))
            else:
                places.append(place)
                self._take(volume)
        self._places.append(places)
        self._check_problems()

    def _take(self, volume: PreparedVolume) -> None:
        if volume.group:
            self._groups.setdefault(volume.patient, volume.group)
        self._slices[volume.patient] += len(volume.numbers)
        self._remarks += [f"{volume.name}: {remark}" for remark in volume.remarks]

    def _check_problems(self) -> None:
        allowed = self._preparing.preparation.bad_share
        if len(self._problems) <= allowed * self._all:
            return
        files = self._preparing.files
        shown = [f"{files.name(p.file)}: {p.reason}" for p in self._problems[:_SHOWN_PROBLEMS]]
        if not allowed:
            raise DataError(shown[0])
        raise DataError(
            f"{len(self._problems)} of {self._all} scans cannot be used, more than the share of "
            f"{allowed:g} that bad_share allows: {'; '.join(shown)}"
        )

    def write(self, folder: Path) -> dict[str, Any]:
        """Writes the files of the set and returns what they hold, as `Dataset` has it.

        Raises:
            DataError: Nothing is usable, patients cannot be divided as asked, or a split has no
                slice.
        """
        if self._first is None:
            raise DataError(f"{self._preparing.files.uri}: no scan could be used")
        preparation = self._preparing.preparation
        assignment = split_patients(self._patients(), preparation, len(self._problems))
        self._check_slices(assignment)
        shutil.rmtree(folder, ignore_errors=True)
        splits = [self._write_split(folder / name, assignment) for name in NAMES]
        write_json(
            folder / "problems.json",
            {
                "problems": [asdict(problem) for problem in self._problems],
                "remarks": self._remarks,
            },
        )
        return {
            "channels": self._first.channels,
            "size": preparation.size,
            "bits": preparation.bits,
            "splits": splits,
            "problems": len(self._problems),
        }

    def _patients(self) -> dict[str, Facts]:
        """Those with a volume that could be used; the others are noted."""
        surveyed = self._surveyed.patients
        lost = len(surveyed) - len(self._slices)
        if lost:
            self._remarks.append(f"{lost} patients have no scan that can be used.")
        facts = cache(Facts)
        return {
            patient: facts(self._groups.get(patient, ""), surveyed[patient].part)
            for patient in self._slices
        }

    def _check_slices(self, assignment: Mapping[str, str]) -> None:
        share = self._preparing.preparation.keep_empty_share
        for name in NAMES:
            patients = [patient for patient, split in assignment.items() if split == name]
            if any(self._slices[patient] for patient in patients):
                continue
            why = "no scan of its patients can be used"
            if patients:
                why = f"no slice of its patients has a label, and keep_empty_share is {share:g}"
            raise DataError(
                f"{self._preparing.files.uri}: the {name} split would be empty: {why} "
                f"({len(patients)} patients)"
            )

    def _write_split(self, folder: Path, assignment: Mapping[str, str]) -> dict[str, Any]:
        """Joins the volumes of a split and describes it as `DatasetSplit` does."""
        assert self._first is not None
        patients = sorted(patient for patient, name in assignment.items() if name == folder.name)
        preparation = self._preparing.preparation
        form = SplitForm(
            sum(self._slices[patient] for patient in patients),
            self._first.channels, self.masked, preparation.size, preparation.bits,
        )  # fmt: skip
        columns = write_split(folder, self._of(assignment, folder.name), form)
        if folder.name == "train":
            labelled = map(bool, columns.slices["foreground"])
            check_foreground_share(preparation.foreground_share, labelled)
        return {
            "name": folder.name,
            "patients": len(patients),
            "volumes": len(columns.volumes["names"]),
            "slices": form.slices,
            "digest": digest_of(patients),
        }

    def _of(
        self, assignment: Mapping[str, str], name: str
    ) -> Iterator[tuple[Batch, PreparedVolume]]:
        """The volumes of a split, with their batches."""
        for index, places in enumerate(self._places):
            batch = self._preparing.finished(index)
            for place in places:
                volume = batch.volumes[place]
                if assignment[volume.patient] == name:
                    yield batch, volume
