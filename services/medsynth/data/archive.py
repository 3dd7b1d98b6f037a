"""Archives as sources: unpacked into a folder, within bounds, with nothing left outside it."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

from medsynth.data.files import hidden
from medsynth.data.machine import is_of_machine
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
_LARGEST_LIST: Final = 2**28
"""Bytes of the list of a zip's entries."""

_LISTED: Final = b"PK\x01\x02"
"""What each entry of that list begins with."""

BROKEN: Final = (
    OSError, EOFError, ValueError, RuntimeError, LookupError, OverflowError,
    struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError,
)  # fmt: skip
"""What comes out of reading an archive that is broken."""


@dataclass(frozen=True)
class _Entry:
    """An entry, with its content if it is a regular file."""

    name: str
    stream: IO[bytes] | None


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
    try:
        room = min(LARGEST, max(_SMALL, LARGEST_RATIO * archive.stat().st_size))
        zipped = archive.name.lower().endswith(".zip")
        entries = _zipped(archive) if zipped else _tarred(archive, room)
        for count, entry in enumerate(entries):
            if count >= MOST_ENTRIES:
                raise DataError(f"{archive}: {_too_many()}")
            room -= _write(entry, folder, archive, room)
    except BROKEN as error:
        if is_of_machine(error):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataError(f"{archive}: not a readable archive: {show(reason)}") from error


def _zipped(archive: Path) -> Iterator[_Entry]:
    with _Zip(archive) as listed, zipfile.ZipFile(listed) as content:
        for info in content.infolist():
            kind = info.external_attr >> 28
            if info.filename.endswith("/") or kind not in (0, 8):
                yield _Entry(info.filename, None)
                continue
            if info.flag_bits & 1:
                raise DataError(f"{archive}: the entry {show(info.filename)} is encrypted")
            with content.open(info) as stream:
                yield _Entry(info.filename, stream)


class _Zip(io.BufferedReader):
    """A zip of whose list of entries no more than allowed is ever held in memory."""

    def __init__(self, archive: Path) -> None:
        super().__init__(io.FileIO(archive))
        self._archive = archive

    def read(self, count: int | None = -1) -> bytes:
        count = _CHUNK if count is None or count < 0 else count
        if count > _LARGEST_LIST:
            raise DataError(f"{self._archive}: its list of entries has {count} bytes")
        content = super().read(count)
        if content.count(_LISTED) > MOST_ENTRIES:
            raise DataError(f"{self._archive}: {_too_many()}")
        return content


def _tarred(archive: Path, room: int) -> Iterator[_Entry]:
    with archive.open("rb") as packed:
        zipped = packed.read(2) == b"\x1f\x8b"
        packed.seek(0)
        whole = cast(IO[bytes], gzip.GzipFile(fileobj=packed) if zipped else packed)
        forward = _Forward(whole, room)
        with tarfile.open(fileobj=cast(IO[bytes], forward), mode="r:") as content:
            while (info := content.next()) is not None:
                # Its list of what it held would grow with every entry.
                content.members.clear()  # type: ignore[attr-defined]
                stream = content.extractfile(info) if info.isreg() else None
                yield _Entry(info.name, stream)
        if forward.latest != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("it is cut off, or broken between two entries")
        while forward.read(_CHUNK):  # To its checksum.
            pass


class _Forward:
    """A stream that is read once from its beginning to its end, in parts, within bounds.

    An archive can ask for more: to go back to where it was, for ever, or to hold a header of a
    terabyte in memory.

    Attributes:
        latest: What was read last.
    """

    def __init__(self, stream: IO[bytes], room: int) -> None:
        self.latest = b""
        self._stream = stream
        self._room = room
        self._place = 0

    def tell(self) -> int:
        return self._place

    def seek(self, place: int) -> None:
        if place < self._place:
            raise tarfile.ReadError("an entry leads back to an earlier one")
        while self._place < place and self.read(min(_CHUNK, place - self._place)):
            pass

    def read(self, count: int) -> bytes:
        if not 0 <= count <= _SMALL:
            raise tarfile.ReadError(f"a header of {count} bytes")
        self.latest = self._stream.read(count)
        self._place += len(self.latest)
        if self._place > self._room:
            raise tarfile.ReadError(_too_much())
        return self.latest


def _write(entry: _Entry, folder: Path, archive: Path, room: int) -> int:
    """Writes a regular file that is not hidden, and returns its size."""
    path = PurePosixPath(entry.name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in entry.name:
        raise DataError(f"{archive}: the entry {show(entry.name)} leads out of the archive")
    if entry.stream is None or not path.parts or hidden(str(path)):
        return 0
    target = folder.joinpath(*path.parts)
    if target.exists():
        raise DataError(f"{archive}: the entry {show(entry.name)} is there twice")
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with naming(target), target.open("xb") as copy:
        while chunk := entry.stream.read(_CHUNK):
            size += len(chunk)
            if size > room:
                raise DataError(f"{archive}: {_too_much()}")
            copy.write(chunk)
    return size


def _too_many() -> str:
    return f"holds more than {MOST_ENTRIES} entries"


def _too_much() -> str:
    return f"unpacks to more than {LARGEST_RATIO} times its size, or to more than {LARGEST} bytes"
