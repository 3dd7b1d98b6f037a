"""What is whole of a set that is being written: a record for each shard, beside its files.

A set is unfinished as long as `.shards` is there. `set.json` within says what is being written,
`NNNNNNNNN.json` names the files of a whole shard and says where its images come from,
`NNNNNNNNN.notes` has the lines that the format left for the end.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from medsynth.data.writers.interface import SHARD, Form
from medsynth.errors import DataError, FailedPreconditionError
from medsynth.manifest import FileEntry, digest_file
from medsynth.storage import naming

FOLDER: Final = ".shards"
_SET: Final = "set.json"


@dataclass(frozen=True)
class Shard:
    """A part of a set that is whole.

    Attributes:
        first: Index of its first sample.
        count: Its samples.
        form: Of the images.
        highest: Highest label of any mask.
        files: In the order in which they were written.
        notes: `sha256:...` of the format's lines; empty without any.
        origin: What computed the images, in types that JSON knows.
    """

    first: int
    count: int
    form: Form
    highest: int
    files: Sequence[FileEntry]
    notes: str = ""
    origin: Mapping[str, Any] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """Index of the sample after the last one."""
        return self.first + self.count


def joined(shards: Iterable[Shard]) -> list[dict[str, Any]]:
    """Where images come from: an item for each run of shards that have one origin.

    Args:
        shards: One after the other; without an origin they give no item.

    Returns:
        `first_index`, `count` and what the origin says.
    """
    runs: list[Shard] = []
    for shard in shards:
        if runs and runs[-1].origin == shard.origin:
            runs[-1] = replace(runs[-1], count=runs[-1].count + shard.count)
        else:
            runs.append(shard)
    return [
        {"first_index": run.first, "count": run.count, **run.origin} for run in runs if run.origin
    ]


class Shards:
    """The records of the shards in a folder.

    Args:
        folder: Of the set.
    """

    def __init__(self, folder: Path) -> None:
        self._set = folder
        self._folder = folder / FOLDER

    @property
    def begun(self) -> bool:
        """Whether an unfinished set is there."""
        return (self._folder / _SET).is_file()

    def begin(self, identity: Mapping[str, Any]) -> None:
        """Says what is being written; what is known of an earlier attempt goes.

        Args:
            identity: Facts in types that JSON knows.
        """
        self.remove()
        self._folder.mkdir(parents=True)
        _replace(self._folder / _SET, json.dumps(identity))

    @property
    def identity(self) -> Any:
        """What the unfinished set is, as it was given to `begin`; None where nobody knows."""
        return _read(self._folder / _SET)

    def take_up(self, identity: Mapping[str, Any], patterns: Iterable[str]) -> list[Shard]:
        """Keeps the whole shards of an earlier attempt and removes what belongs to no such shard.

        Args:
            identity: As it was given to `begin`.
            patterns: Of the paths that the format writes.

        Every file of theirs is read: what a machine wrote before it lost power may be as long as
        it was, and empty.

        Returns:
            The records that are kept, without their files.

        Raises:
            FailedPreconditionError: The earlier attempt wrote something else.
        """
        check_identity(self._set, self.identity, identity)
        kept: list[Shard] = []
        for record in self._records():
            shard = _parse(_read(record))
            if shard is None or not self._is_whole(shard) or (kept and shard.first != kept[-1].end):
                break
            kept.append(replace(shard, files=()))
        indexes = range(kept[0].first, kept[-1].end) if kept else range(0)
        for record in self._records():
            if int(record.stem) not in indexes:
                record.with_suffix(".notes").unlink(missing_ok=True)
                record.unlink()
        self._sweep(indexes, tuple(patterns))
        return kept

    def add(self, shard: Shard, notes: str) -> None:
        """Records a whole shard.

        Args:
            shard: Its files are written.
            notes: The format's lines.
        """
        content = notes.encode()
        record = self._folder / f"{shard.first:09d}.json"
        if content:
            with naming(record):
                record.with_suffix(".notes").write_bytes(content)
        fields = {
            "first": shard.first,
            "count": shard.count,
            "form": asdict(shard.form),
            "highest": shard.highest,
            "files": [(file.path, file.size, file.digest) for file in shard.files],
            "notes": digest_file(io.BytesIO(content))[1] if content else "",
            "origin": dict(shard.origin),
        }
        _replace(record, json.dumps(fields, separators=(",", ":")))

    def __iter__(self) -> Iterator[Shard]:
        """The records in the order of the indexes, one at a time.

        Raises:
            DataError: A record is gone or broken.
        """
        for record in self._records():
            shard = _parse(_read(record))
            if shard is None:
                raise DataError(f"{record}: what was written is not known any more; begin again")
            yield shard

    def notes(self) -> Iterator[str]:
        """The format's lines in the order of the indexes, without their line breaks."""
        for record in self._records():
            notes = record.with_suffix(".notes")
            with suppress(FileNotFoundError), notes.open(encoding="utf-8") as stream:
                for line in stream:
                    yield line.rstrip("\n")

    def remove(self) -> None:
        """Removes the records."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _records(self) -> list[Path]:
        found = [file for file in self._folder.glob("*.json") if file.stem.isdecimal()]
        return sorted(found, key=lambda file: int(file.stem))

    def _is_whole(self, shard: Shard) -> bool:
        """Whether it reaches to the next shard, and its files are what they were."""
        digests = {self._set / file.path: file.digest for file in shard.files}
        if shard.notes:
            digests[self._folder / f"{shard.first:09d}.notes"] = shard.notes
        return shard.end % SHARD == 0 and all(
            _digest(file) == digest for file, digest in digests.items()
        )

    def _sweep(self, kept: range, patterns: Sequence[str]) -> None:
        for folder, folders, names in os.walk(self._set):
            folders[:] = [name for name in folders if name != FOLDER]
            for name in names:
                file = Path(folder, name)
                path = file.relative_to(self._set).as_posix()
                index = re.search(r"\d{9,}", name)
                if index is None or int(index[0]) in kept:
                    continue
                if any(fnmatchcase(path, pattern) for pattern in patterns):
                    file.unlink()


def check_identity(folder: Path, found: Any, wanted: Mapping[str, Any]) -> None:
    """Makes sure that a set that is taken up is the one that is wanted.

    Raises:
        FailedPreconditionError: It is another one; names the first difference.
    """
    found = found if isinstance(found, dict) else {}
    for name, value in wanted.items():
        if found.get(name) != value:
            raise FailedPreconditionError(
                f"{folder} holds another set: its {name} differs; choose another folder"
            )


def _replace(file: Path, text: str) -> None:
    beside = file.with_suffix(".tmp")
    with naming(file):
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, file)


def _digest(file: Path) -> str:
    """Of a file; empty where it cannot be read."""
    try:
        with file.open("rb", buffering=0) as stream:
            return digest_file(stream)[1]
    except OSError:
        return ""


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None


def _parse(fields: Any) -> Shard | None:
    try:
        files = [FileEntry(*entry) for entry in fields["files"]]
        return Shard(**{**fields, "form": Form(**fields["form"]), "files": files})
    except (TypeError, KeyError):
        return None
