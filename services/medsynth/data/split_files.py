"""The files of one split of a prepared set, volume after volume; `prepared.py` opens them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medsynth.data.batches import Batch, PreparedVolume, append
from medsynth.storage import naming


def write_split(
    folder: Path, volumes: Sequence[tuple[Batch, PreparedVolume]], size: int, bits: int
) -> Mapping[str, Sequence[Any]]:
    """Writes a split.

    Args:
        folder: Made for it.
        volumes: With their batches, at least one; all of one form.
        size: Rows and columns of the slices.
        bits: Of the levels.

    Returns:
        What is known about its slices, by columns.
    """
    folder.mkdir(parents=True)
    first = volumes[0][1]
    count = sum(len(volume.numbers) for _, volume in volumes)
    columns = _Columns()
    with ExitStack() as stack:
        whole = (count, first.channels, size, size)
        images = stack.enter_context(_array(folder / "images.npy", f"<u{bits // 8}", whole))
        if first.masks is not None:
            plane = (count, size, size)
            masks = stack.enter_context(_array(folder / "masks.npy", "|u1", plane))
        for batch, volume in volumes:
            images(batch.slices(volume, size, bits))
            if volume.masks is not None:
                masks(batch.labels(volume, size))
            columns.add(volume)
    write_json(folder / "slices.json", columns.slices)
    write_json(folder / "volumes.json", columns.volumes)
    return columns.slices


def write_json(file: Path, content: Any) -> None:
    """Writes a file without spaces; errors name it."""
    with naming(file), file.open("w") as stream:
        json.dump(content, stream, separators=(",", ":"))


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
