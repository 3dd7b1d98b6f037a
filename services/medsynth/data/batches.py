"""Scans read and prepared on several cores, a batch at a time, into files that outlive a kill.

A batch that is done has a record beside its pixels; who prepares the same source in the same
folder again takes it up as it is. One scan for each core is in memory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.files import Files
from medsynth.data.ordered import Stop, map_in_order
from medsynth.data.preparation import Preparation
from medsynth.data.readers.interface import Problem, Reader, ReaderOptions, Scan
from medsynth.data.slices import prepare_volume
from medsynth.data.volume import Volume
from medsynth.errors import DataError
from medsynth.storage import naming

_BATCHES: Final = 64
_MOST_SCANS: Final = 64


@dataclass(frozen=True)
class PreparedVolume:
    """One scan that was prepared; its slices lie in the files of its batch.

    Attributes:
        patient: Pseudonym.
        name: Of the volume.
        group: Of the patient.
        part: Of the official split, or empty.
        first: Place of its first slice in the batch.
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
    part: str
    first: int
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
        channels: Of the images; 0 where no volume could be used.
        masked: Whether there are masks.
        images: File of the images' pixels, one slice after the other.
        masks: File of the masks' pixels.
    """

    scans: int
    volumes: tuple[PreparedVolume, ...]
    problems: tuple[Problem, ...]
    channels: int
    masked: bool
    images: Path
    masks: Path

    def slices(self, volume: PreparedVolume, size: int, bits: int) -> NDArray[Any]:
        """Images of a volume (slices, channels, size, size)."""
        return _stretch(self.images, f"<u{bits // 8}", volume, (self.channels, size, size))

    def labels(self, volume: PreparedVolume, size: int) -> NDArray[np.uint8]:
        """Masks of a volume (slices, size, size)."""
        return _stretch(self.masks, "|u1", volume, (size, size))


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

    def batches(self, scans: Sequence[Scan], cores: int) -> Iterator[Batch]:
        """Prepares scans in their order.

        Args:
            scans: Of the source.
            cores: How many scans are prepared at the same time.

        Yields:
            Batches in the order of the scans; what is wrong with a scan is in them.
        """
        length = min(_MOST_SCANS, max(1, len(scans) // _BATCHES))
        parts = [scans[start : start + length] for start in range(0, len(scans), length)]
        yield from map_in_order(self._batch, enumerate(parts), cores)

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

    def _batch(self, part: tuple[int, Sequence[Scan]], stop: Stop) -> Batch:
        index, scans = part
        if (done := self._recorded(index, scans)) is not None:
            return done
        record = self._place(index)
        batch = self._prepare(
            scans, record.with_suffix(".images"), record.with_suffix(".masks"), stop
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
                known["channels"],
                known["masked"],
                images,
                masks,
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _prepare(self, scans: Sequence[Scan], images: Path, masks: Path, stop: Stop) -> Batch:
        volumes: list[PreparedVolume] = []
        problems: list[Problem] = []
        form: tuple[int, bool] | None = None
        count = 0
        with images.open("wb") as image_stream, masks.open("wb") as mask_stream:
            for scan in scans:
                stop.check()
                try:
                    volume = read_scan(self.reader, self.files, scan, self.options)
                    prepared = prepare_volume(volume, self.preparation)
                    own = (prepared.images.shape[1], prepared.masks is not None)
                    if unlike := _difference(scan.name, own, form):
                        raise DataError(unlike)
                except DataError as error:
                    problems.append(problem_of(scan, error.message, self.files))
                    continue
                form = own
                append(image_stream, prepared.images)
                if prepared.masks is not None:
                    append(mask_stream, prepared.masks)
                volumes.append(
                    PreparedVolume(
                        patient=volume.patient, name=volume.name, group=volume.group,
                        part=scan.part, first=count, numbers=prepared.numbers,
                        foreground=[round(share, 6) for share in prepared.foreground],
                        intensities=prepared.intensities,
                        affine=None if prepared.affine is None else prepared.affine.tolist(),
                        units=volume.units, remarks=volume.remarks,
                        file=(*(scan.shown or scan.files), "")[0],
                    )
                )  # fmt: skip
                count += len(prepared.images)
        channels, masked = form or (0, False)
        return Batch(len(scans), tuple(volumes), tuple(problems), channels, masked, images, masks)


def read_scan(reader: Reader, files: Files, scan: Scan, options: ReaderOptions) -> Volume:
    """Reads a scan, wherever its files are.

    Raises:
        DataError: Names the file as the source does, wherever it was fetched to.
    """
    with files.local(scan.files) as root:
        try:
            return reader.read(root, scan, options)
        except DataError as error:
            top = files.name("")
            message = error.message.replace(f"{root}/", top if top.endswith("/") else f"{top}/")
            raise DataError(message) from error


def problem_of(scan: Scan, message: str, files: Files) -> Problem:
    """What is wrong with a scan, and the file that the message is about."""
    shown = scan.shown or scan.files
    for path, name in zip(scan.files, shown, strict=True):
        message = message.replace(files.name(path), files.name(name))
    for name in shown:
        reason = message.removeprefix(f"{files.name(name)}: ")
        if reason != message:
            return Problem(name, reason)
    return Problem((*shown, scan.name)[0], message)


def append(stream: BinaryIO, pixels: NDArray[Any]) -> None:
    """Writes pixels to the end of a file.

    By the file's own `write`: NumPy hides that the disk is full behind an error without a number,
    and a mapped file answers a full disk with a signal.
    """
    with naming(stream.name):
        stream.write(np.ascontiguousarray(pixels).data)
        stream.flush()


def difference(batch: Batch, first: Batch | None) -> str:
    """What sets a batch apart from the first one, as a sentence; empty if nothing does."""
    if first is None or not batch.volumes:
        return ""
    return _difference(
        batch.volumes[0].name, (batch.channels, batch.masked), (first.channels, first.masked)
    )


def _difference(name: str, own: tuple[int, bool], others: tuple[int, bool] | None) -> str:
    if others is None or own == others:
        return ""
    if own[0] != others[0]:
        return f"{name}: {own[0]} channels, but the images before have {others[0]}"
    has, have = ("a", "none") if own[1] else ("no", "one")
    return f"{name} has {has} mask, but the images before have {have}"


def _stretch(file: Path, kind: str, volume: PreparedVolume, shape: tuple[int, ...]) -> NDArray[Any]:
    count = len(volume.numbers)
    if not count:
        return np.empty((0, *shape), kind)
    values = np.fromfile(
        file, kind, count * int(np.prod(shape)),
        offset=volume.first * int(np.prod(shape)) * np.dtype(kind).itemsize,
    )  # fmt: skip
    return values.reshape(count, *shape)


def _as_json(batch: Batch, scans: Sequence[Scan]) -> dict[str, Any]:
    return {
        "scans": [scan.name for scan in scans],
        "volumes": [asdict(volume) for volume in batch.volumes],
        "problems": [asdict(problem) for problem in batch.problems],
        "channels": batch.channels,
        "masked": batch.masked,
        "bytes": [batch.images.stat().st_size, batch.masks.stat().st_size],
    }
