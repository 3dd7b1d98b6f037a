"""Sources of files to read: a folder, and the same in a store."""

from __future__ import annotations

from pathlib import Path

from medsynth.data.files import open_files

CONTENT = {
    "case 1.nii": b"first",
    "deep/er/Übergröße\n2.nii": b"second" * 1000,
    "deep/empty": b"",
}

IN_BUCKET = {path.replace("\n", " "): data for path, data in CONTENT.items()}


def written(folder: Path) -> Path:
    for path, data in {**CONTENT, ".hidden": b"x", "__MACOSX/a": b"x", ".git/b": b"x"}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def read_back(uri: str) -> dict[str, bytes]:
    source = open_files(uri)
    with source.local(source.paths) as root:
        return {path: (root / path).read_bytes() for path in source.paths}
