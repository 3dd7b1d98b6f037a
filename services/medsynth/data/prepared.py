"""Prepared sets: slices of one form, split by patient, addressed by what they are made from.

An artifact `datasets/{id}` holds for each split `images.npy` (N, channels, size, size) and
`masks.npy` (N, size, size), both uint8, and `slices.json` with patient, volume, group and number
of every slice. The metadata of its manifest are the fields of the message `Dataset`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medsynth.data.readers import get_reader
from medsynth.data.slices import prepare_volume
from medsynth.data.source import Source, complete, fingerprint, inside
from medsynth.data.splits import NAMES, split_patients
from medsynth.errors import DataError, PermissionDeniedError
from medsynth.manifest import digest_of
from medsynth.storage import Artifact, Draft, Storage, naming

COLLECTION = "datasets"
MAX_CHANNELS = 8

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
) -> Artifact:
    """Makes the prepared set of a source, or finds it.

    One volume at a time is in memory. Nothing is left behind on failure.

    Args:
        source: Its URI as `resolve` returned it.
        storage: Where the set is published.
        attempt: Name of the draft's folder.
        progress: Called with volumes done and volumes in all; may raise to stop.
        publish: What publishes the draft; `storage.publish` unless given.
        roots: Folders inside which every file must really lie, links followed. None: not checked.
        scratch: Local folder for intermediate files; the system's own unless given.

    Returns:
        The artifact `datasets/{id}`.

    Raises:
        DataError: The source cannot be used; names the file.
        PermissionDeniedError: A file of the source is a link out of the roots.
    """
    source = complete(source)
    key = fingerprint(source)
    name = key.removeprefix("sha256:")[:16]
    existing = storage.find(COLLECTION, name)
    if existing is not None:
        return existing
    if roots is not None:
        _check_links(source, roots)
    with tempfile.TemporaryDirectory(prefix="prepare-", dir=scratch) as folder:
        work = Path(folder)
        parts = _prepare_volumes(source, work / "volumes", progress)
        patient_groups: dict[str, str] = {}
        for part in parts:
            patient_groups.setdefault(part.patient, part.group)
        assignment = split_patients(patient_groups, source.preparation)
        splits = [
            _write_split(work / split, [p for p in parts if assignment[p.patient] == split])
            for split in NAMES
        ]
        if fingerprint(source) != key:
            raise DataError(f"{source.uri}: files changed while they were read; try again")
        metadata = {
            "classes": list(get_reader(source.reader).CLASSES) if parts[0].masks else [],
            "channels": parts[0].channels,
            "size": source.preparation.size,
            "splits": splits,
            "source": source.to_mapping(),
        }
        with storage.drafted(COLLECTION, name, attempt) as draft:
            for split in NAMES:
                for file in sorted((work / split).iterdir()):
                    draft.add(f"{split}/{file.name}", file)
            return (publish or storage.publish)(draft, metadata)


@dataclass(frozen=True)
class _Part:
    """One prepared volume, in files."""

    patient: str
    volume: str
    group: str
    count: int
    channels: int
    images: Path
    masks: Path | None


def _check_links(source: Source, roots: Sequence[str]) -> None:
    for file in get_reader(source.reader).files(source.uri):
        if not inside(str(file.resolve()), roots):
            raise PermissionDeniedError(
                f"{file} is a link to a file outside the folders that the operator allows"
            )


def _prepare_volumes(
    source: Source, folder: Path, progress: Callable[[int, int], None]
) -> list[_Part]:
    folder.mkdir()
    reader = get_reader(source.reader)
    total = reader.count(source.uri)
    parts: list[_Part] = []
    progress(0, total)
    for volume in reader.volumes(source.uri):
        images, masks = prepare_volume(volume, source.preparation)
        place = folder / f"{len(parts):06d}"
        part = _Part(
            volume.patient,
            volume.name,
            volume.group,
            len(images),
            images.shape[1],
            place.with_suffix(".images.npy"),
            None if masks is None else place.with_suffix(".masks.npy"),
        )
        _check_alike(part, parts)
        _write_array(part.images, [images], images.shape)
        if masks is not None and part.masks is not None:
            _write_array(part.masks, [masks], masks.shape)
        parts.append(part)
        progress(len(parts), total)
    if not parts:
        raise DataError(f"{source.uri}: the reader {source.reader} found no volumes")
    return parts


def _check_alike(part: _Part, others: Sequence[_Part]) -> None:
    if part.channels > MAX_CHANNELS:
        raise DataError(f"{part.volume}: {part.channels} channels, at most {MAX_CHANNELS} are used")
    if not others:
        return
    first = others[0]
    if part.channels != first.channels:
        raise DataError(
            f"{part.volume}: {part.channels} channels, but {first.volume} has {first.channels}"
        )
    if (part.masks is None) != (first.masks is None):
        with_masks, without = (part, first) if part.masks else (first, part)
        raise DataError(f"{without.volume} has no mask, but {with_masks.volume} has one")


def _write_split(folder: Path, parts: Sequence[_Part]) -> dict[str, Any]:
    """Joins the volumes of a split and describes it as `DatasetSplit` does."""
    folder.mkdir()
    count = sum(part.count for part in parts)
    _join(folder / "images.npy", [part.images for part in parts], count)
    _join(folder / "masks.npy", [part.masks for part in parts if part.masks], count)
    rows = [(part, number) for part in parts for number in range(part.count)]
    columns = {
        "patients": [part.patient for part, _ in rows],
        "volumes": [part.volume for part, _ in rows],
        "groups": [part.group for part, _ in rows],
        "slices": [number for _, number in rows],
    }
    with naming(folder / "slices.json"):
        (folder / "slices.json").write_text(json.dumps(columns, separators=(",", ":")))
    patients = sorted({part.patient for part in parts})
    return {
        "name": folder.name,
        "patients": len(patients),
        "volumes": len(parts),
        "slices": count,
        "digest": digest_of(patients),
    }


def _join(target: Path, files: Sequence[Path], count: int) -> None:
    if not files:
        return
    shape = np.load(files[0], mmap_mode="r").shape[1:]
    _write_array(target, (np.load(file) for file in files), (count, *shape))


def _write_array(target: Path, parts: Iterable[NDArray[np.uint8]], shape: tuple[int, ...]) -> None:
    """Writes an `.npy` of these parts, one after the other.

    By the file's own `write`: NumPy hides that the disk is full behind an error without a number,
    and a mapped file answers a full disk with a signal.
    """
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with naming(target), target.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        for part in parts:
            stream.write(np.ascontiguousarray(part, dtype=np.uint8).data)


@dataclass(frozen=True)
class Split:
    """One split of a prepared set; row i of everything is slice i.

    Attributes:
        name: `train`, `validation` or `test`.
        images: uint8 (N, channels, size, size), mapped read-only from the file.
        masks: uint8 labels (N, size, size), likewise, or None.
        patients: Pseudonym of each slice's patient.
        volumes: Name of each slice's volume.
        slices: Number of each slice in its volume, from 0.
        groups: Group of each slice's patient; empty strings where there are none.
        digest: `sha256:...` over the sorted patients.
    """

    name: str
    images: NDArray[np.uint8]
    masks: NDArray[np.uint8] | None
    patients: tuple[str, ...]
    volumes: tuple[str, ...]
    slices: tuple[int, ...]
    groups: tuple[str, ...]
    digest: str


@dataclass(frozen=True)
class PreparedSet:
    """A prepared set that was opened.

    Attributes:
        digest: Of the artifact, `sha256:...`.
        classes: Names of the labels, background first; empty: no masks.
        channels: Of the images.
        size: Rows and columns of the images.
        source: The fields of the `DataSource` that it was made from, all filled in.
        splits: By name.
    """

    digest: str
    classes: tuple[str, ...]
    channels: int
    size: int
    source: Mapping[str, Any]
    splits: Mapping[str, Split]

    @classmethod
    def open(cls, artifact: Artifact, cache: Path) -> PreparedSet:
        """Opens an artifact of `prepare`.

        Args:
            artifact: In `datasets`.
            cache: Local folder, for storages that are not; unused otherwise.

        Raises:
            DataError: A file is missing, or is not what the manifest says.
        """
        folder = artifact.fetch(cache)
        metadata = artifact.manifest.metadata
        shape = (metadata["channels"], metadata["size"], metadata["size"])
        splits = {
            entry["name"]: _open_split(folder, entry, shape, bool(metadata["classes"]))
            for entry in metadata["splits"]
        }
        return cls(
            artifact.manifest.digest,
            tuple(metadata["classes"]),
            metadata["channels"],
            metadata["size"],
            metadata["source"],
            splits,
        )

    def split(self, name: str) -> Split:
        """The split `train`, `validation` or `test`."""
        return self.splits[name]


def _open_split(
    folder: Path, entry: Mapping[str, Any], shape: tuple[int, int, int], masks: bool
) -> Split:
    name, count = entry["name"], entry["slices"]
    columns = json.loads((folder / name / "slices.json").read_text())
    return Split(
        name=name,
        images=_open_array(folder / name / "images.npy", (count, *shape)),
        masks=_open_array(folder / name / "masks.npy", (count, *shape[1:])) if masks else None,
        patients=tuple(columns["patients"]),
        volumes=tuple(columns["volumes"]),
        slices=tuple(columns["slices"]),
        groups=tuple(columns["groups"]),
        digest=entry["digest"],
    )


def _open_array(file: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    try:
        values: NDArray[np.uint8] = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from error
    if values.shape != shape or values.dtype != np.uint8:
        raise DataError(
            f"{file}: {values.dtype} of shape {values.shape}, expected uint8 of shape {shape}"
        )
    return values
