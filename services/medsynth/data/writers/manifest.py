"""`manifest.json`: what a finished set consists of, and what is known about it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Final

from medsynth.data.writers.output import Output
from medsynth.errors import DataError
from medsynth.manifest import FileEntry, json_with_files

MANIFEST: Final = "manifest.json"

_FILES_BEGIN: Final = ' "files": [\n'


def write_manifest(file: Path, facts: Mapping[str, Any], entries: Iterable[FileEntry]) -> FileEntry:
    """Writes a manifest, one file's entry after the other.

    Args:
        file: Where.
        facts: In types that JSON knows.
        entries: Every file of the set.

    Returns:
        Name, size and digest of the manifest.
    """
    output = Output(file.parent)
    with output.open(file.name) as stream:
        for piece in chain(json_with_files(facts, entries, indent=1), "\n"):
            stream.write(piece.encode())
    return output.entries[0]


def read_facts(file: Path) -> dict[str, Any]:
    """The facts of a manifest without its files, of which there may be millions.

    Raises:
        DataError: It is no manifest of a synthetic data set.
    """
    lines, listing = [], False
    try:
        with file.open(encoding="utf-8") as stream:
            for line in stream:
                listing = listing and line.startswith("  ")
                if not listing:
                    lines.append(line)
                listing = listing or line == _FILES_BEGIN
        facts = json.loads("".join(lines))
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: not a manifest of a synthetic data set: {error}") from error
    if not isinstance(facts, dict):
        raise DataError(f"{file}: not a manifest of a synthetic data set")
    return {name: value for name, value in facts.items() if name != "files"}
