"""Reads everything that a source holds and says what it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from medsynth.data.geometry import orient
from medsynth.data.inspection import Inspection, Thumbnail
from medsynth.data.inspection_tally import Tally
from medsynth.data.labels import mapped_classes, with_labels_mapped
from medsynth.data.ordered import Stop, map_in_order, usable_cores
from medsynth.data.readers.interface import Problem, Scan
from medsynth.data.reading import problem_of, read_scan
from medsynth.data.slices import with_channels
from medsynth.data.source import Source, opened
from medsynth.data.volume import Volume
from medsynth.errors import DataError


def inspect(
    source: Source,
    *,
    progress: Callable[[int, int], None],
    roots: Sequence[str] | None = None,
    scratch: Path | None = None,
    cores: int | None = None,
) -> tuple[Inspection, list[Thumbnail]]:
    """Reads everything that a source holds and says what it is.

    Files that cannot be used do not end it, they are listed. Of the preparation it heeds what
    `inspection.HEEDED` names.

    Args:
        source: Its URI as `resolve` returned it.
        progress: Called with scans done and scans in all, about every second; may raise to stop.
        roots: Folders inside which every file must really lie, links followed. None: not checked.
        scratch: Local folder for what is fetched or unpacked; the system's own unless given.
        cores: Scans that are read at the same time; as many as the process may use cores unless
            given.

    Returns:
        What it holds, and some evenly spread slices with their masks.

    Raises:
        DataError: No reader recognises the source, or the reader cannot understand it at all.
        InvalidArgumentError: An option or the mapping of labels does not fit what it holds.
    """
    preparation = source.preparation
    with opened(source, roots, scratch) as (reader, files):
        survey = reader.survey(files, source.options)
        tally = Tally(survey, mapped_classes(survey.classes, preparation.label_map))
        done, total = 0, len(survey.scans)

        def look(scan: Scan, stop: Stop) -> Volume | Problem:
            stop.check()
            try:
                volume = read_scan(reader, files, scan, source.options)
                volume = with_labels_mapped(orient(volume, preparation), preparation.label_map)
                return with_channels(volume, preparation.channels)
            except DataError as error:
                return problem_of(scan, error.message, files)

        def report() -> None:
            progress(done, total)

        report()
        looks = map_in_order(look, survey.scans, cores or usable_cores(), report)
        for scan, found in zip(survey.scans, looks, strict=True):
            if isinstance(found, Problem):
                tally.problems.append(found)
            else:
                tally.add(found, scan.patient, place=done / total)
            done += 1
            report()
        return tally.result(source, reader.NAME, report), tally.thumbnails
