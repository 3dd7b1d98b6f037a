"""Samples of real files: pydicom's own, and the sets that lie beside the checkout."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pydicom.data
from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from tests.fuzz_readers.samples import Sample

_LARGEST: Final = 2**18
"""Bytes of a DICOM file: larger ones would take most of the time."""

_PATIENTS: Final = 3
_SETS: Final = (
    ("NIfTI.gz", "acdc", "patient*/*", ".nii.gz"),
    ("Info.cfg", "acdc", "patient*/*", ".cfg"),
    ("JPEG", "msd_liver", "*/*_1000[24]_*.jpg", ".jpg"),
    ("PNG", "drishti_gs1", "*/*_00[24].png", ".png"),
    ("JPEG", "chase_db1", "*_0[12]?*", ".jpg"),
    ("PNG", "chase_db1", "*_0[12]?*", ".png"),
    ("PNG", "busi", "*/* (1).png", ".png"),
    ("JPEG", "kidney_ct", "*.jpg", ".jpg"),
)
"""Format, folder, which of its files, and the ending of those that are changed."""


def dicom_samples() -> Iterator[Sample]:
    """pydicom's test files that are installed with it; each is a source of its own."""
    folder = Path(pydicom.data.__file__).parent / "test_files"
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.stat().st_size <= _LARGEST and file.suffix in ("", ".dcm"):
            yield Sample(
                _dicom_format(file), f"pydicom's {file.name}", {"x.dcm": file.read_bytes()},
                ["x.dcm"], ("inspect", "volumes"), real=True,
            )  # fmt: skip


def _dicom_format(file: Path) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            meta = dcmread(file, force=True, specific_tags=[]).file_meta
    except (InvalidDicomError, OSError, ValueError, struct.error):
        return "DICOM"
    syntax = meta.get("TransferSyntaxUID")
    compressed = syntax is not None and not syntax.is_private and syntax.is_compressed
    return "DICOM compressed" if compressed else "DICOM"


def set_samples(data: Path) -> Iterator[Sample]:
    """A few patients of each set that is there.

    Args:
        data: The folder of all sets.
    """
    for kind, name, pattern, ending in _SETS:
        found = sorted(file for file in (data / name).glob(pattern) if file.is_file())
        files = [file for file in found if _is_of_few(file)]
        tree = {file.relative_to(data / name).as_posix(): file.read_bytes() for file in files}
        targets = [path for path in tree if path.endswith(ending)]
        if targets:
            yield Sample(kind, name, dict(tree), targets, real=True)


def _is_of_few(file: Path) -> bool:
    """Whether a file of ACDC is one of the first patients, in their first frame."""
    folder = file.parent.name
    if not folder.startswith("patient"):
        return True
    first = int(folder.removeprefix("patient")) <= _PATIENTS
    return first and (file.suffix == ".cfg" or "_frame01" in file.name)
