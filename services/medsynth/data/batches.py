"""Scans read and prepared on several cores, a batch at a time, into files that outlive a kill.

A batch that is done has a record beside its pixels; who prepares the same source in the same
folder again takes it up as it is. One scan for each core is in memory.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.files import Files
from medsynth.data.ordered import Stop, map_in_order
from medsynth.data.preparation import Preparation
from medsynth.data.readers.interface import Problem, Reader, ReaderOptions, Scan
from medsynth.data.reading import problem_of, read_scan
from medsynth.data.slices import Slices, prepare_volume
from medsynth.data.volume import Volume
from medsynth.errors import DataError
from medsynth.storage import naming

_BATCHES: Final = 64
_MOST_SCANS: Final = 64


@dataclass(frozen=True, slots=True)
class PreparedVolume:
    """One scan that was prepared; its slices lie in the files of its batch.

    Attributes:
        patient: Pseudonym.
        name: Of the volume.
        group: Of the patient.
        channels: Of its images.
        images: Where they begin in the batch's file, in bytes.
        masks: Where its masks begin in theirs; None: it has none.
        numbers: As in `Slices`.
        foreground: As in `Slices`.
        intensities: As in `Slices`.
        affine: As in `Slices`, as lists; None where unknown.
        units: As in `Volume`.
        remarks: As in `Volume`.
        file: Path of its image within the source.
    """

    patient: str
    name: str
    group: str
    channels: int
    images: int
    masks: int | None
    numbers: Sequence[int]
    foreground: Sequence[float]
    intensities: Sequence[Sequence[float]]
    affine: Sequence[Sequence[float]] | None
    units: str
    remarks: Sequence[str]
    file: str


@dataclass(frozen=True)
class Batch:
    """Scans that were prepared together.

    Attributes:
        scans: How many were looked at.
        volumes: Those that could be used.
        problems: The others.
        images: File of the images' pixels, one slice after the other.
        masks: File of the masks' pixels.
    """

    scans: int
    volumes: tuple[PreparedVolume, ...]
    problems: tuple[Problem, ...]
    images: Path
    masks: Path

    def slices(self, volume: PreparedVolume, size: int, bits: int) -> NDArray[Any]:
        """Images of a volume (slices, channels, size, size)."""
        shape = (len(volume.numbers), volume.channels, size, size)
        return _stretch(self.images, f"<u{bits // 8}", volume.images, shape)

    def labels(self, volume: PreparedVolume, size: int) -> NDArray[np.uint8]:
        """Masks of a volume that has them (slices, size, size)."""
        assert volume.masks is not None
        return _stretch(self.masks, "|u1", volume.masks, (len(volume.numbers), size, size))


@dataclass(frozen=True)
class Preparing:
    """How scans become batches.

    Attributes:
        reader: Of the source.
        files: Of the source.
        options: For the reader.
        preparation: How volumes become slices.
        folder: Where batches are kept.
    """

    reader: Reader
    files: Files
    options: ReaderOptions
    preparation: Preparation
    folder: Path

    def batches(
        self, scans: Sequence[Scan], cores: int, progress: Callable[[int, int], None]
    ) -> Iterator[Batch]:
        """Prepares scans in their order.

        Args:
            scans: Of the source.
            cores: How many scans are prepared at the same time.
            progress: Called with scans done and scans in all, after each batch and about every
                second; may raise to stop.

        Yields:
            Batches in the order of the scans; what is wrong with a scan is in them.
        """
        length = min(_MOST_SCANS, max(1, len(scans) // _BATCHES))
        parts = [scans[start : start + length] for start in range(0, len(scans), length)]
        done = _Count()

        def report() -> None:
            progress(done.value, len(scans))

        report()
        for batch in map_in_order(partial(self._batch, done), enumerate(parts), cores, report):
            yield batch
            report()

    def finished(self, index: int) -> Batch:
        """A batch that was prepared before.

        Raises:
            DataError: Its files are not what they were.
        """
        done = self._recorded(index)
        if done is None:
            raise DataError(f"{self._place(index)}: what was prepared is gone; try again")
        return done

    def _place(self, index: int) -> Path:
        return self.folder / f"{index:06d}.json"

    def _batch(self, done: _Count, part: tuple[int, Sequence[Scan]], stop: Stop) -> Batch:
        index, scans = part
        if (known := self._recorded(index, scans)) is not None:
            done.add(known.scans)
            return known
        record = self._place(index)
        batch = self._prepare(
            scans, record.with_suffix(".images"), record.with_suffix(".masks"), done, stop
        )
        beside = record.with_suffix(".tmp")
        with naming(record):
            beside.write_text(json.dumps(_as_json(batch, scans), separators=(",", ":")))
            os.replace(beside, record)
        return batch

    def _recorded(self, index: int, scans: Sequence[Scan] | None = None) -> Batch | None:
        """A batch that was finished; None if it was not, or was one of other scans."""
        record = self._place(index)
        images, masks = record.with_suffix(".images"), record.with_suffix(".masks")
        try:
            known: Mapping[str, Any] = json.loads(record.read_bytes())
            whole = [images.stat().st_size, masks.stat().st_size] == known["bytes"]
            if not whole or (scans and known["scans"] != [scan.name for scan in scans]):
                return None
            return Batch(
                len(known["scans"]),
                tuple(PreparedVolume(**volume) for volume in known["volumes"]),
                tuple(Problem(**problem) for problem in known["problems"]),
                images,
                masks,
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _prepare(
        self, scans: Sequence[Scan], images: Path, masks: Path, done: _Count, stop: Stop
    ) -> Batch:
        volumes: list[PreparedVolume] = []
        problems: list[Problem] = []
        with images.open("wb") as image_stream, masks.open("wb") as mask_stream:
            for scan in scans:
                stop.check()
                try:
                    volume = read_scan(self.reader, self.files, scan, self.options)
                    prepared = prepare_volume(volume, self.preparation)
                except DataError as error:
                    problems.append(problem_of(scan, error.message, self.files))
                else:
                    starts = image_stream.tell(), mask_stream.tell()
                    append(image_stream, prepared.images)
                    if prepared.masks is not None:
                        append(mask_stream, prepared.masks)
                    volumes.append(_described(scan, volume, prepared, *starts))
                done.add(1)
        return Batch(len(scans), tuple(volumes), tuple(problems), images, masks)


class _Count:
    """Scans that were done, by any thread."""

    def __init__(self) -> None:
        self.value = 0
        self._lock = Lock()

    def add(self, scans: int) -> None:
        with self._lock:
            self.value += scans


def _described(
    scan: Scan, volume: Volume, prepared: Slices, images: int, masks: int
) -> PreparedVolume:
    return PreparedVolume(
        patient=scan.patient,
        name=volume.name,
        group=volume.group,
        channels=prepared.images.shape[1],
        images=images,
        masks=None if prepared.masks is None else masks,
        numbers=prepared.numbers,
        foreground=[round(share, 6) for share in prepared.foreground],
        intensities=prepared.intensities,
        affine=None if prepared.affine is None else prepared.affine.tolist(),
        units=volume.units,
        remarks=(*volume.remarks, *prepared.remarks),
        file=(*(scan.shown or scan.files), "")[0],
    )


def append(stream: BinaryIO, pixels: NDArray[Any]) -> None:
    """Writes pixels to the end of a file.

    By the file's own `write`: NumPy hides that the disk is full behind an error without a number,
    and a mapped file answers a full disk with a signal.
    """
    with naming(stream.name):
        stream.write(np.ascontiguousarray(pixels).data)
        stream.flush()


def difference(volume: PreparedVolume, first: PreparedVolume) -> str:
    """What keeps a volume out of a set that begins with another; empty if nothing does."""
    name = first.file or first.name
    if volume.channels != first.channels:
        return f"has {volume.channels} channels, but the first image, {name}, has {first.channels}"
    if (volume.masks is None) != (first.masks is None):
        has, other = ("no", "has one") if volume.masks is None else ("a", "has none")
        return f"has {has} mask, but the first image, {name}, {other}"
    return ""


def _stretch(file: Path, kind: str, start: int, shape: tuple[int, ...]) -> NDArray[Any]:
    if not shape[0]:
        return np.empty(shape, kind)
    return np.fromfile(file, kind, math.prod(shape), offset=start).reshape(shape)


def _as_json(batch: Batch, scans: Sequence[Scan]) -> dict[str, Any]:
    return {
        "scans": [scan.name for scan in scans],
        "volumes": [asdict(volume) for volume in batch.volumes],
        "problems": [asdict(problem) for problem in batch.problems],
        "bytes": [batch.images.stat().st_size, batch.masks.stat().st_size],
    }
