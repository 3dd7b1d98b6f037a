"""Who a DICOM patient is goes no further than the reader: a pseudonym takes the place."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from medsynth.data.pseudonyms import keyed_hash
from medsynth.data.readers.dicom.elements import text

if TYPE_CHECKING:
    from pydicom import Dataset

KEYWORDS: Final = ("PatientID", "PatientName", "PatientBirthDate", "StudyInstanceUID")
"""Of the header's elements that pseudonyms are made of."""


def pseudonym(dataset: Dataset) -> str:
    """`patient-` and 16 hexadecimal digits.

    Of `PatientID`; where it is empty, of name and birth date; where they are empty too, of the
    study. The issuer of an id does not count: archives add it to some studies of a patient, and
    one patient of two pseudonyms would be on both sides of a split.

    Raises:
        DataError: There is no key.
    """
    name, birth = bearer(dataset)
    if number := text(dataset, "PatientID"):
        return pseudonym_of("id", number)
    if name or birth:
        return pseudonym_of("name", name, birth)
    return pseudonym_of("study", text(dataset, "StudyInstanceUID"))


def pseudonym_of(*parts: str) -> str:
    """The pseudonym of whom texts stand for, the first of which says what kind they are.

    Raises:
        DataError: There is no key.
    """
    return f"patient-{keyed_hash(*parts)[:16]}"


def bearer(dataset: Dataset) -> tuple[str, str]:
    """Name and birth date as the header has them; the name in its first script, in lower case."""
    name = unicodedata.normalize("NFKC", text(dataset, "PatientName")).casefold()
    scripts = (script.rstrip("^ ") for script in name.split("="))
    return next(filter(None, scripts), ""), text(dataset, "PatientBirthDate")


def series_code(uid: str) -> str:
    """12 hexadecimal digits that stand for a UID.

    Raises:
        DataError: There is no key.
    """
    return keyed_hash("uid", uid)[:12]
