"""How one volume becomes square 8-bit slices with their label maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medsynth.data.preparation import Preparation
from medsynth.data.volume import Volume
from medsynth.errors import DataError

VERSION = 1
"""Raise it when prepared pixels change: prepared sets are addressed by it."""

Images = NDArray[np.uint8]


def prepare_volume(volume: Volume, preparation: Preparation) -> tuple[Images, Images | None]:
    """Scales intensities to 8 bits, cuts a square and resizes it.

    Intensities are limited before images are reduced with an antialiasing bicubic filter; masks
    take the label at each new pixel's centre, so that no label arises that was not there.

    Args:
        volume: Any size in rows and columns.
        preparation: Crop, intensities and size.

    Returns:
        Images (slices, channels, size, size) and masks (slices, size, size) or None.

    Raises:
        DataError: A channel has one value everywhere between its percentiles.
    """
    top, left, side = crop_box(volume, preparation)
    scaled = np.stack(
        [
            _to_unit(volume.images[:, c], preparation, f"{volume.name}, channel {c}")
            for c in range(volume.images.shape[1])
        ],
        axis=1,
    )
    square = cut(scaled, top, left, side)
    count, channels = square.shape[:2]
    images = np.stack(
        [resize_image(plane, preparation.size) for plane in square.reshape(-1, side, side)]
    ).reshape(count, channels, preparation.size, preparation.size)
    if volume.masks is None:
        return images, None
    return images, resize_masks(cut(volume.masks, top, left, side), preparation.size)


def crop_box(volume: Volume, preparation: Preparation) -> tuple[int, int, int]:
    """First row, first column and side of the square to cut; outside the slice it is padded."""
    rows, columns = volume.images.shape[-2:]
    if preparation.crop == "none":
        side = max(rows, columns)
        return (rows - side) // 2, (columns - side) // 2, side
    side = max(1, round(preparation.crop_share * min(rows, columns)))
    middle = ((rows - 1) / 2, (columns - 1) / 2)
    if preparation.crop == "foreground" and volume.masks is not None and volume.masks.any():
        _, row, column = np.nonzero(volume.masks)
        middle = (float(row.mean()), float(column.mean()))
    top, left = (
        int(np.clip(round(centre - (side - 1) / 2), 0, length - side))
        for centre, length in zip(middle, (rows, columns), strict=True)
    )
    return top, left, side


def cut(planes: NDArray[np.generic], top: int, left: int, side: int) -> NDArray[np.generic]:
    """The square of the last two axes; what lies outside is 0."""
    rows, columns = planes.shape[-2:]
    out = np.zeros((*planes.shape[:-2], side, side), planes.dtype)
    first_row, last_row = max(top, 0), min(top + side, rows)
    first_column, last_column = max(left, 0), min(left + side, columns)
    out[..., first_row - top : last_row - top, first_column - left : last_column - left] = planes[
        ..., first_row:last_row, first_column:last_column
    ]
    return out


def resize_image(plane: NDArray[np.generic], size: int) -> Images:
    """A square plane of values from 0 to 1 as (size, size) grey levels."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    resized = np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC))
    levels: Images = np.clip(np.rint(resized * 255), 0, 255).astype(np.uint8)
    return levels


def resize_masks(masks: NDArray[np.generic], size: int) -> Images:
    """Square label maps (N, side, side) at (N, size, size), nearest neighbour."""
    side = masks.shape[-1]
    nearest = ((2 * np.arange(size) + 1) * side) // (2 * size)
    return np.ascontiguousarray(masks[:, nearest][:, :, nearest], dtype=np.uint8)


def _to_unit(
    channel: NDArray[np.float32], preparation: Preparation, name: str
) -> NDArray[np.float32]:
    low, high = preparation.limits
    if preparation.intensity == "percentiles":
        low, high = (float(value) for value in np.percentile(channel, [low, high]))
        if low >= high:
            raise DataError(
                f"{name}: the intensities are all {low:g} between the percentiles "
                f"{preparation.limits[0]:g} and {preparation.limits[1]:g}: nothing to scale"
            )
    with np.errstate(over="ignore"):
        span = np.float32(high - low)
    if not 0 < span < np.inf:
        raise DataError(f"{name}: intensities from {low:g} to {high:g} are too far apart to scale")
    scaled = (channel - np.float32(low)) / span
    return np.asarray(np.clip(scaled, 0, 1), dtype=np.float32)
