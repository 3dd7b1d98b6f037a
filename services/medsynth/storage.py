"""Artifacts: immutable, digested folders on a file system handle.

An artifact is `{collection}/{id}/`. Its files are written under the attempt that makes them
(`{collection}/{id}/{attempt}/...`) and become the artifact when `manifest.json` appears beside
the attempt, in one atomic step. The manifest holds the size and sha256 of every file, so its own
sha256 stands for the whole. What has no manifest does not exist for readers.

Works on every fsspec file system: a folder, `s3://`, memory.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import fsspec

from medsynth.errors import AbortedError, DataError, NotFoundError
from medsynth.manifest import FileEntry, Files, Manifest, content_digest, digest_file

MANIFEST = "manifest.json"
_CHUNK = 2**20


@contextmanager
def naming(path: object) -> Iterator[None]:
    """Lets an `OSError` say which file it was about: a failed write alone names none."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


@dataclass
class Draft:
    """An artifact in the making. Add files, then hand it to `Storage.publish`."""

    storage: Storage
    collection: str
    id: str
    attempt: str
    _files: Files = field(default_factory=Files)

    @property
    def path(self) -> str:
        """Folder of the attempt."""
        return self.storage.join(self.collection, self.id, self.attempt)

    def write(self, path: str, content: bytes) -> None:
        """Writes one file of the artifact."""
        target = posixpath.join(self.path, path)
        self.storage.fs.makedirs(posixpath.dirname(target), exist_ok=True)
        with naming(target), self.storage.fs.open(target, "wb") as stream:
            stream.write(content)
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        self._files.add(FileEntry(path, len(content), digest))

    def add(self, path: str, source: Path) -> None:
        """Copies a local file into the artifact."""
        target = posixpath.join(self.path, path)
        self.storage.fs.makedirs(posixpath.dirname(target), exist_ok=True)
        with source.open("rb") as stream:
            size, digest = digest_file(stream)
            stream.seek(0)
            with naming(target), self.storage.fs.open(target, "wb") as copy:
                shutil.copyfileobj(stream, copy, _CHUNK)
        self._files.add(FileEntry(path, size, digest))

    def add_folder(self, source: Path) -> None:
        """Copies every file below a local folder into the artifact."""
        for folder, _, names in os.walk(source):
            within = Path(folder)
            for name in sorted(names):
                if (file := within / name).is_file():
                    self.add(file.relative_to(source).as_posix(), file)

    def manifest(self, metadata: Mapping[str, Any]) -> Manifest:
        """The manifest that publishing writes."""
        created = datetime.now(UTC).isoformat(timespec="microseconds")
        return Manifest(
            self.collection,
            self.id,
            self.attempt,
            created,
            dict(metadata),
            self._files,
            content_digest(self.collection, metadata, self._files),
        )


@dataclass(frozen=True)
class Artifact:
    """A published artifact."""

    storage: Storage
    manifest: Manifest

    @property
    def path(self) -> str:
        """Folder of the files, on the storage's file system."""
        manifest = self.manifest
        return self.storage.join(manifest.collection, manifest.id, manifest.attempt)

    @property
    def uri(self) -> str:
        """The folder of the files with the file system's protocol."""
        return str(self.storage.fs.unstrip_protocol(self.path))

    def open(self, path: str) -> IO[bytes]:
        """Opens one file for reading."""
        return self.storage.fs.open(posixpath.join(self.path, path), "rb")  # type: ignore[no-any-return]

    def read(self, path: str) -> bytes:
        """The content of one file, checked against its digest.

        Raises:
            NotFoundError: The manifest knows no such file.
            DataError: The file is missing, or is not what was published.
        """
        entry = self.manifest.files.get(path)
        if entry is None:
            raise NotFoundError(f"{self.manifest.collection}/{self.manifest.id} has no {path}")
        try:
            with self.open(path) as stream:
                content = stream.read()
        except FileNotFoundError as error:
            raise DataError(f"{self.path}/{path} is missing from the storage") from error
        if "sha256:" + hashlib.sha256(content).hexdigest() != entry.digest:
            raise DataError(f"{self.path}/{path} is not what was published: its digest differs")
        return content

    def fetch(self, folder: Path) -> Path:
        """Copies the files to a local folder and returns it; a local artifact is returned as is."""
        if "file" in _protocols(self.storage.fs):
            return Path(self.path)
        for entry in self.manifest.files:
            target = folder / entry.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.read(entry.path))
        return folder

    def verify(self) -> list[str]:
        """Paths of the files that are missing or differ from their digest; empty: all is well."""
        wrong = []
        for entry in self.manifest.files:
            try:
                with self.open(entry.path) as stream:
                    intact = digest_file(stream) == (entry.size, entry.digest)
            except FileNotFoundError:
                intact = False
            if not intact:
                wrong.append(entry.path)
        return wrong


def _link(source: str, path: str) -> bool:
    """Gives a file a further name. Returns whether the file system has such names.

    Raises:
        FileExistsError: The name is taken.
    """
    try:
        os.link(source, path)
    except FileExistsError:
        raise
    except OSError:
        return False
    return True


def _protocols(fs: fsspec.AbstractFileSystem) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


class Storage:
    """The artifacts below one root.

    Args:
        root: A folder or URL such as `s3://bucket/prefix`.
    """

    def __init__(self, root: str) -> None:
        self.fs, self.root = fsspec.core.url_to_fs(root)

    def join(self, *parts: str) -> str:
        """A path below the root."""
        return posixpath.join(self.root, *parts)

    def draft(self, collection: str, artifact_id: str, attempt: str) -> Draft:
        """Begins an artifact. What an earlier draft of the same attempt left is removed."""
        draft = Draft(self, collection, artifact_id, attempt)
        self.remove(draft.path)
        self.fs.makedirs(draft.path, exist_ok=True)
        return draft

    @contextmanager
    def drafted(self, collection: str, artifact_id: str, attempt: str) -> Iterator[Draft]:
        """A draft to fill and publish within the block.

        Nothing of it is left if the block raises, unless it was published before that.
        """
        draft = self.draft(collection, artifact_id, attempt)
        try:
            yield draft
        except BaseException:
            published = self.find(collection, artifact_id)
            if published is None or published.manifest.attempt != attempt:
                self.remove(draft.path)
            raise

    def publish(self, draft: Draft, metadata: Mapping[str, Any]) -> Artifact:
        """Turns a draft into an artifact, in one atomic step.

        An artifact of the same name and content is left as it is and returned.

        Raises:
            AbortedError: Other content was published under the name before.
        """
        manifest = draft.manifest(metadata)
        existing = self.find(draft.collection, draft.id)
        if existing is None:
            try:
                self.write_atomically(
                    self.join(draft.collection, draft.id, MANIFEST),
                    (piece.encode() for piece in manifest.to_json()),
                    replace=False,
                )
            except FileExistsError:
                # Another attempt was quicker: one that was frozen since it looked, or this one.
                existing = self.get(draft.collection, draft.id)
            else:
                return Artifact(self, manifest)
        if draft.attempt != existing.manifest.attempt:
            self.remove(draft.path)
        if existing.manifest.digest != manifest.digest:
            raise AbortedError(f"{draft.collection}/{draft.id} was published by another attempt")
        return existing

    def write_atomically(
        self, path: str, content: bytes | Iterable[bytes], *, replace: bool = True
    ) -> None:
        """Writes a file so that readers see the old content or the new, nothing between.

        Args:
            path: On the storage's file system.
            content: All of it, or its pieces in order.
            replace: False: a file that is there stays, as far as the file system can tell.

        Raises:
            FileExistsError: It is there and was not to be replaced.
        """
        self.fs.makedirs(posixpath.dirname(path), exist_ok=True)
        pieces = [content] if isinstance(content, bytes) else content
        if "file" not in _protocols(self.fs):
            self.fs.pipe_file(path, b"".join(pieces))
            return
        beside = f"{path}.{uuid4().hex}.tmp"
        try:
            with naming(path), open(beside, "wb") as stream:
                stream.writelines(pieces)
                stream.flush()
                os.fsync(stream.fileno())
            if replace or not _link(beside, path):
                Path(beside).replace(path)
        finally:
            Path(beside).unlink(missing_ok=True)

    def find(self, collection: str, artifact_id: str) -> Artifact | None:
        """The artifact, or None."""
        try:
            text = self.fs.cat_file(self.join(collection, artifact_id, MANIFEST))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Artifact(self, Manifest.from_json(text))

    def get(self, collection: str, artifact_id: str) -> Artifact:
        """The artifact.

        Raises:
            NotFoundError: There is none of that name.
        """
        artifact = self.find(collection, artifact_id)
        if artifact is None:
            raise NotFoundError(f"{collection}/{artifact_id} does not exist")
        return artifact

    def list(self, collection: str) -> Iterator[Artifact]:
        """All artifacts of a collection, in the order of their ids."""
        for path in self.folders(collection):
            artifact = self.find(collection, posixpath.basename(path))
            if artifact is not None:
                yield artifact

    def delete(self, collection: str, artifact_id: str) -> None:
        """Removes an artifact, its manifest first. Nothing happens if there is none."""
        folder = self.join(collection, artifact_id)
        self.remove(posixpath.join(folder, MANIFEST))
        self.remove(folder)

    def folders(self, collection: str) -> Sequence[str]:
        """Paths of the folders of a collection in the order of their names, published or not."""
        return self.entries(self.join(collection))

    def entries(self, folder: str) -> Sequence[str]:
        """Paths of the files and folders within a folder, sorted; none if there is no folder."""
        try:
            return sorted(
                path.rstrip("/") for path in self.fs.ls(folder, detail=False, refresh=True)
            )
        except (FileNotFoundError, NotADirectoryError):
            return []

    def newest(self, path: str) -> datetime | None:
        """When a file, or anything in a folder, was last written; None if there is nothing."""
        times = [self._modified(file) for file in [*self.fs.find(path), path]]
        return max((time for time in times if time is not None), default=None)

    def remove(self, path: str) -> None:
        """Removes a file or folder. Nothing happens if there is none."""
        while self.fs.exists(path):
            # What is missing in the middle of it, somebody else removes at the same time.
            with suppress(FileNotFoundError):
                self.fs.rm(path, recursive=True)

    def _modified(self, path: str) -> datetime | None:
        try:
            time: datetime = self.fs.modified(path)
        except (FileNotFoundError, NotADirectoryError, KeyError):
            # Gone meanwhile, or a folder on a file system whose folders have no times.
            return None
        return time if time.tzinfo else time.replace(tzinfo=UTC)
