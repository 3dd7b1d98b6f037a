"""Paths of DICOM files without what would give a patient away."""

from __future__ import annotations

import re
from typing import Final

from medsynth.data.pseudonyms import keyed_hash
from medsynth.data.readers.dicom.identities import Identities
from medsynth.data.readers.dicom.names import ENDINGS, UID
from medsynth.data.readers.dicom.patients import series_code

_HARMLESS: Final = frozenset((
    "dicom", "dcm", "im", "img", "image", "images", "i", "slice", "slices", "se", "ser", "series",
    "st", "study", "studies", "scan", "scans", "seg", "segs", "segmentation", "segmentations",
    "mask", "masks", "label", "labels", "patient", "patients", "subject", "case", "vol", "volume",
    "volumes", "frame", "frames", "echo", "phase", "exam", "examination", "pre", "post", "ct",
    "mr", "mri", "us", "pt", "pet", "xa", "rf", "dx", "cr", "mg", "nm", "sc", "ax", "axial", "cor",
    "coronal", "sag", "sagittal", "flair", "dwi", "adc", "train", "test", "val", "data", "export",
))  # fmt: skip
"""Words that scanners and archives name files and folders by."""

_PART: Final = re.compile(r"([a-z]*)([0-9]*)")
_LONGEST_NUMBERS: Final = {"folder": 3, "file": 5}
"""Digits, beyond zeros in front: longer ones may be a patient's, above all a folder's."""


def scrubbed(path: str, identities: Identities, place: str, patient: str = "") -> str:
    """The path as it is if every part of it is harmless; else with other words in place of parts.

    Harmless are words such as `IM000017` or `series 2`, unless what a header says about a patient
    is in them. In the place of a folder that is not stands the pseudonym of the patient whose id,
    date, accession number or name it holds; for a UID `uid-` and its `series_code`; else `dir-`
    and a keyed hash. The file of such a path is called by its place.

    Args:
        path: Within a source.
        identities: Of its patients.
        place: Of the file among those that were looked at, such as `17-of-300`.
        patient: Pseudonym of the file's own patient; empty if it is not known.

    Raises:
        DataError: There is no key.
    """
    *folders, name = path.split("/")
    shown = [_folder(folder, identities, patient) for folder in folders]
    ending = next((ending for ending in ENDINGS if name.lower().endswith(ending)), "")
    stem = name[: len(name) - len(ending)]
    harmless = _is_harmless(stem, "file") and not identities.found(name, patient)
    if shown == folders and harmless:
        return path
    return "/".join([*shown, f"file-{place}{ending}"])


def _folder(name: str, identities: Identities, patient: str) -> str:
    if found := identities.found(name, patient):
        return found
    if _is_harmless(name, "folder"):
        return name
    if UID.fullmatch(name.lower()):
        return f"uid-{series_code(name)}"
    return f"dir-{keyed_hash('path', name)[:8]}"


def _is_harmless(name: str, kind: str) -> bool:
    """Whether a name is of words that say nothing, with at most two short numbers.

    Two only after a word: more, or without one, they may be a date.
    """
    parts = [part for part in re.split(r"[-_ .]+", name.casefold()) if part]
    found = [match for part in parts if (match := _PART.fullmatch(part))]
    words = [match[1] for match in found]
    numbers = [match[2] for match in found if match[2]]
    return (
        0 < len(parts) == len(found)
        and all(word in _HARMLESS or len(word) < 2 for word in words)
        and all(len(number.lstrip("0")) <= _LONGEST_NUMBERS[kind] for number in numbers)
        and len(numbers) <= (2 if words[0] else 1)
    )
