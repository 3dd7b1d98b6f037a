"""PNG pairs: `images/000000123.png` and `masks/000000123.png`, labels as pixel values."""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medsynth.data.writers.interface import FileKind, Form, Format, Samples, SetDescription
from medsynth.data.writers.output import Output


class Png(Format):
    """A file for each image and for each mask."""

    @classmethod
    def misfit(cls, form: Form, description: SetDescription) -> str:
        """A PNG holds 1 or 3 channels, and colours in 8 bits."""
        return png_misfit(form)

    @classmethod
    def kinds(cls, description: SetDescription) -> tuple[FileKind, ...]:
        """Images and masks."""
        return (
            FileKind("images", "images/*.png", "image/png", "image"),
            FileKind("masks", "masks/*.png", "image/png", "mask"),
        )

    def encode(self, samples: Samples, output: Output) -> str:
        """Two files for each sample, or one without masks."""
        for index, image, mask in samples:
            output.write(f"images/{index:09d}.png", encode_png(image))
            if mask is not None:
                output.write(f"masks/{index:09d}.png", encode_png(mask))
        return ""


def png_misfit(form: Form) -> str:
    """Why images of a form are no PNG, as a clause; empty if they are."""
    if form.channels not in (1, 3):
        return f"a PNG holds 1 or 3 channels, not {form.channels}"
    if form.channels == 3 and form.bits > 8:
        return f"a PNG file of three channels is written with 8 bits each, not {form.bits}"
    return ""


def encode_png(planes: NDArray[Any]) -> bytes:
    """A PNG file.

    Args:
        planes: uint8 or uint16 (rows, columns), uint8 or uint16 (1, rows, columns), or uint8
            (3, rows, columns).
    """
    from PIL import Image

    if planes.ndim == 3:
        planes = planes[0] if len(planes) == 1 else planes.transpose(1, 2, 0)
    stream = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(planes))
    # Runs alone take half the time, and images with noise grow no larger by it.
    picture.save(stream, "PNG", compress_type=zlib.Z_RLE)
    return stream.getvalue()


FORMAT = Png
