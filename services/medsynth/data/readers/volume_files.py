"""Files that hold a whole volume with its geometry: NIfTI, MetaImage, NRRD."""

from __future__ import annotations

import posixpath
from collections.abc import Container, Sequence
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np

from medsynth.data.readers.metaimage import read_metaimage
from medsynth.data.readers.nifti import read_nifti
from medsynth.data.readers.nrrd import read_nrrd
from medsynth.data.readers.voxels import VolumeFile as VolumeFile
from medsynth.data.volume import LARGEST as LARGEST
from medsynth.errors import DataError

NIFTI: Final = (".nii.gz", ".nii")
METAIMAGE: Final = (".mhd", ".mha")
NRRD: Final = (".nhdr", ".nrrd")
ENDINGS: Final = NIFTI + METAIMAGE + NRRD

_APART: Final = (".mhd", ".nhdr")
_VOXELS: Final = (".raw", ".zraw", ".raw.gz", ".raw.bz2")


def ending(name: str) -> str:
    """The ending by which a file is known to hold a volume; empty if it is not."""
    lower = name.lower()
    return next((ending for ending in ENDINGS if lower.endswith(ending)), "")


def stem(path: str) -> str:
    """The name of a file of a volume without its folders and its ending."""
    name = posixpath.basename(path)
    return name[: len(name) - len(ending(name))]


def voxels_of(path: str, known: Container[str]) -> tuple[str, ...]:
    """The files beside a header that may hold its voxels: those of its name that end on `.raw`.

    Endings may be in capitals.

    Args:
        path: Within the source; a file with its own voxels has none beside it.
        known: Every path of the source.
    """
    apart = ending(path)
    if apart not in _APART:
        return ()
    endings = (case for voxels in _VOXELS for case in (voxels, voxels.upper()))
    beside = (path[: len(path) - len(apart)] + voxels for voxels in endings)
    return tuple(file for file in beside if file in known)


def read_volume_file(file: Path, beside: Sequence[Path] = ()) -> VolumeFile:
    """Reads a file of one of the `ENDINGS`.

    A fourth axis, or components, are channels.

    Args:
        file: Its path.
        beside: The files that a header may name as those of its voxels, as from `voxels_of`.

    Raises:
        DataError: It is missing, broken, not of that format, above `LARGEST` voxels or 8
            channels, or not of real numbers; or its voxels are in another file than those.
    """
    kind = ending(file.name)
    if kind in NIFTI:
        return read_nifti(file)
    if kind in METAIMAGE:
        return read_metaimage(file, beside)
    if kind in NRRD:
        return read_nrrd(file, beside)
    raise DataError(f"{file}: expected a file that ends on {', '.join(ENDINGS)}")


def check_place(found: VolumeFile, image: VolumeFile, file: Path, tolerance: float = 1e-3) -> None:
    """Checks that a mask, or a further channel, lies where its image does.

    Args:
        found: Of the same shape as the image, as is checked elsewhere.
        image: What it belongs to.
        file: Where `found` was read from.
        tolerance: How far, in voxels of the image, corners may lie apart.

    Raises:
        DataError: It lies elsewhere, or only one of the two says where it lies.
    """
    if found.affine is None and image.affine is None:
        return
    if found.affine is None or image.affine is None:
        which = "it says" if image.affine is None else "its image says"
        raise DataError(f"{file}: only {which} where it lies, expected the same geometry for both")
    slices, _, rows, columns = image.values.shape
    ends = [(0, slices - 1), (0, rows - 1), (0, columns - 1), (1,)]
    corners = np.array(list(product(*ends)), np.float64).T
    moved = np.linalg.solve(image.affine, (found.affine - image.affine) @ corners)
    apart = float(np.abs(moved).max())
    if not apart <= tolerance:
        raise DataError(
            f"{file}: lies elsewhere than its image: its corners are up to {apart:.3g} voxels "
            "away, expected the same geometry"
        )
