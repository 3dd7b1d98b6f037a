"""Makes the prepared set of a source: reads, prepares, divides by patient, publishes."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medsynth.data.batches import Batch, PreparedVolume, Preparing, append, difference
from medsynth.data.feasibility import check_foreground_share
from medsynth.data.labels import mapped_classes
from medsynth.data.prepared import COLLECTION
from medsynth.data.readers.interface import Problem, Survey
from medsynth.data.source import Source, complete, fingerprint, opened
from medsynth.data.splits import NAMES, Facts, split_patients
from medsynth.errors import DataError
from medsynth.manifest import digest_of
from medsynth.storage import Artifact, Draft, Storage, naming

Publish = Callable[[Draft, Mapping[str, Any]], Artifact]

_SHOWN_PROBLEMS = 5


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
        progress: Called with scans done and scans in all; may raise to stop.
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
        DataError: The source cannot be used; names the file.
        InvalidArgumentError: The preparation or an option does not fit what the source holds.
        PermissionDeniedError: A file of the source is a link out of the roots.
    """
    source = complete(source)
    key = fingerprint(source)
    name = key.removeprefix("sha256:")[:16]
    existing = storage.find(COLLECTION, name)
    if existing is not None:
        return existing
    with opened(source, roots, scratch) as (reader, files), _folder(kept, name, scratch) as work:
        survey = reader.survey(files, source.options)
        classes = mapped_classes(survey.classes, source.preparation.label_map)
        batches = work / "batches"
        batches.mkdir(exist_ok=True)
        preparing = Preparing(reader, files, source.options, source.preparation, batches)
        made = _Collected(preparing, survey)
        progress(0, len(survey.scans))
        for batch in preparing.batches(survey.scans, cores or usable_cores()):
            made.add(batch)
            progress(made.scans, len(survey.scans))
        metadata = {
            **made.write(work / "set"),
            "classes": list(classes) if made.masked else [],
            "modality": survey.modality,
            "source": {**source.to_mapping(), "reader": reader.NAME},
        }
        if fingerprint(source) != key:
            raise DataError(f"{source.uri}: files changed while they were read; try again")
        with storage.drafted(COLLECTION, name, attempt) as draft:
            draft.add_folder(work / "set")
            artifact = (publish or storage.publish)(draft, metadata)
    if kept is not None:
        shutil.rmtree(kept / name, ignore_errors=True)
    return artifact


class _Collected:
    """What was prepared so far, without its pixels."""

    def __init__(self, preparing: Preparing, survey: Survey) -> None:
        self.scans = 0
        self._preparing = preparing
        self._problems = list(survey.problems)
        self._remarks = list(survey.remarks)
        self._all = len(survey.scans) + len(survey.problems)
        self._patients: dict[str, Facts] = {}
        self._first: Batch | None = None
        self._slices: Counter[str] = Counter()
        self._usable: list[int] = []
        self._seen = 0
        self._check_problems()

    @property
    def masked(self) -> bool:
        """Whether there are masks."""
        return self._first is not None and self._first.masked

    def add(self, batch: Batch) -> None:
        """Takes note of the next batch.

        Raises:
            DataError: More is unusable than the preparation allows.
        """
        index, self._seen = self._seen, self._seen + 1
        self.scans += batch.scans
        self._problems += batch.problems
        if batch.volumes:
            unlike = difference(batch, self._first)
            if unlike:
                self._problems += [Problem(volume.file, unlike) for volume in batch.volumes]
            else:
                self._take(index, batch)
        self._check_problems()

    def _take(self, index: int, batch: Batch) -> None:
        self._first = self._first or batch
        self._usable.append(index)
        for volume in batch.volumes:
            known = self._patients.get(volume.patient, Facts())
            self._patients[volume.patient] = Facts(
                known.group or volume.group, known.part or volume.part
            )
            self._slices[volume.patient] += len(volume.numbers)
            self._remarks += [f"{volume.name}: {remark}" for remark in volume.remarks]

    def _check_problems(self) -> None:
        allowed = self._preparing.preparation.bad_share
        if len(self._problems) <= allowed * self._all:
            return
        files = self._preparing.files
        shown = [f"{files.name(p.file)}: {p.reason}" for p in self._problems[:_SHOWN_PROBLEMS]]
        if not allowed:
            raise DataError(shown[0])
        raise DataError(
            f"{len(self._problems)} of {self._all} scans cannot be used, more than the share of "
            f"{allowed:g} that bad_share allows: {'; '.join(shown)}"
        )

    def write(self, folder: Path) -> dict[str, Any]:
        """Writes the files of the set and returns what they hold, as `Dataset` has it.

        Raises:
            DataError: Nothing is usable, or patients cannot be divided as asked.
        """
        if self._first is None:
            raise DataError(f"{self._preparing.files.uri}: no scan could be used")
        preparation = self._preparing.preparation
        assignment = split_patients(self._patients, preparation)
        shutil.rmtree(folder, ignore_errors=True)
        splits = [
            self._write_split(folder / name, {p for p, s in assignment.items() if s == name})
            for name in NAMES
        ]
        _write_json(
            folder / "problems.json",
            {
                "problems": [asdict(problem) for problem in self._problems],
                "remarks": self._remarks,
            },
        )
        return {
            "channels": self._first.channels,
            "size": preparation.size,
            "bits": preparation.bits,
            "splits": splits,
            "problems": len(self._problems),
        }

    def _write_split(self, folder: Path, patients: Set[str]) -> dict[str, Any]:
        """Joins the volumes of a split and describes it as `DatasetSplit` does."""
        assert self._first is not None
        folder.mkdir(parents=True)
        size, bits = self._preparing.preparation.size, self._preparing.preparation.bits
        count = sum(self._slices[patient] for patient in patients)
        columns = _Columns()
        with ExitStack() as stack:
            whole = (count, self._first.channels, size, size)
            images = stack.enter_context(_array(folder / "images.npy", f"<u{bits // 8}", whole))
            if self.masked:
                plane = (count, size, size)
                masks = stack.enter_context(_array(folder / "masks.npy", "|u1", plane))
            for batch, volume in self._volumes(patients):
                images(batch.slices(volume, size, bits))
                if self.masked:
                    masks(batch.labels(volume, size))
                columns.add(volume)
        if folder.name == "train":
            shares = columns.slices["foreground"]
            check_foreground_share(self._preparing.preparation.foreground_share, map(bool, shares))
        _write_json(folder / "slices.json", columns.slices)
        _write_json(folder / "volumes.json", columns.volumes)
        return {
            "name": folder.name,
            "patients": len(patients),
            "volumes": len(columns.volumes["names"]),
            "slices": count,
            "digest": digest_of(sorted(patients)),
        }

    def _volumes(self, patients: Set[str]) -> Iterator[tuple[Batch, PreparedVolume]]:
        for index in self._usable:
            batch = self._preparing.finished(index)
            for volume in batch.volumes:
                if volume.patient in patients:
                    yield batch, volume


class _Columns:
    """What is known about the slices and the volumes of a split, by columns."""

    def __init__(self) -> None:
        self.slices: dict[str, list[Any]] = {
            name: [] for name in ("patients", "volumes", "groups", "slices", "foreground")
        }
        self.volumes: dict[str, list[Any]] = {
            name: [] for name in ("names", "affines", "units", "intensities")
        }

    def add(self, volume: PreparedVolume) -> None:
        count = len(volume.numbers)
        self.slices["patients"] += [volume.patient] * count
        self.slices["volumes"] += [volume.name] * count
        self.slices["groups"] += [volume.group] * count
        self.slices["slices"] += volume.numbers
        self.slices["foreground"] += volume.foreground
        self.volumes["names"].append(volume.name)
        self.volumes["affines"].append(volume.affine)
        self.volumes["units"].append(volume.units)
        self.volumes["intensities"].append(volume.intensities)


@contextmanager
def _folder(kept: Path | None, name: str, scratch: Path | None) -> Iterator[Path]:
    """Where volumes are kept between attempts, or a folder that ends with the context."""
    if kept is not None:
        (kept / name).mkdir(parents=True, exist_ok=True)
        yield kept / name
        return
    with tempfile.TemporaryDirectory(prefix="prepare-", dir=scratch) as folder:
        yield Path(folder)


@contextmanager
def _array(
    file: Path, kind: str, shape: tuple[int, ...]
) -> Iterator[Callable[[NDArray[Any]], None]]:
    """Writes an `.npy` part by part."""
    header = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(kind)),
        "fortran_order": False,
        "shape": shape,
    }
    with file.open("wb") as stream:
        with naming(file):
            np.lib.format.write_array_header_1_0(stream, header)
            stream.flush()
        yield partial(append, stream)


def _write_json(file: Path, content: Any) -> None:
    with naming(file), file.open("w") as stream:
        json.dump(content, stream, separators=(",", ":"))


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))
