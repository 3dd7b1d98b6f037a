"""Whose images they are, for layouts that do not say so themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence

from medsynth.data.readers.interface import Problem, ReaderOptions
from medsynth.errors import InvalidArgumentError

UNKNOWN = (
    "The files do not say which images are of one patient: each counts as a patient of its own, so "
    "that images of one patient may be on both sides of a split. A patient_pattern tells them."
)
"""Remark on a set whose patients are not known."""


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
        InvalidArgumentError: It is found in none.
    """
    if not options.patient_pattern:
        return dict(images), []
    pattern = re.compile(options.patient_pattern)
    patients: dict[str, str] = {}
    problems: list[Problem] = []
    for path, _ in images:
        match = pattern.search(path)
        patient = (match[1] if pattern.groups else match[0]) if match else ""
        if patient:
            patients[path] = patient
        else:
            problems.append(Problem(path, "patient_pattern finds no patient in this path"))
    if images and not patients:
        raise InvalidArgumentError.field(
            "specification.data.options.patient_pattern",
            options.patient_pattern,
            f"a pattern that finds the patient in paths such as {problems[0].file}",
        )
    return patients, problems
