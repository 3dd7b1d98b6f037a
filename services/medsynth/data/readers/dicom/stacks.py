"""The images of a DICOM series, put in order by where they lie in the patient.

Names and instance numbers do not matter where the headers have positions. A series that holds
several volumes (orientations, echoes, phases) is taken apart into stacks: parallel images of one
size, no two at one position.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np

from medsynth.data.readers.dicom.order import in_turn, is_even, rank
from medsynth.data.readers.dicom.planes import MARKS, Plane, alike

MOST_STACKS: Final = 1000

_SAME_PLACE: Final = 1e-3
"""Millimetres."""

_MOST_MARKS: Final = 3


@dataclass(frozen=True)
class Stack:
    """Planes that make a volume.

    Attributes:
        planes: From the first slice to the last.
        remarks: What is worth knowing about how they were found, one sentence each.
    """

    planes: tuple[Plane, ...]
    remarks: tuple[str, ...] = ()


class TangledError(Exception):
    """The images of a series cannot be put in order; the message says why."""


def stacks(planes: Sequence[Plane]) -> list[Stack]:
    """Takes the planes of a series apart into volumes.

    Raises:
        TangledError: Nothing tells images at the same position apart, or there are more than
            `MOST_STACKS` volumes.
    """
    parallel = _parallel(planes)
    found = [stack for group in parallel for stack in _untangled(group)]
    if len(found) > MOST_STACKS:
        raise TangledError(f"it falls into more than {MOST_STACKS} volumes")
    if len(parallel) > 1:
        remark = f"its series holds images of {len(parallel)} kinds (orientation, size or scale)"
        found = [replace(stack, remarks=(*stack.remarks, remark)) for stack in found]
    return found


def _parallel(planes: Sequence[Plane]) -> list[list[Plane]]:
    """Planes of the same kind together, in the order of each kind's first."""
    found: list[list[Plane]] = []
    known: dict[object, list[Plane]] = {}
    for plane in planes:
        file = -1 if plane.placed else plane.file
        key = (plane.shape, plane.orientation, plane.spacing, plane.placed, file)
        group = known.get(key) or next((g for g in found if alike(g[0], plane)), None)
        if group is None:
            group = []
            found.append(group)
        if len(found) > MOST_STACKS:
            raise TangledError(
                f"its images have more than {MOST_STACKS} orientations, sizes or scales"
            )
        known[key] = group
        group.append(plane)
    return found


def _untangled(planes: Sequence[Plane]) -> list[Stack]:
    """Volumes of planes of the same kind."""
    if not planes[0].placed:
        return [Stack(tuple(in_turn(planes)[1]))]
    order = sorted(planes, key=lambda plane: plane.height)
    levels: list[list[Plane]] = []
    height = -np.inf
    for plane in order:
        if plane.height - height > _SAME_PLACE:
            levels.append([])
        height = plane.height
        levels[-1].append(plane)
    where = "at the same place"
    if len(levels) == len(planes):
        if (found := _interleaved(levels)) is None:
            return [Stack(tuple(order))]
        where = "beside each other"
    else:
        found = _told_apart(levels) or _counted(levels)
    words, parts = found
    remark = f"it is one of {len(parts)} volumes {where}, told apart by {words}"
    return [Stack(tuple(part), (remark,)) for part in parts]


def _interleaved(levels: Sequence[Sequence[Plane]]) -> tuple[str, list[list[Plane]]] | None:
    """Volumes that lie a little beside each other, each evenly spaced where together they are not.

    None if the planes are one volume, or marks do not tell volumes apart that overlap.
    """
    if is_even([plane.height for (plane,) in levels]):
        return None
    for kinds in _varying(levels):
        parts = list(_by_marks(levels, kinds).values())
        if (
            len(parts) > 1
            and min(map(len, parts)) > 2
            and max(part[0].height for part in parts) < min(part[-1].height for part in parts)
            and all(is_even([plane.height for plane in part]) for part in parts)
        ):
            return _in_words(kinds), _sorted_by_marks(parts, kinds)
    return None


def _told_apart(levels: Sequence[Sequence[Plane]]) -> tuple[str, list[list[Plane]]] | None:
    """Volumes by as few kinds of marks as do."""
    most = max(map(len, levels))
    for kinds in _varying(levels):
        parts = _by_marks(levels, kinds)
        if parts and len(parts) <= 2 * most:
            return _in_words(kinds), _sorted_by_marks(list(parts.values()), kinds)
    return None


def _varying(levels: Sequence[Sequence[Plane]]) -> Iterator[tuple[int, ...]]:
    """Combinations of the kinds of marks that are not the same everywhere, the smallest first."""
    first = levels[0][0].marks
    vary = [
        kind
        for kind in range(len(MARKS))
        if any(plane.marks[kind] != first[kind] for level in levels for plane in level)
    ]
    for size in range(1, _MOST_MARKS + 1):
        yield from combinations(vary, size)


def _in_words(kinds: Sequence[int]) -> str:
    return " and ".join(MARKS[kind] for kind in kinds)


def _sorted_by_marks(parts: list[list[Plane]], kinds: Sequence[int]) -> list[list[Plane]]:
    return sorted(parts, key=lambda part: rank([part[0].marks[kind] for kind in kinds]))


def _by_marks(
    levels: Sequence[Sequence[Plane]], kinds: Sequence[int]
) -> Mapping[tuple[str, ...], list[Plane]]:
    """Planes by their marks; none if two of a level have the same."""
    parts: dict[tuple[str, ...], list[Plane]] = defaultdict(list)
    for level in levels:
        marks = [tuple(plane.marks[kind] for kind in kinds) for plane in level]
        if len(set(marks)) < len(marks):
            return {}
        for mark, plane in zip(marks, level, strict=True):
            parts[mark].append(plane)
    return parts


def _counted(levels: Sequence[Sequence[Plane]]) -> tuple[str, list[list[Plane]]]:
    """Volumes by the order of numbers at each position."""
    if len({len(level) for level in levels}) > 1:
        count = sum(len(level) > 1 for level in levels)
        raise TangledError(
            f"several images lie at each of {count} positions: which belong together?"
        )
    words = in_turn([plane for level in levels for plane in level])[0]
    turns = [in_turn(level)[1] for level in levels]
    return words, [list(part) for part in zip(*turns, strict=True)]
