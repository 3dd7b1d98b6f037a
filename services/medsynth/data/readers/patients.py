"""Whose images they are, for layouts that do not say so themselves."""

from __future__ import annotations

from collections.abc import Sequence

from medsynth.data.readers.interface import Problem, ReaderOptions
from medsynth.data.readers.patterns import PatientPattern
from medsynth.errors import InvalidArgumentError

UNKNOWN = (
    "The files do not say which images are of one patient: each counts as a patient of its own, so "
    "that images of one patient may be on both sides of a split. A patient_pattern tells them."
)
"""Remark on a set whose patients are not known."""

NOT_FOUND = "patient_pattern finds no patient in this path"


def find_patients(
    images: Sequence[tuple[str, str]], options: ReaderOptions
) -> tuple[dict[str, str], list[Problem]]:
    """The patient of each image: what the request's pattern finds in its path, else its own name.

    Args:
        images: Path within the source and own name of each.
        options: Of the request.

    Returns:
        Patients by path, and the images in whose path the pattern is not found.

    Raises:
        InvalidArgumentError: It is found in none, or searching takes too long.
    """
    if not options.patient_pattern:
        return dict(images), []
    pattern = PatientPattern(options.patient_pattern)
    found = {path: pattern.find(path) for path, _ in images}
    patients = {path: patient for path, patient in found.items() if patient}
    problems = [Problem(path, NOT_FOUND) for path, patient in found.items() if not patient]
    if problems and not patients:
        raise InvalidArgumentError.field(
            "specification.data.options.patient_pattern",
            options.patient_pattern,
            f"a pattern that finds the patient in paths such as {problems[0].file}",
        )
    return patients, problems
