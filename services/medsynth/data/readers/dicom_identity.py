"""Who a DICOM patient is goes no further than the reader: pseudonyms under a secret key.

A pseudonym is the keyed hash (HMAC-SHA256) of what the header says about the patient. Without the
key nobody can guess it back by hashing names and numbers; with the same key a patient has the same
pseudonym in every source.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

from medsynth.data.readers.dicom_header import text
from medsynth.errors import DataError

if TYPE_CHECKING:
    from pydicom import Dataset

SHORTEST_KEY: Final = 16
"""Bytes."""

KEYWORDS: Final = (
    "PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "StudyInstanceUID",
)  # fmt: skip
"""Of the header's elements that pseudonyms are made of."""

_key: bytes = b""


def use_key(key: bytes) -> None:
    """Sets the secret of this process, for every thread of it.

    Args:
        key: At least `SHORTEST_KEY` bytes.

    Raises:
        DataError: It is shorter.
    """
    global _key
    if len(key) < SHORTEST_KEY:
        raise DataError(f"the key of pseudonyms has {len(key)} bytes, expected {SHORTEST_KEY}")
    _key = bytes(key)


def pseudonym_key() -> bytes:
    """The secret of this process.

    Raises:
        DataError: `use_key` was not called.
    """
    if not _key:
        raise DataError(
            "DICOM files can only be read once a key of pseudonyms is set: without one, who the "
            "patients are could not be kept secret"
        )
    return _key


def read_or_make_key(path: Path) -> bytes:
    """The key in a file; a new one, that only its owner may read, if there is no file.

    Processes that do this at the same time get the same key.

    Raises:
        DataError: The file cannot be read or made, or what it holds is too short.
    """
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_bytes().strip()
    except OSError as error:
        raise DataError(f"{path}: the key of pseudonyms: {error.strerror}") from error
    if len(key) < SHORTEST_KEY:
        raise DataError(f"{path}: a key of pseudonyms has at least {SHORTEST_KEY} bytes")
    return key


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
        code = _hashed("id", number, text(dataset, "IssuerOfPatientID"))
    elif name or birth:
        code = _hashed("name", name, birth)
    else:
        code = _hashed("study", text(dataset, "StudyInstanceUID"))
    return f"patient-{code[:16]}"


def series_code(uid: str) -> str:
    """12 hexadecimal digits that stand for a UID.

    Raises:
        DataError: There is no key.
    """
    return _hashed("uid", uid)[:12]


def _hashed(*parts: str) -> str:
    message = "\0".join(parts).encode(errors="surrogateescape")
    return hmac.new(pseudonym_key(), message, hashlib.sha256).hexdigest()


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with open(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
            stream.write(secrets.token_hex(32).encode())
            stream.flush()
            os.fsync(stream.fileno())
        # Unlike a renaming, a link does not replace the key that another process made meanwhile.
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        beside.unlink(missing_ok=True)
