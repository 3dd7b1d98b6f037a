"""Whose volumes they are, told by the folders above them, for the whole of a source at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import median_high
from typing import Final

from medsynth.data.readers.patients import UNKNOWN

_MOST_OF_A_PATIENT: Final = 20
"""Images that a patient usually has at most."""

_FEWEST_PATIENTS: Final = 5
"""Fewer folders with many images each are those of classes or of parts."""

Folders = Sequence[str]


def patients_by_folders(images: Sequence[Folders]) -> tuple[list[str], str]:
    """The patient of each image, and how sure that is.

    One level of folders is that of the patients: the outermost whose folders are many, or hold few
    images each. A level further in, whose names lie in several of these folders and are more than
    they, is taken instead: `t1/p01` and `t2/p01` are one patient. In doubt a folder is taken for
    one patient rather than for several, so that no patient is on both sides of a split.

    Args:
        images: The folders above each, outermost first, without those that are no patient's.

    Returns:
        Patients, empty where there is none; and a remark on the set.
    """
    level = _level(images)
    if level is None:
        return [""] * len(images), UNKNOWN
    patients = [folders[level] if len(folders) > level else "" for folders in images]
    return patients, _remark(patients, sure=level == 0)


def _level(images: Sequence[Folders]) -> int | None:
    chosen = None
    for level in range(max(map(len, images), default=0)):
        if chosen is None:
            chosen = level if _are_patients(images, level) else None
        elif _crosses(images, chosen, level):
            chosen = level
    return chosen


def _are_patients(images: Sequence[Folders], level: int) -> bool:
    """Whether the folders of a level may be patients."""
    held = Counter(folders[level] for folders in images if len(folders) > level)
    usual = median_high(held.values())
    if usual <= len(held):
        return True
    nested = all(len(folders) > level + 1 for folders in images)
    return len(held) >= _FEWEST_PATIENTS and (usual <= _MOST_OF_A_PATIENT or nested)


def _crosses(images: Sequence[Folders], outer: int, inner: int) -> bool:
    """Whether most names of the inner level lie in several outer folders and are more than they."""
    above: dict[str, set[str]] = defaultdict(set)
    for folders in images:
        if len(folders) > inner:
            above[folders[inner]].add(folders[outer])
    shared = sum(len(found) > 1 for found in above.values())
    outermost = {folders[outer] for folders in images if len(folders) > outer}
    return 2 * shared > len(above) > len(outermost)


def _remark(patients: Sequence[str], *, sure: bool) -> str:
    held = Counter(patient for patient in patients if patient)
    example, count = held.most_common(1)[0]
    found = f"{len(held)}, such as {example} with {count} image{'s' * (count > 1)}"
    if sure and count <= _MOST_OF_A_PATIENT and all(patients):
        return f"Patients are told apart by their folders: {found}. A patient_pattern can differ."
    return (
        f"Folders are taken for patients, which they may not be: {found}. If they are not, images "
        "of one patient may be on both sides of a split; a patient_pattern tells them."
    )
