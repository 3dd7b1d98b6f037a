"""Pseudonyms of people: keyed hashes (HMAC-SHA256) under a secret of the operator.

Without the key nobody can guess a pseudonym back by hashing names and numbers; with the same key a
patient has the same pseudonym in every source.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from medsynth.errors import DataError

SHORTEST_KEY: Final = 16
"""Bytes."""

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


def keyed_hash(*parts: str) -> str:
    """64 hexadecimal digits that stand for texts; the first says what kind of thing they are.

    Raises:
        DataError: There is no key.
    """
    # Names and headers may hold halves of characters that no text file can.
    message = "\0".join(parts).encode(errors="surrogatepass")
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
