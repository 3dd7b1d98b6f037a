"""The files of one split of a prepared set, volume after volume; `prepared.py` opens them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medsynth.data.batches import Batch, PreparedVolume, append
from medsynth.storage import naming


@dataclass(frozen=True)
class SplitForm:
    """What the arrays of a split are like.

    Attributes:
        slices: How many.
        channels: Of the images.
        masked: Whether there are masks.
        size: Rows and columns.
        bits: Of the levels.
    """

    slices: int
    channels: int
    masked: bool
    size: int
    bits: int


def write_split(
    folder: Path, volumes: Iterable[tuple[Batch, PreparedVolume]], form: SplitForm
) -> Columns:
    """Writes a split.

    Args:
        folder: Made for it.
        volumes: With their batches; they are gone through once.
        form: Of all of them together.

    Returns:
        What is known about its slices and volumes.
    """
    folder.mkdir(parents=True)
    columns = Columns()
    plane = (form.size, form.size)
    with ExitStack() as stack:
        whole = (form.slices, form.channels, *plane)
        images = stack.enter_context(_array(folder / "images.npy", f"<u{form.bits // 8}", whole))
        if form.masked:
            labels = (form.slices, *plane)
            masks = stack.enter_context(_array(folder / "masks.npy", "|u1", labels))
        for batch, volume in volumes:
            images(batch.slices(volume, form.size, form.bits))
            if form.masked:
                masks(batch.labels(volume, form.size))
            columns.add(volume)
    write_json(folder / "slices.json", columns.slices)
    write_json(folder / "volumes.json", columns.volumes)
    return columns


def write_json(file: Path, content: Any) -> None:
    """Writes a file without spaces; errors name it."""
    with naming(file), file.open("w") as stream:
        json.dump(content, stream, separators=(",", ":"))


class Columns:
    """What is known about the slices and the volumes of a split, by columns.

    Attributes:
        slices: As `slices.json` has it.
        volumes: As `volumes.json` has it.
    """

    def __init__(self) -> None:
        self.slices: dict[str, list[Any]] = {
            name: [] for name in ("patients", "volumes", "groups", "slices", "foreground")
        }
        self.volumes: dict[str, list[Any]] = {
            name: [] for name in ("names", "affines", "units", "intensities")
        }

    def add(self, volume: PreparedVolume) -> None:
        """Adds the slices of a volume, and the volume."""
        count = len(volume.numbers)
        # Of a million single images, one name is held rather than two.
        name = volume.patient if volume.name == volume.patient else volume.name
        self.slices["patients"] += [volume.patient] * count
        self.slices["volumes"] += [name] * count
        self.slices["groups"] += [volume.group] * count
        self.slices["slices"] += volume.numbers
        self.slices["foreground"] += volume.foreground
        self.volumes["names"].append(name)
        self.volumes["affines"].append(volume.affine)
        self.volumes["units"].append(volume.units)
        self.volumes["intensities"].append(tuple(map(tuple, volume.intensities)))


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
