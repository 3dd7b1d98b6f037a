"""Which patients train, validate and test."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final

from medsynth.data.preparation import Preparation
from medsynth.data.readers.interface import TESTING, Scan
from medsynth.errors import DataError, shorten

NAMES = ("train", "validation", "test")

_SHOWN: Final = 5
_SHOWN_BYTES: Final = 100


@dataclass(frozen=True, slots=True)
class Facts:
    """What the division of patients heeds.

    Attributes:
        group: Of the patient; empty where there are none.
        part: Of the set's official split; empty where it has none.
    """

    group: str = ""
    part: str = ""


@dataclass(frozen=True)
class Surveyed:
    """Patients as a survey names them, before anything is read.

    Attributes:
        patients: By pseudonym, without groups, which are read with the scans.
        divided: Pseudonyms of those who are in several parts of the set's own split; they count
            as in none.
    """

    patients: Mapping[str, Facts]
    divided: tuple[str, ...]

    @classmethod
    def of(cls, scans: Iterable[Scan]) -> Surveyed:
        """Whose the scans are."""
        patients: dict[str, Facts] = {}
        divided: set[str] = set()
        # Patients of the same part share one object: there may be a million of them.
        shared: dict[str, Facts] = {}
        for scan in scans:
            own = shared.setdefault(scan.part, Facts(part=scan.part))
            if patients.setdefault(scan.patient, own) is not own:
                divided.add(scan.patient)
        patients.update(dict.fromkeys(divided, Facts()))
        return cls(patients, tuple(sorted(divided)))

    @property
    def remarks(self) -> list[str]:
        """What is worth knowing about the set, one sentence each."""
        if not self.divided:
            return []
        return [
            f"{len(self.divided)} patients, such as {_named(self.divided)}, are in several parts "
            "of the set's own split."
        ]

    def check(self, preparation: Preparation, passed_over: int = 0) -> None:
        """Checks that the patients can be divided as asked.

        Args:
            preparation: How to divide.
            passed_over: As for `split_patients`.

        Raises:
            DataError: As for `split_patients`, or an official split divides patients.
        """
        if self.divided and preparation.split == "official":
            raise DataError(f"the official split cannot be used: {self.remarks[0]}")
        split_patients(self.patients, preparation, passed_over)


def split_patients(
    patients: Mapping[str, Facts], preparation: Preparation, passed_over: int = 0
) -> dict[str, str]:
    """Assigns every patient to a split, as the preparation says.

    Patients are shuffled by the digest of seed and pseudonym and groups are interleaved in
    proportion; the line that results is cut. So each split has close to its share of each group,
    and none is empty.

    Args:
        patients: By pseudonym.
        preparation: How to divide.
        passed_over: Scans that could not be used. An assignment may name as many patients more
            than there are: theirs may be among these.

    Returns:
        The name of the split (`NAMES`) of each patient.

    Raises:
        DataError: Too few patients, a set without an official split where that is asked for, or
            an assignment that does not name each patient.
    """
    if len(patients) < 3:
        raise DataError(
            f"a data set needs at least 3 patients, one for each of {', '.join(NAMES)}: "
            f"found {len(patients)} ({', '.join(sorted(patients)) or 'none'})"
        )
    if preparation.split == "assigned":
        return _assigned(patients, preparation, passed_over)
    if preparation.split == "official":
        return _official(patients, preparation)
    line = _line(patients, preparation.split_seed)
    if preparation.split == "kfold":
        return _fold(line, preparation)
    train, validation, _ = split_sizes(len(line), preparation)
    return {
        patient: NAMES[(rank >= train) + (rank >= train + validation)]
        for rank, patient in enumerate(line)
    }


def split_sizes(patients: int, preparation: Preparation) -> tuple[int, int, int]:
    """Patients in each split: the shares rounded half up, none below 1, for 3 or more patients."""
    train = int(patients * preparation.train_share + 0.5)
    validation = int(patients * preparation.validation_share + 0.5)
    validation = min(max(validation, 1), patients - 2)
    train = min(max(train, 1), patients - validation - 1)
    return train, validation, patients - train - validation


def _line(patients: Mapping[str, Facts], seed: int) -> list[str]:
    shuffled = sorted(patients, key=partial(_shuffle_key, seed))
    members: dict[str, list[str]] = {}
    for patient in shuffled:
        members.setdefault(patients[patient].group, []).append(patient)
    place = {
        patient: (rank + 0.5) / len(group)
        for group in members.values()
        for rank, patient in enumerate(group)
    }
    return sorted(shuffled, key=place.__getitem__)


def _fold(line: Sequence[str], preparation: Preparation) -> dict[str, str]:
    """Every `folds`-th patient of the line tests: each patient in exactly one of the folds."""
    if preparation.folds > len(line):
        raise DataError(f"{preparation.folds} folds need as many patients; the set has {len(line)}")
    test = set(line[preparation.fold :: preparation.folds])
    return _with_validation([p for p in line if p not in test], test, preparation)


def _official(patients: Mapping[str, Facts], preparation: Preparation) -> dict[str, str]:
    test = {patient for patient, facts in patients.items() if facts.part == TESTING}
    rest = {patient: facts for patient, facts in patients.items() if patient not in test}
    if not test or len(rest) < 2:
        raise DataError(
            f"the set has no official split that could be used: {len(test)} of its "
            f"{len(patients)} patients are for testing"
        )
    return _with_validation(_line(rest, preparation.split_seed), test, preparation)


def _with_validation(
    line: Sequence[str], test: set[str], preparation: Preparation
) -> dict[str, str]:
    """Cuts validation from those who do not test, by its share of train and validation."""
    if len(line) < 2:
        raise DataError(f"{len(line)} patient is left for training and validation, 2 are needed")
    both = preparation.train_share + preparation.validation_share
    count = round(len(line) * preparation.validation_share / both)
    train = len(line) - min(max(count, 1), len(line) - 1)
    return {
        **{patient: NAMES[rank >= train] for rank, patient in enumerate(line)},
        **dict.fromkeys(test, "test"),
    }


def _assigned(
    patients: Mapping[str, Facts], preparation: Preparation, passed_over: int
) -> dict[str, str]:
    split = {
        patient: name
        for name, members in asdict(preparation.assignment).items()
        for patient in members
    }
    missing = sorted(patients.keys() - split.keys())
    unknown = sorted(split.keys() - patients.keys())
    if missing or len(unknown) > passed_over:
        raise DataError(
            "the assignment has to name every patient of the set once: "
            + "; ".join(
                f"{len(names)} {what}, such as {_named(names)}"
                for names, what in ((missing, "are missing"), (unknown, "are not in the set"))
                if names
            )
        )
    return {patient: split[patient] for patient in patients}


def _named(patients: Sequence[str]) -> str:
    return ", ".join(shorten(patient, _SHOWN_BYTES) for patient in patients[:_SHOWN])


def _shuffle_key(seed: int, patient: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{patient}".encode()).digest()
