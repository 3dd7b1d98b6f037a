"""Archives as sources: unpacked into a folder, within bounds, with nothing left outside it."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from medsynth.errors import DataError, show
from medsynth.storage import naming

ENDINGS: Final = (".zip", ".tar.gz", ".tgz", ".tar")

MOST_ENTRIES: Final = 1_000_000
LARGEST: Final = 2**38
"""Bytes that an archive may unpack to."""

LARGEST_RATIO: Final = 200
"""Bytes unpacked for each byte packed; what has more is a bomb. Deflate gives at most 1,032."""

_SMALL: Final = 2**26
_CHUNK: Final = 2**20


@dataclass(frozen=True)
class _Entry:
    name: str
    stream: IO[bytes]


def is_archive(uri: str) -> bool:
    """Whether a URI names an archive, by its ending."""
    return uri.lower().endswith(ENDINGS)


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks the regular files of an archive.

    Links, devices and hidden files are passed over.

    Args:
        archive: Its name has one of the `ENDINGS`.
        folder: Where to; is made.

    Raises:
        DataError: It is broken or encrypted, has a name that leads out of the folder or the same
            name twice, or holds or unpacks to more than the bounds above.
    """
    folder.mkdir(parents=True)
    room = min(LARGEST, max(_SMALL, LARGEST_RATIO * archive.stat().st_size))
    entries = _zipped(archive) if archive.suffix.lower() == ".zip" else _tarred(archive)
    try:
        for count, entry in enumerate(entries):
            if count >= MOST_ENTRIES:
                raise DataError(f"{archive}: holds more than {MOST_ENTRIES} entries")
            room -= _write(entry, folder, archive, room)
    except (
        OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zlib.error,
        zipfile.BadZipFile, tarfile.TarError,
    ) as error:  # fmt: skip
        if isinstance(error, OSError) and error.errno is not None and error.filename:
            raise
        raise DataError(f"{archive}: not a readable archive: {show(str(error))}") from error


def _zipped(archive: Path) -> Iterator[_Entry]:
    with zipfile.ZipFile(archive) as content:
        for info in content.infolist():
            kind = info.external_attr >> 28
            if not info.is_dir() and kind in (0, 8):
                with content.open(info) as stream:
                    yield _Entry(info.filename, stream)


def _tarred(archive: Path) -> Iterator[_Entry]:
    with tarfile.open(archive) as content:
        for info in content:
            if info.isreg() and (stream := content.extractfile(info)) is not None:
                with stream:
                    yield _Entry(info.name, stream)


def _write(entry: _Entry, folder: Path, archive: Path, room: int) -> int:
    path = PurePosixPath(entry.name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in entry.name or not path.parts:
        raise DataError(f"{archive}: the entry {show(entry.name)} leads out of the archive")
    target = folder.joinpath(*path.parts)
    if target.exists():
        raise DataError(f"{archive}: the entry {show(entry.name)} is there twice")
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with naming(target), target.open("xb") as copy:
        while chunk := entry.stream.read(_CHUNK):
            size += len(chunk)
            if size > room:
                raise DataError(
                    f"{archive}: unpacks to more than {LARGEST_RATIO} times its size, or to more "
                    f"than {LARGEST} bytes"
                )
            copy.write(chunk)
    return size
