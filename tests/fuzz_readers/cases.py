"""A source with its changes: how it lies in memory, and how it is kept on the disk."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

SOURCE: Final = "source"
"""Folder of a case in which its files lie."""

_RECORD: Final = "case.json"


@dataclass(frozen=True)
class Link:
    """A symbolic link in the place of a file.

    Attributes:
        target: Where it leads.
    """

    target: str


@dataclass(frozen=True)
class Pipe:
    """A named pipe in the place of a file: who opens it waits for ever."""


Content = bytes | Link | Pipe
Tree = dict[str, Content]
"""What lies at each path of a source, `/` between folders; a path that ends on `/` is a folder."""


@dataclass(frozen=True)
class Case:
    """One source to be read.

    Attributes:
        format: Whose reader it is for, such as `PNG`.
        sample: What it was before the changes.
        seed: Of the run.
        number: Within the run; with the seed it gives every change.
        way: `inspect`, `prepare`, `volumes` or `samples`; see `reading.py`.
        file: The file that is the source, such as an archive; empty: the whole folder.
        reader: Named for the source; empty: recognised.
        preparation: The fields of a `Preparation` that are set.
    """

    format: str
    sample: str
    seed: int
    number: int
    way: str
    file: str = ""
    reader: str = ""
    preparation: Mapping[str, Any] = field(default_factory=dict)

    def save(self, folder: Path, tree: Tree) -> None:
        """Writes the case and its files; what the file system refuses is left out."""
        folder.mkdir(parents=True)
        (folder / _RECORD).write_text(json.dumps(asdict(self), indent=2))
        write_tree(folder / SOURCE, tree)

    @classmethod
    def load(cls, folder: Path) -> Case:
        """The case that `save` wrote."""
        return cls(**json.loads((folder / _RECORD).read_text()))

    def uri(self, folder: Path) -> str:
        """Of the source, where the case was saved."""
        return str(folder / SOURCE / self.file)


def write_tree(folder: Path, tree: Tree) -> None:
    """Writes files, links and pipes; what the file system refuses is left out."""
    folder.mkdir(parents=True)
    for path, content in tree.items():
        if {".", ".."} & set(path.split("/")):
            continue
        # A name may be too long, or a file be where a folder has to be.
        with suppress(OSError, ValueError):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.endswith("/"):
                target.mkdir()
            elif isinstance(content, Link):
                target.symlink_to(content.target)
            elif isinstance(content, Pipe):
                os.mkfifo(target)
            else:
                target.write_bytes(content)


def read_tree(folder: Path) -> Tree:
    """The regular files of a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
