"""`manifest.json`: what a finished set consists of, and what is known about it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Final

from medsynth.errors import DataError
from medsynth.manifest import FileEntry, json_with_files
from medsynth.storage import naming

MANIFEST: Final = "manifest.json"

_FILES_BEGIN: Final = ' "files": [\n'


def write_manifest(file: Path, facts: Mapping[str, Any], entries: Iterable[FileEntry]) -> str:
    """Writes a manifest, one file's entry after the other.

    Args:
        file: Where.
        facts: In types that JSON knows.
        entries: Every file of the set.

    Returns:
        `sha256:...` of the manifest.
    """
    sha = hashlib.sha256()
    with naming(file), file.open("wb") as stream:
        listed = (entry.to_dict() for entry in entries)
        for piece in chain(json_with_files(facts, listed, indent=1), "\n"):
            content = piece.encode()
            stream.write(content)
            sha.update(content)
    return "sha256:" + sha.hexdigest()


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


def file_digest(file: Path) -> str:
    """`sha256:...` of a file."""
    with file.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
