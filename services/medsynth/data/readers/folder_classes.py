"""Which of an image's folders is its class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from medsynth.data.readers.folder_paths import shared_folders

_MOST: Final = 100
_SHOWN: Final = 5

Folders = tuple[str, ...]


def classes_of(folders: Sequence[Folders], patients: Sequence[str]) -> tuple[list[str], list[str]]:
    """The class of each image: its last folder, but for those that hold one patient each.

    Args:
        folders: That may say it, of each image, the outermost first.
        patients: Of each image.

    Returns:
        Classes, empty where all folders are the same; and remarks.
    """
    by_patient = False
    while _is_of_patients(folders, patients):
        begin = shared_folders(folders)
        folders = [own[:-1] if len(own) > begin else own for own in folders]
        by_patient = True
    begin = shared_folders(folders)
    classes = [own[-1] if len(own) > begin else "" for own in folders]
    names = sorted({*classes} - {""})
    if len(names) > _MOST:
        remark = f"The images lie in {len(names)} folders, too many to take them for classes."
        return [""] * len(classes), [remark]
    if not names:
        return classes, []
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    below = ", and those below them for patients" if by_patient else ""
    return classes, [f"Folders are taken for classes: {shown}{below}."]


def _is_of_patients(folders: Sequence[Folders], patients: Sequence[str]) -> bool:
    """Whether each of the last folders holds just one patient, of whom there are several images."""
    held: dict[Folders, set[str]] = defaultdict(set)
    for own, patient in zip(folders, patients, strict=True):
        held[own].add(patient)
    if len(held) < 2 or len(held) == len(folders):
        return False
    return all(len(found) == 1 for found in held.values())
