"""Pseudonyms of people: keyed hashes (HMAC-SHA256) under a secret of the operator.

Without the key nobody can guess a pseudonym back by hashing names and numbers; with the same key a
patient has the same pseudonym in every source.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from medsynth.errors import DataError

SHORTEST_KEY: Final = 16
"""Bytes."""

_OTHERS: Final = 0o007
"""Rights of those who are neither the owner nor of the file's group."""

_key: bytes = b""
_file: Path | None = None


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


def use_key_file(path: Path) -> None:
    """Says where the secret of this process is; it is read, or made, when it is first asked for.

    Args:
        path: As for `read_or_make_key`.
    """
    global _key, _file
    _key, _file = b"", path


def has_key() -> bool:
    """Whether this process has a secret, or knows where it is."""
    return bool(_key) or _file is not None


def pseudonym_key() -> bytes:
    """The secret of this process.

    Raises:
        DataError: Neither `use_key` nor `use_key_file` was called, or the file cannot be used.
    """
    if not has_key():
        raise DataError(
            "DICOM files can only be read once a key of pseudonyms is set: without one, who the "
            "patients are could not be kept secret"
        )
    if not _key and _file is not None:
        use_key(read_or_make_key(_file))
    return _key


def key_digest() -> str:
    """16 hexadecimal digits that tell keys apart, and from which none can be guessed.

    Raises:
        DataError: There is no key.
    """
    return keyed_hash("key")[:16]


def read_or_make_key(path: Path) -> bytes:
    """The key in a file; a new one, that only its owner may read, if there is no file.

    Processes that do this at the same time get the same key.

    Raises:
        DataError: The file cannot be read or made, others may read it, or what it holds is too
            short.
    """
    try:
        if not path.exists():
            _make_key(path)
        mode = stat.S_IMODE(path.stat().st_mode)
        key = path.read_bytes().removesuffix(b"\n").removesuffix(b"\r")
    except OSError as error:
        raise DataError(f"{path}: the key of pseudonyms: {error.strerror}") from error
    if mode & _OTHERS:
        raise DataError(
            f"{path}: anyone may use the key of pseudonyms (its mode is {mode:o}), expected a file "
            f"for its owner alone: chmod 600 {path}"
        )
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
