"""Who a DICOM patient is goes no further than the reader: a pseudonym takes the place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from medsynth.data.pseudonyms import keyed_hash
from medsynth.data.readers.dicom.elements import text

if TYPE_CHECKING:
    from pydicom import Dataset

KEYWORDS: Final = (
    "PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "StudyInstanceUID",
)  # fmt: skip
"""Of the header's elements that pseudonyms are made of."""


def pseudonym(dataset: Dataset) -> str:
    """`patient-` and 16 hexadecimal digits.

    Of `PatientID` with its issuer; where it is empty, of name and birth date; where they are
    empty too, of the study.

    Raises:
        DataError: There is no key.
    """
    name, birth = (
        text(dataset, "PatientName").upper().rstrip("^= "),
        text(dataset, "PatientBirthDate"),
    )
    if number := text(dataset, "PatientID"):
        code = keyed_hash("id", number, text(dataset, "IssuerOfPatientID"))
    elif name or birth:
        code = keyed_hash("name", name, birth)
    else:
        code = keyed_hash("study", text(dataset, "StudyInstanceUID"))
    return f"patient-{code[:16]}"


def series_code(uid: str) -> str:
    """12 hexadecimal digits that stand for a UID.

    Raises:
        DataError: There is no key.
    """
    return keyed_hash("uid", uid)[:12]
