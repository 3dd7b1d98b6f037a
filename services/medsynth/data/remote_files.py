"""The files below a prefix of a bucket, or of any other store that fsspec knows."""

from __future__ import annotations

import os
import posixpath
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from medsynth.data.files import MOST_FILES, FileFacts, Files, TooManyFilesError, hidden
from medsynth.data.machine import is_of_machine, takes_no_files
from medsynth.errors import DataError, PermissionDeniedError, UnavailableError, show
from medsynth.storage import naming

_STAMPS: Final = ("ETag", "etag", "LastModified", "last_modified", "mtime", "created")


@dataclass(frozen=True)
class _Listing:
    """What a store says about a source: its top, and each file's facts and full name."""

    top: str
    facts: Mapping[str, FileFacts]
    full: Mapping[str, str]


class RemoteFiles(Files):
    """Everything below a prefix, or one object. Files are fetched when asked for.

    Args:
        uri: Such as `s3://bucket/set`.
        scratch: Local folder; the system's own unless given.
        most: As for `open_files`.

    Raises:
        UnavailableError: Nothing is known about such a store.
    """

    def __init__(self, uri: str, scratch: Path | None = None, most: int = MOST_FILES) -> None:
        import fsspec

        self._most = most
        self.uri = uri.rstrip("/")
        self._scratch = scratch
        with _answering(self.uri):
            self._system, self._prefix = fsspec.core.url_to_fs(self.uri)

    @property
    def facts(self) -> Mapping[str, FileFacts]:
        """Stamps are the store's own tags or times."""
        return self._listing.facts

    def name(self, path: str) -> str:
        """A file's full name, for messages."""
        return posixpath.join(self._listing.top, path)

    @contextmanager
    def local(self, paths: Sequence[str]) -> Iterator[Path]:
        """A folder of its own, that ends with the context."""
        with tempfile.TemporaryDirectory(prefix="fetched-", dir=self._scratch) as folder:
            for path in paths:
                if path not in self.facts:
                    raise DataError(f"{self.name(path)}: the file is missing")
                target = Path(folder, path)
                with self._keeping(path):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.touch()
                with _answering(self.name(path)):
                    self._system.get_file(self._listing.full[path], str(target))
            yield Path(folder)

    @cached_property
    def _listing(self) -> _Listing:
        with _answering(self.uri):
            # A store's client may keep listings for as long as the process lives.
            self._system.invalidate_cache()
            found = _find(self._system, self._prefix, self._most + 1)
        if len(found) > self._most:
            raise TooManyFilesError(f"{self.uri}: holds more than {self._most} files")
        single = list(found) == [self._prefix]
        facts, full = {}, {}
        for name, entry in found.items():
            path = posixpath.basename(name) if single else name.removeprefix(f"{self._prefix}/")
            if entry.get("type") == "directory" or path.endswith("/") or not path:
                continue
            self._check(path)
            if hidden(path):
                continue
            facts[path] = FileFacts(int(entry.get("size") or 0), _stamp(entry))
            full[path] = name
        top = posixpath.dirname(self.uri) if single else self.uri
        return _Listing(top, dict(sorted(facts.items())), full)

    def _check(self, path: str) -> None:
        """A store's names may be what no local folder can hold, or lead out of one."""
        parts = path.split("/")
        if any(part in ("", ".", "..") for part in parts) or "\0" in path:
            raise DataError(f"{self.uri}: the name {show(path)} cannot be the path of a file")

    @contextmanager
    def _keeping(self, path: str) -> Iterator[None]:
        """What the local disk refuses about a file's name; that it is full is no one's name."""
        try:
            with naming(path):
                yield
        except OSError as error:
            if is_of_machine(error):
                raise
            reason = os.strerror(error.errno or 0)
            raise DataError(f"{self.name(path)}: cannot be fetched: {reason}") from error


@contextmanager
def _answering(uri: str) -> Iterator[None]:
    """What a store's client raises, as ours; what the local disk or memory lacks stays."""
    try:
        yield
    except MemoryError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{uri}: is missing") from error
    except PermissionError as error:
        raise PermissionDeniedError(f"{uri}: the store refuses it: {show(str(error))}") from error
    except Exception as error:  # Clients of stores have errors of their own, of any kind.
        if takes_no_files(error):
            raise
        raise UnavailableError(f"{uri} cannot be reached: {show(str(error))}") from error


def _find(system: Any, prefix: str, most: int) -> dict[str, dict[str, Any]]:
    """Every object below a prefix with what is known about it, but no more than so many."""
    found: dict[str, dict[str, Any]] = {}
    if "s3" in system.protocol:
        # One listing of all that is below; folder by folder, it would take a call for each.
        found = system.find(prefix, detail=True, max_items=most)
        return found
    for _, _, files in system.walk(prefix, detail=True):
        found |= {entry["name"]: entry for entry in files.values()}
        if len(found) >= most:
            break
    return found


def _stamp(entry: Mapping[str, Any]) -> str:
    for key in _STAMPS:
        if entry.get(key):
            return str(entry[key])
    return ""
