"""How one volume becomes square slices with their label maps."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from medsynth.data.geometry import nearest, orient, resample
from medsynth.data.labels import with_labels_mapped
from medsynth.data.preparation import Preparation
from medsynth.data.volume import Affine, Volume
from medsynth.errors import DataError
from medsynth.levels import Labels, Pixels, array_type, brightest

VERSION = 3
"""Raise it when prepared pixels change: prepared sets are addressed by it."""


_T = TypeVar("_T", bound=np.generic)
_MOST_PIXELS: Final = 2**28
"""Of a square that a slice is padded to."""


@dataclass(frozen=True)
class Slices:
    """What became of a volume.

    Attributes:
        images: uint8, or uint16 for 16 bits (slices, channels, size, size).
        masks: Labels (slices, size, size), or None.
        numbers: Number of each slice in the volume as it was cut, from 0; empty slices may be
            missing.
        foreground: Share of each slice's pixels with a label.
        intensities: For each channel the value of the darkest and of the brightest level, in the
            units of the file.
        affine: As in `Volume`, of the pixels of these slices; None where it is unknown.
        remarks: What is worth knowing about how it was prepared, one sentence each.
    """

    images: Pixels
    masks: Labels | None
    numbers: tuple[int, ...]
    foreground: tuple[float, ...]
    intensities: tuple[tuple[float, float], ...]
    affine: Affine | None
    remarks: tuple[str, ...] = ()


def prepare_volume(volume: Volume, preparation: Preparation) -> Slices:
    """Turns, resamples, scales, cuts and resizes a volume, in this order.

    Intensities are limited before images are reduced with an antialiasing bicubic filter; masks
    take the label at each new pixel's centre, so that no label arises that was not there.

    Args:
        volume: Any size in rows and columns.
        preparation: How.

    Raises:
        DataError: It cannot be turned, resampled, scaled or padded, or has other channels than
            asked for.
    """
    volume = with_labels_mapped(volume, preparation.label_map)
    volume = resample(orient(volume, preparation), preparation)
    volume = with_channels(volume, preparation.channels)
    numbers = _kept(volume, preparation)
    limits = [_limits(volume, c, preparation) for c in range(volume.images.shape[1])]
    if len(numbers) < len(volume.images) and volume.masks is not None:
        volume = replace(volume, images=volume.images[numbers], masks=volume.masks[numbers])
    box = crop_box(volume, preparation)
    images = np.empty(
        (*volume.images.shape[:2], preparation.size, preparation.size),
        array_type(preparation.bits),
    )
    for number, channel in np.ndindex(*images.shape[:2]):
        plane = _to_unit(volume.images[number, channel], *limits[channel])
        images[number, channel] = resize_image(cut(plane, box), preparation.size, preparation.bits)
    masks = None
    if volume.masks is not None:
        masks = np.empty((len(numbers), preparation.size, preparation.size), np.uint8)
        for place, labels in enumerate(volume.masks):
            masks[place] = resize_masks(cut(labels[None], box), preparation.size)[0]
    return Slices(
        images,
        masks,
        tuple(numbers),
        tuple((masks > 0).mean(axis=(1, 2)).tolist() if masks is not None else [0.0] * len(images)),
        tuple(limits),
        None if volume.affine is None else _affine_of_slices(volume.affine, box, preparation.size),
        _remarks(volume, preparation),
    )


@dataclass(frozen=True)
class Box:
    """What is cut out of a slice; it may reach beyond it.

    Attributes:
        top: First row.
        left: First column.
        rows: Number of rows.
        columns: Number of columns.
    """

    top: int
    left: int
    rows: int
    columns: int


def crop_box(volume: Volume, preparation: Preparation) -> Box:
    """What is cut out of every slice of a volume; what lies outside the slice is padded.

    Raises:
        DataError: The slices are too long and narrow to be padded to a square.
    """
    rows, columns = volume.images.shape[-2:]
    if preparation.crop == "none":
        if preparation.fit == "stretch":
            return Box(0, 0, rows, columns)
        side = max(rows, columns)
        if side**2 > _MOST_PIXELS:
            raise DataError(
                f"{volume.name}: slices of {rows} x {columns} pixels are too long to be padded to "
                "a square: cut or stretch them"
            )
        return Box((rows - side) // 2, (columns - side) // 2, side, side)
    side = max(1, round(preparation.crop_share * min(rows, columns)))
    middle = ((rows - 1) / 2, (columns - 1) / 2)
    if preparation.crop == "foreground" and volume.masks is not None and volume.masks.any():
        marked = volume.masks > 0
        middle = (_centre(marked.sum(axis=(0, 2))), _centre(marked.sum(axis=(0, 1))))
    top, left = (
        int(np.clip(round(centre - (side - 1) / 2), 0, length - side))
        for centre, length in zip(middle, (rows, columns), strict=True)
    )
    return Box(top, left, side, side)


def _centre(counts: NDArray[np.int64]) -> float:
    """The mean place of what was counted at each place."""
    return float((counts * np.arange(len(counts))).sum() / counts.sum())


def cut(planes: NDArray[_T], box: Box) -> NDArray[_T]:
    """The box out of the last two axes; what lies outside is 0."""
    rows, columns = planes.shape[-2:]
    if (box.top, box.left, box.rows, box.columns) == (0, 0, rows, columns):
        return planes
    out = np.zeros((*planes.shape[:-2], box.rows, box.columns), planes.dtype)
    first_row, last_row = max(box.top, 0), min(box.top + box.rows, rows)
    first_column, last_column = max(box.left, 0), min(box.left + box.columns, columns)
    out[
        ...,
        first_row - box.top : last_row - box.top,
        first_column - box.left : last_column - box.left,
    ] = planes[..., first_row:last_row, first_column:last_column]
    return out


def resize_image(plane: NDArray[np.generic], size: int, bits: int = 8) -> Pixels:
    """A plane of values from 0 to 1 as (size, size) levels of so many bits."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    resized = np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC))
    levels = brightest(bits)
    return np.clip(np.rint(resized * np.float32(levels)), 0, levels).astype(array_type(bits))


def resize_masks(masks: NDArray[np.generic], size: int) -> Labels:
    """Label maps (N, rows, columns) at (N, size, size), nearest neighbour."""
    rows, columns = (nearest(length, size) for length in masks.shape[-2:])
    return np.ascontiguousarray(masks[:, rows][:, :, columns], dtype=np.uint8)


def with_channels(volume: Volume, channels: int) -> Volume:
    """The volume with so many channels: one that is grey in fact can do with one.

    Args:
        volume: Of any number of channels.
        channels: How many it must have; 0: as many as it has.

    Raises:
        DataError: It has others.
    """
    has = volume.images.shape[1]
    if channels in (0, has):
        return volume
    first = volume.images[:, :1]
    if channels == 1 and has == 3 and (volume.images == first).all():
        return replace(volume, images=first)
    raise DataError(f"{volume.name}: {has} channels, {channels} were asked for")


def _kept(volume: Volume, preparation: Preparation) -> list[int]:
    """Numbers of the slices that are kept: all that have a label, and a share of the others.

    A fraction of a slice is kept or not by the volume's name, so that the share holds for sets of
    volumes with few slices too.
    """
    every = range(len(volume.images))
    if volume.masks is None or preparation.keep_empty_share == 1:
        return list(every)
    empty = [number for number in every if not volume.masks[number].any()]
    count = math.floor(preparation.keep_empty_share * len(empty) + _chance(volume.name))
    spread = {empty[(2 * k + 1) * len(empty) // (2 * count)] for k in range(count)}
    return [number for number in every if number in spread or volume.masks[number].any()]


def _chance(name: str) -> float:
    """A number from 0 to below 1 that follows from a name, spread evenly over names."""
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:4]) / 2**32


def _remarks(volume: Volume, preparation: Preparation) -> tuple[str, ...]:
    unlabelled = volume.masks is not None and volume.masks.size and not volume.masks.any()
    if preparation.crop == "foreground" and unlabelled:
        return ("it has no label, so its slices are cut about their middle",)
    return ()


def _limits(volume: Volume, channel: int, preparation: Preparation) -> tuple[float, float]:
    """The values that become the darkest and the brightest level."""
    name = f"{volume.name}, channel {channel}"
    low, high = preparation.limits
    if preparation.intensity == "percentiles":
        with np.errstate(over="ignore", invalid="ignore"):
            low, high = np.percentile(volume.images[:, channel], [low, high]).tolist()
        if low >= high:
            raise DataError(
                f"{name}: the intensities are all {low:g} between the percentiles "
                f"{preparation.limits[0]:g} and {preparation.limits[1]:g}: nothing to scale"
            )
    with np.errstate(over="ignore"):
        span = np.float32(high - low)
    if not 0 < span < np.inf:
        raise DataError(f"{name}: intensities from {low:g} to {high:g} are too far apart to scale")
    return low, high


def _to_unit(plane: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        scaled = (plane - np.float32(low)) / np.float32(high - low)
    return np.asarray(np.clip(scaled, 0, 1), dtype=np.float32)


def _affine_of_slices(affine: Affine, box: Box, size: int) -> Affine:
    steps = np.array([1, box.rows / size, box.columns / size])
    out = affine.copy()
    out[:3, :3] = affine[:3, :3] * steps
    out[:3, 3] += affine[:3, :3] @ (np.array([0, box.top, box.left]) + (steps - 1) / 2)
    return out
