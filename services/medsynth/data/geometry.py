"""Volumes turned to anatomical axes and resampled to a spacing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from medsynth.data.preparation import Preparation
from medsynth.data.volume import LARGEST, Affine, Volume, lie_flat
from medsynth.errors import DataError

_T = TypeVar("_T", bound=np.generic)

_PLANES: Final = {
    "axial": ((2, 1), (1, -1), (0, -1)),
    "coronal": ((1, -1), (2, -1), (0, -1)),
    "sagittal": ((0, -1), (2, -1), (1, -1)),
}
"""Patient's axis (0 right, 1 front, 2 head) and its sense, along slices, rows and columns."""

_ALIKE: Final = 1e-3
"""A spacing is kept if it differs from the wanted one by no more than this share."""


def orient(volume: Volume, preparation: Preparation) -> Volume:
    """Turns and swaps the axes as the preparation says; no value changes.

    Raises:
        DataError: The volume has no geometry to turn it by.
    """
    if preparation.slicing == preparation.orientation == "stored":
        return volume
    affine = _affine(volume, "slices can only be made of it as they are stored")
    if not volume.oriented:
        raise DataError(
            f"{volume.name}: its files do not say which way its axes lead: slices can only be made "
            "of it as they are stored"
        )
    axes = patient_axes(affine)
    plane = preparation.slicing
    if plane == "stored":
        plane = next(name for name, wanted in _PLANES.items() if wanted[0][0] == axes[0])
    order = [axes.index(axis) for axis, _ in _PLANES[plane]]
    affine = affine[:, [*order, 3]]
    flipped = [
        place
        for place, (axis, sense) in enumerate(_PLANES[plane])
        if affine[axis, place] * sense < 0
    ]
    images = _turned(np.moveaxis(volume.images, 1, -1), order, flipped)
    for place in flipped:
        affine[:3, 3] += affine[:3, place] * (images.shape[place] - 1)
        affine[:3, place] *= -1
    masks = None if volume.masks is None else _turned(volume.masks, order, flipped)
    return replace(volume, images=np.moveaxis(images, -1, 1), masks=masks, affine=affine)


def resample(volume: Volume, preparation: Preparation) -> Volume:
    """Brings rows, columns and slices as near to the preparation's spacings as whole ones allow.

    The extent stays: 10 slices of 8 mm at an asked 30 become 3 of 26.7 mm. In the plane by an
    antialiasing bicubic filter, across slices linearly; masks take the nearest label.

    Raises:
        DataError: The spacing is unknown, or the result would be too large to hold or to compute.
    """
    if not preparation.spacing and not preparation.slice_spacing:
        return volume
    affine = _affine(volume, "it cannot be resampled to a spacing")
    if preparation.slice_spacing and not volume.oriented:
        raise DataError(
            f"{volume.name}: its files do not say how far its slices are apart: it can be "
            "resampled to a spacing of pixels, but not of slices"
        )
    old = np.linalg.norm(affine[:3, :3], axis=0)
    wanted = np.array([preparation.slice_spacing, preparation.spacing, preparation.spacing])
    new = np.where((wanted > 0) & (np.abs(wanted - old) > _ALIKE * old), wanted, old)
    shape = (len(volume.images), *volume.images.shape[2:])
    extents = np.maximum(np.array(shape) * (old / new), 1)
    widest = float(max(np.prod(extents) * volume.images.shape[1], shape[1] * extents[2]))
    if widest > LARGEST:
        asked = " x ".join(f"{extent:.0f}" for extent in extents)
        raise DataError(
            f"{volume.name}: at the asked spacing it would have {asked} slices, rows and columns"
        )
    lengths = [round(extent) for extent in extents.tolist()]
    if tuple(lengths) == shape:
        return volume
    steps = np.array(shape) / lengths
    resampled = affine.copy()
    resampled[:3, :3] = affine[:3, :3] * steps
    resampled[:3, 3] = affine[:3, 3] + affine[:3, :3] @ ((steps - 1) / 2)
    masks = volume.masks
    if masks is not None:
        for axis in np.argsort(np.array(lengths) / shape).tolist():
            masks = masks.take(nearest(shape[axis], lengths[axis]), axis=axis)
    images = _resized(volume.images, *lengths)
    if not np.isfinite(images).all():
        raise DataError(f"{volume.name}: its intensities are too far apart to be resampled")
    return replace(volume, images=images, masks=masks, affine=resampled)


def nearest(old: int, new: int) -> NDArray[np.intp]:
    """For each of `new` pixels along an axis, which of `old` lies at its centre."""
    return ((2 * np.arange(new) + 1) * old) // (2 * new)


def _affine(volume: Volume, consequence: str) -> Affine:
    if volume.affine is None:
        raise DataError(
            f"{volume.name}: its files say nothing about orientation and spacing: {consequence}"
        )
    if not np.isfinite(volume.affine).all() or lie_flat(volume.affine):
        raise DataError(f"{volume.name}: its axes are not those of a volume: {consequence}")
    return volume.affine


def patient_axes(affine: Affine) -> tuple[int, ...]:
    """The patient's axes along slices, rows and columns, each once, as near as they get."""
    directions = np.abs(affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0))
    return max(
        permutations(range(3)),
        key=lambda axes: float(sum(directions[axis, place] for place, axis in enumerate(axes))),
    )


def _turned(values: NDArray[_T], order: Sequence[int], flipped: Sequence[int]) -> NDArray[_T]:
    turned = values.transpose(*order, *range(3, values.ndim))
    return np.ascontiguousarray(np.flip(turned, tuple(flipped)))


def _resized(
    images: NDArray[np.float32], slices: int, rows: int, columns: int
) -> NDArray[np.float32]:
    """Holds nothing that is larger than both the images and the result."""
    if rows * columns < images.shape[2] * images.shape[3]:
        images = _in_plane(images, rows, columns)
    if slices == len(images):
        return _in_plane(images, rows, columns)
    out = np.empty((slices, images.shape[1], rows, columns), np.float32)
    for place, between in enumerate(_between_slices(images, slices)):
        out[place] = _in_plane(between[None], rows, columns)[0]
    return out


def _between_slices(images: NDArray[np.float32], count: int) -> Iterator[NDArray[np.float32]]:
    places = np.clip((np.arange(count) + 0.5) * len(images) / count - 0.5, 0, len(images) - 1)
    below = np.floor(places).astype(np.intp)
    above = np.minimum(below + 1, len(images) - 1)
    shares = (places - below).astype(np.float32)
    for lower, upper, share in zip(below, above, shares, strict=True):
        yield images[lower] * (1 - share) + images[upper] * share


def _in_plane(images: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    from PIL import Image

    if images.shape[2:] == (rows, columns):
        return images
    out = np.empty((*images.shape[:2], rows, columns), np.float32)
    for place in np.ndindex(*images.shape[:2]):
        picture = Image.fromarray(np.ascontiguousarray(images[place]))
        out[place] = np.asarray(picture.resize((columns, rows), Image.Resampling.BICUBIC))
    return out
