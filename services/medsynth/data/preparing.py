"""Makes the prepared set of a source: reads, prepares, divides by patient, publishes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from medsynth.data.batches import Preparing
from medsynth.data.collected import Collected
from medsynth.data.feasibility import check_masks
from medsynth.data.labels import mapped_classes
from medsynth.data.ordered import usable_cores
from medsynth.data.prepared import COLLECTION
from medsynth.data.source import Source, complete, fingerprint, opened
from medsynth.errors import DataError
from medsynth.storage import Artifact, Draft, Storage

Publish = Callable[[Draft, Mapping[str, Any]], Artifact]


def prepare(
    source: Source,
    storage: Storage,
    attempt: str,
    *,
    progress: Callable[[int, int], None],
    publish: Publish | None = None,
    roots: Sequence[str] | None = None,
    scratch: Path | None = None,
    kept: Path | None = None,
    cores: int | None = None,
) -> Artifact:
    """Makes the prepared set of a source, or finds it.

    One volume for each core is in memory at a time. Nothing is left behind on failure but, where
    `kept` is given, the volumes that were prepared.

    Args:
        source: Its URI as `resolve` returned it.
        storage: Where the set is published.
        attempt: Name of the draft's folder.
        progress: Called with scans done and scans in all, about every second; may raise to stop.
        publish: What publishes the draft; `storage.publish` unless given.
        roots: Folders inside which every file must really lie, links followed. None: not checked.
        scratch: Local folder for intermediate files; the system's own unless given.
        kept: Local folder in which a later attempt finds what this one prepared before it was
            killed. None: it begins anew.
        cores: Scans that are prepared at the same time; as many as the process may use cores
            unless given.

    Returns:
        The artifact `datasets/{id}`.

    Raises:
        DataError: The source cannot be used, or a file of it is a link out of the roots; names the
            file.
        InvalidArgumentError: The preparation or an option does not fit what the source holds.
    """
    source = complete(source, roots=roots)
    key = fingerprint(source, roots)
    name = key.removeprefix("sha256:")[:16]
    existing = storage.find(COLLECTION, name)
    if existing is not None:
        return existing
    with _folder(kept, name, scratch) as work:
        metadata = _make(source, work, roots, scratch, cores or usable_cores(), progress)
        if fingerprint(source, roots) != key:
            raise DataError(f"{source.uri}: files changed while they were read; try again")
        with storage.drafted(COLLECTION, name, attempt) as draft:
            draft.add_folder(work / "set")
            artifact = (publish or storage.publish)(draft, metadata)
    if kept is not None:
        shutil.rmtree(kept / name, ignore_errors=True)
    return artifact


def _make(
    source: Source,
    work: Path,
    roots: Sequence[str] | None,
    scratch: Path | None,
    cores: int,
    progress: Callable[[int, int], None],
) -> dict[str, Any]:
    """Writes the files of the set into a folder `set`; the fields of its `Dataset`."""
    with opened(source, roots, scratch) as (reader, files):
        batches = work / "batches"
        batches.mkdir(exist_ok=True)
        preparing = Preparing(reader, files, source.options, source.preparation, batches)
        made, classes, modality = _collect(preparing, cores, progress)
        return {
            **made.write(work / "set"),
            "classes": list(classes) if made.masked else [],
            "modality": modality,
            "source": {**source.to_mapping(), "reader": reader.NAME},
        }


def _collect(
    preparing: Preparing, cores: int, progress: Callable[[int, int], None]
) -> tuple[Collected, Sequence[str], str]:
    """What every scan became, the classes and the modality. The survey can go then."""
    survey = preparing.reader.survey(preparing.files, preparing.options)
    classes = mapped_classes(survey.classes, preparing.preparation.label_map)
    check_masks(preparing.preparation, classes)
    made = Collected(preparing, survey)
    preparing.files.forget()
    for batch in preparing.batches(survey.scans, cores, progress):
        made.add(batch)
    return made, classes, survey.modality


@contextmanager
def _folder(kept: Path | None, name: str, scratch: Path | None) -> Iterator[Path]:
    """Where volumes are kept between attempts, or a folder that ends with the context."""
    if kept is not None:
        (kept / name).mkdir(parents=True, exist_ok=True)
        yield kept / name
        return
    with tempfile.TemporaryDirectory(prefix="prepare-", dir=scratch) as folder:
        yield Path(folder)
