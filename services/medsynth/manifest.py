"""What an artifact consists of: its files by size and digest, and the JSON that says so."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as _quoted
from typing import IO, Any

_CHUNK = 2**20
_SHA256 = "sha256:"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of an artifact: path within it, bytes, `sha256:...`."""

    path: str
    size: int
    digest: str

    def to_dict(self) -> dict[str, Any]:
        """The fields as manifests write them."""
        return {"path": self.path, "size": self.size, "digest": self.digest}


class Files(Collection[FileEntry]):
    """Files by path, in a third of the memory of so many entries: there may be millions.

    Iterating goes by the order of the paths.

    Args:
        entries: The first ones.
    """

    _SIZE_BYTES = 8

    def __init__(self, entries: Iterable[FileEntry] = ()) -> None:
        self._packed: dict[str, bytes] = {}
        for entry in entries:
            self.add(entry)

    def add(self, entry: FileEntry) -> None:
        """Adds a file, in place of one of the same path."""
        digest = bytes.fromhex(entry.digest.removeprefix(_SHA256))
        self._packed[entry.path] = entry.size.to_bytes(self._SIZE_BYTES) + digest

    def get(self, path: str) -> FileEntry | None:
        """The file of a path, or None."""
        packed = self._packed.get(path)
        if packed is None:
            return None
        size, digest = packed[: self._SIZE_BYTES], packed[self._SIZE_BYTES :]
        return FileEntry(path, int.from_bytes(size), _SHA256 + digest.hex())

    def __iter__(self) -> Iterator[FileEntry]:
        for path in sorted(self._packed):
            entry = self.get(path)
            assert entry is not None
            yield entry

    def __len__(self) -> int:
        return len(self._packed)

    def __contains__(self, entry: object) -> bool:
        return isinstance(entry, FileEntry) and self.get(entry.path) == entry

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Files) and self._packed == other._packed

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Manifest:
    """What an artifact consists of.

    Attributes:
        collection: `datasets`, `generators`, `syntheticDatasets` or `reports`.
        id: Name within the collection.
        attempt: Folder of the attempt that holds the files.
        created: ISO 8601, UTC.
        metadata: Facts about the artifact in types that JSON knows.
        files: By path.
        digest: sha256 over collection, metadata and files (not over id, attempt and time, so
            that the same content has the same digest wherever and whenever it was made).
    """

    collection: str
    id: str
    attempt: str
    created: str
    metadata: dict[str, Any]
    files: Files
    digest: str

    def to_json(self) -> Iterator[str]:
        """The text of `manifest.json` in pieces."""
        return json_with_files(self.__dict__, self.files, indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """Reverses `to_json`."""
        fields = json.loads(text)
        fields["files"] = Files(FileEntry(**entry) for entry in fields["files"])
        return cls(**fields)


def json_with_files(
    fields: Mapping[str, Any], files: Iterable[FileEntry], indent: int
) -> Iterator[str]:
    """JSON with sorted keys and a long list under `files`, in pieces: never the whole at once.

    The pieces together are what `json.dumps` gives, in a tenth of its time.

    Args:
        fields: All fields; a value under `files` is left out for the list.
        files: The list, as `FileEntry.to_dict` has each.
        indent: Spaces of each level, 1 or more.
    """
    # No text within has a line break, and no deeper field so few spaces: this stands there once.
    mark = f'\n{" " * indent}"files": []'
    text = json.dumps({**fields, "files": []}, indent=indent, sort_keys=True)
    head, tail = text.split(mark)
    yield head + mark.removesuffix("]")
    lead = "\n" + " " * 2 * indent
    begin, end = lead + " " * indent, f"{lead}}}"
    between = ""
    for file in files:
        yield (
            f'{between}{lead}{{{begin}"digest": {_quoted(file.digest)},'
            f'{begin}"path": {_quoted(file.path)},{begin}"size": {file.size}{end}'
        )
        between = ","
    yield (lead[:-indent] if between else "") + "]" + tail


def _canonical(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def digest_of(value: Any) -> str:
    """`sha256:...` of a value's canonical JSON (sorted keys, no spaces)."""
    return "sha256:" + hashlib.sha256(_canonical(value)).hexdigest()


def content_digest(collection: str, metadata: Mapping[str, Any], files: Iterable[FileEntry]) -> str:
    """`digest_of` collection, files and metadata, without their text in memory."""
    sha = hashlib.sha256(b'{"collection":' + _canonical(collection) + b',"files":[')
    between = b""
    for entry in files:
        sha.update(between + _canonical(entry.to_dict()))
        between = b","
    sha.update(b'],"metadata":' + _canonical(dict(metadata)) + b"}")
    return "sha256:" + sha.hexdigest()


def digest_file(stream: IO[bytes]) -> tuple[int, str]:
    """Size and `sha256:...` of everything that is left in a stream."""
    sha, size = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK):
        sha.update(chunk)
        size += len(chunk)
    return size, "sha256:" + sha.hexdigest()
