"""Reads sources as preparation does: all that a reader finds, one scan after the other."""

from __future__ import annotations

from pathlib import Path

from medsynth.data.files import open_files
from medsynth.data.readers.interface import Reader, ReaderOptions, Survey
from medsynth.data.volume import Volume


def survey(reader: Reader, uri: Path | str, options: ReaderOptions | None = None) -> Survey:
    return reader.survey(open_files(str(uri)), options or ReaderOptions())


def read_all(reader: Reader, uri: Path | str, options: ReaderOptions | None = None) -> list[Volume]:
    files, options = open_files(str(uri)), options or ReaderOptions()
    volumes = []
    for scan in reader.survey(files, options).scans:
        with files.local(scan.files) as root:
            volumes.append(reader.read(root, scan, options))
    return volumes
