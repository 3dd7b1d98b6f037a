"""Patients divided by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any, Final

from medsynth.errors import InvalidArgumentError

MOST_BYTES: Final = 2**20
"""Of all names together, in UTF-8: every answer about a set or a job repeats them."""


@dataclass(frozen=True)
class Assignment:
    """Which patients train, validate and test; together every patient of the set, once.

    Attributes:
        train: Pseudonyms, as the reader gives them.
        validation: Likewise.
        test: Likewise.
    """

    train: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.train or self.validation or self.test)


def checked_assignment(given: Any, path: str, *, needed: bool) -> Assignment:
    """The assignment of a request.

    Args:
        given: Lists of names by split, or an `Assignment`.
        path: Of the field in the request, for errors.
        needed: Whether there has to be one; there must be none otherwise.

    Raises:
        InvalidArgumentError: A split without a patient, a patient in two, or too many names.
    """
    parts = given if isinstance(given, Mapping) else asdict(given)
    assignment = Assignment(
        *(_names(parts.get(split.name, ()), f"{path}.{split.name}") for split in fields(Assignment))
    )
    every = sorted(name for names in asdict(assignment).values() for name in names)
    if not needed:
        if assignment:
            raise InvalidArgumentError.field(
                path, f"{len(every)} patients", "none unless split is assigned"
            )
        return assignment
    if not all(asdict(assignment).values()):
        raise InvalidArgumentError.field(
            path, f"{len(every)} patients", "at least 1 patient in each of train, validation, test"
        )
    size = sum(len(name.encode(errors="replace")) for name in every)
    if size > MOST_BYTES:
        raise InvalidArgumentError.field(
            path, f"{len(every)} names of {size} bytes", f"at most {MOST_BYTES} bytes in all"
        )
    for name, following in pairwise(every):
        if name == following:
            raise InvalidArgumentError.field(path, name, "every patient once")
    return assignment


def _names(given: Any, path: str) -> tuple[str, ...]:
    if isinstance(given, str) or not all(isinstance(name, str) and name for name in given):
        raise InvalidArgumentError.field(path, given, "names of patients")
    return tuple(given)
