"""Pictures of slices for people: tiles in rows, with the outlines of the masks."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from medsynth.levels import Labels, Pixels, as_bytes

Picture = npt.NDArray[np.uint8]
"""Rows, columns, and red, green and blue."""

OUTLINES: Final = (
    (255, 176, 0),
    (100, 160, 255),
    (240, 70, 150),
    (110, 220, 130),
    (254, 97, 0),
    (170, 140, 255),
)
"""Colours of the labels 1, 2, ... (red, green, blue); told apart by the colour-blind too."""

_GAP = 4


def outline_colour(label: int) -> tuple[int, int, int]:
    """The colour in which a label is outlined, label 1 or above; they repeat after six."""
    return OUTLINES[(label - 1) % len(OUTLINES)]


def to_rgb(image: Pixels) -> Picture:
    """An image (C, H, W) as (H, W, 3): colour for three channels, else the first one in grey."""
    image = as_bytes(image)
    if image.shape[0] == 3:
        return np.ascontiguousarray(image.transpose(1, 2, 0))
    return np.repeat(image[0][:, :, None], 3, axis=2)


def tile(image: Pixels, mask: Labels | None = None, side: int = 128) -> Picture:
    """One slice, enlarged or reduced, with its mask's outlines.

    Args:
        image: uint8 or uint16 (C, H, W).
        mask: Labels (H, W); 0 is not outlined. None: no outlines.
        side: Rows and columns of the result, in pixels.

    Returns:
        (side, side, 3).
    """
    picture = Image.fromarray(to_rgb(image)).resize((side, side), Image.Resampling.BICUBIC)
    pixels = np.array(picture)
    if mask is None:
        return pixels
    labels = _enlarge(mask, side)
    for label in np.unique(labels[labels > 0]):
        pixels[_boundary(labels == label, max(1, side // 96))] = outline_colour(int(label))
    return pixels


def grid(
    images: Pixels, masks: Labels | None = None, *, columns: int = 8, side: int = 128
) -> Picture:
    """Slices in rows, from left to right and top to bottom, on a dark ground.

    Args:
        images: uint8 or uint16 (N, C, H, W), N at least 1.
        masks: Labels (N, H, W), or None.
        columns: Tiles in a row.
        side: Rows and columns of a tile, in pixels.

    Returns:
        (rows, columns, 3) pixels.
    """
    count = len(images)
    columns = min(columns, count)
    rows = -(-count // columns)
    step = side + _GAP
    canvas = np.full((rows * step - _GAP, columns * step - _GAP, 3), 24, np.uint8)
    for index in range(count):
        top, left = index // columns * step, index % columns * step
        mask = None if masks is None else masks[index]
        canvas[top : top + side, left : left + side] = tile(images[index], mask, side)
    return canvas


def png(pixels: Picture) -> bytes:
    """A PNG file of pixels (H, W, 3)."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _enlarge(mask: Labels, side: int) -> npt.NDArray[np.intp]:
    """Labels at another size, with smooth edges: the label that is strongest after resizing."""
    labels = np.unique(mask)
    planes = [
        np.asarray(
            Image.fromarray((mask == label).astype(np.float32)).resize(
                (side, side), Image.Resampling.BILINEAR
            )
        )
        for label in labels
    ]
    return np.asarray(labels.astype(np.intp)[np.argmax(planes, axis=0)])


def _boundary(region: npt.NDArray[np.bool_], width: int) -> npt.NDArray[np.bool_]:
    """The pixels of a region within `width` of its outside, through edges; the frame is inside."""
    inner = region
    for _ in range(width):
        padded = np.pad(inner, 1, mode="edge")
        inner = inner & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return region & ~inner
