"""Prepared sets: slices of one form, split by patient, addressed by what they are made from.

An artifact `datasets/{id}` holds for each split `images.npy` (N, channels, size, size), uint8 or
uint16, `masks.npy` (N, size, size), uint8, `slices.json` with patient, volume, group, number and
foreground of every slice, and `volumes.json` with what takes the pixels of each volume back to
physical units and places. `problems.json` lists the files that could not be used. The metadata of
its manifest are the fields of the message `Dataset`. `preparing.py` makes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medsynth.errors import DataError
from medsynth.levels import Labels, Pixels, array_type
from medsynth.storage import Artifact

COLLECTION = "datasets"


@dataclass(frozen=True)
class Typical:
    """What takes the pixels of a typical volume of a set back to units and places.

    Attributes:
        intensities: For each channel the medians of the values of the darkest and of the brightest
            level.
        units: Of the intensities; empty where they have none or differ.
        affine: Of the volume whose slices have the median area of a pixel, as in `Volume`; None
            where no file says.
    """

    intensities: tuple[tuple[float, float], ...]
    units: str
    affine: tuple[tuple[float, ...], ...] | None

    @classmethod
    def of(cls, artifact: Artifact) -> Typical:
        """What is typical of the training split.

        Args:
            artifact: In `datasets`.

        Raises:
            DataError: A file is missing, or is not what the manifest says.
        """
        volumes = json.loads(artifact.read("train/volumes.json"))
        medians = np.median(np.array(volumes["intensities"], np.float64), axis=0)
        units = set(volumes["units"])
        affines = [np.array(affine) for affine in volumes["affines"] if affine is not None]
        affines.sort(key=lambda affine: float(np.prod(np.linalg.norm(affine[:3, 1:3], axis=0))))
        middle = affines[len(affines) // 2].tolist() if affines else None
        return cls(
            tuple((low, high) for low, high in medians.tolist()),
            units.pop() if len(units) == 1 else "",
            None if middle is None else tuple(tuple(row) for row in middle),
        )


@dataclass(frozen=True)
class Split:
    """One split of a prepared set; row i of everything is slice i.

    Attributes:
        name: `train`, `validation` or `test`.
        images: uint8, or uint16 for 16 bits (N, channels, size, size), mapped read-only from the
            file.
        masks: uint8 labels (N, size, size), likewise, or None.
        patients: Pseudonym of each slice's patient.
        volumes: Name of each slice's volume.
        slices: Number of each slice in its volume, from 0.
        groups: Group of each slice's patient; empty strings where there are none.
        foreground: Share of each slice's pixels with a label.
        digest: `sha256:...` over the sorted patients.
    """

    name: str
    images: Pixels
    masks: Labels | None
    patients: tuple[str, ...]
    volumes: tuple[str, ...]
    slices: tuple[int, ...]
    groups: tuple[str, ...]
    foreground: tuple[float, ...]
    digest: str


@dataclass(frozen=True)
class PreparedSet:
    """A prepared set that was opened.

    Attributes:
        digest: Of the artifact, `sha256:...`.
        classes: Names of the labels, background first; empty: no masks.
        channels: Of the images.
        size: Rows and columns of the images.
        bits: Of the images' levels, 8 or 16.
        source: The fields of the `DataSource` that it was made from, all filled in.
        splits: By name.
    """

    digest: str
    classes: tuple[str, ...]
    channels: int
    size: int
    bits: int
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
            entry["name"]: _open_split(
                folder, entry, shape, str(array_type(metadata["bits"])), bool(metadata["classes"])
            )
            for entry in metadata["splits"]
        }
        return cls(
            artifact.manifest.digest,
            tuple(metadata["classes"]),
            metadata["channels"],
            metadata["size"],
            metadata["bits"],
            metadata["source"],
            splits,
        )

    def split(self, name: str) -> Split:
        """The split `train`, `validation` or `test`."""
        return self.splits[name]


def _open_split(
    folder: Path, entry: Mapping[str, Any], shape: tuple[int, int, int], kind: str, masks: bool
) -> Split:
    name, count = entry["name"], entry["slices"]
    columns = json.loads((folder / name / "slices.json").read_text())
    return Split(
        name=name,
        images=_open_array(folder / name / "images.npy", (count, *shape), kind),
        masks=_open_array(folder / name / "masks.npy", (count, *shape[1:])) if masks else None,
        patients=tuple(columns["patients"]),
        volumes=tuple(columns["volumes"]),
        slices=tuple(columns["slices"]),
        groups=tuple(columns["groups"]),
        foreground=tuple(columns["foreground"]),
        digest=entry["digest"],
    )


def _open_array(file: Path, shape: tuple[int, ...], kind: str = "uint8") -> NDArray[Any]:
    try:
        values: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from error
    if values.shape != shape or values.dtype != np.dtype(kind):
        raise DataError(
            f"{file}: {values.dtype} of shape {values.shape}, expected {kind} of shape {shape}"
        )
    return values
