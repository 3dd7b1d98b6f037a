"""Which patients train, validate and test."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from medsynth.data.preparation import Preparation
from medsynth.errors import DataError

NAMES = ("train", "validation", "test")


def split_patients(groups: Mapping[str, str], preparation: Preparation) -> dict[str, str]:
    """Assigns every patient to a split.

    Patients are shuffled by the digest of seed and pseudonym, groups are interleaved in
    proportion, and the line is cut in three: each split has close to its share of each group, and
    none is empty.

    Args:
        groups: Group of each patient (empty strings where there are none).
        preparation: Shares and seed.

    Returns:
        The name of the split (`NAMES`) of each patient.

    Raises:
        DataError: Fewer than three patients.
    """
    if len(groups) < 3:
        raise DataError(
            f"a data set needs at least 3 patients, one for each of {', '.join(NAMES)}: "
            f"found {len(groups)} ({', '.join(sorted(groups)) or 'none'})"
        )
    order = {patient: _shuffle_key(preparation.split_seed, patient) for patient in groups}
    members: dict[str, list[str]] = {}
    for patient in sorted(groups, key=lambda p: order[p]):
        members.setdefault(groups[patient], []).append(patient)
    place = {
        patient: (rank + 0.5) / len(group)
        for group in members.values()
        for rank, patient in enumerate(group)
    }
    line = sorted(groups, key=lambda p: (place[p], order[p]))
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


def _shuffle_key(seed: int, patient: str) -> str:
    return hashlib.sha256(f"{seed}\n{patient}".encode()).hexdigest()
