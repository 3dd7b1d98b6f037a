"""Images in the form that feature extractors take."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medsynth.errors import InvalidArgumentError


def as_rgb(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey or colour images as three channels.

    Args:
        images: uint8 (N, C, H, W) with C of 1 (repeated thrice) or 3 (taken as it is).

    Returns:
        uint8 (N, 3, H, W); for one channel a read-only view without a copy.

    Raises:
        InvalidArgumentError: Another type, shape or number of channels. There is no faithful way
            to show, say, two contrasts to a network of colour photographs: such scores are not
            applicable.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4:
        raise InvalidArgumentError.field(
            "images", f"{images.dtype} {images.shape}", "uint8 images (N, C, H, W)"
        )
    count, channels, height, width = images.shape
    if channels == 3:
        return images
    if channels != 1:
        raise InvalidArgumentError.field("images", images.shape, "1 or 3 channels")
    return np.broadcast_to(images, (count, 3, height, width))
