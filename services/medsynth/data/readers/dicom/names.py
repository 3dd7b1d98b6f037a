"""What DICOM files are called."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from medsynth.data.files import Files

ENDINGS: Final = (".dcm", ".ima", ".dicom")
_OTHER_IMAGES: Final = (
    ".nii", ".nii.gz", ".mhd", ".mha", ".nrrd", ".nhdr", ".png", ".jpg", ".jpeg", ".bmp", ".tif",
    ".tiff", ".npy", ".npz",
)  # fmt: skip
_SCANNERS: Final = ("ct", "mr", "pt", "pet", "us", "dx", "cr", "mg", "nm", "xa", "ot", "seg")
"""Endings that scanners and archives give to files, of which only a look inside tells more."""

_DIRECTORY: Final = "dicomdir"
UID: Final = re.compile(r"(?:[a-z]{1,8}[._-]?)?\d+(?:\.\d+){3,}")
"""Names, in lower case, that hold a UID."""

_NUMBERED: Final = re.compile(r"im[0-9a-z]{4,}|(?:[a-z]{1,6}[-_ ]?)?\d+(?:[-_]\d+)*")
"""Names that scanners and archives give to files without an ending."""


def recognises(files: Files) -> bool:
    """Whether names say DICOM: by their ending, by a `DICOMDIR`, or as archives number files."""
    names = [posixpath.basename(path).lower() for path in files.paths]
    named = sum(name.endswith(ENDINGS) for name in names)
    numbered = sum(_is_numbered(name) for name in names)
    others = sum(name.endswith(_OTHER_IMAGES) for name in names)
    if named or (numbered and _DIRECTORY in names):
        return named + numbered >= others
    return 2 * numbered > len(names)


def relevant(files: Files) -> list[str]:
    """Every file with an ending of DICOM or of a scanner (`.MR`, `.0001`), or without any."""
    return [path for path in files.paths if _may_be(posixpath.basename(path).lower())]


def _is_numbered(name: str) -> bool:
    return bool(UID.fullmatch(name) or _NUMBERED.fullmatch(name))


def _may_be(name: str) -> bool:
    ending = name.rpartition(".")[2]
    if ending == name:
        return name != _DIRECTORY
    return name.endswith(ENDINGS) or ending.isdecimal() or ending in _SCANNERS


def must_be(path: str) -> bool:
    """Whether a path is named so that it must be DICOM."""
    name = posixpath.basename(path).lower()
    return name.endswith(ENDINGS) or _is_numbered(name)
