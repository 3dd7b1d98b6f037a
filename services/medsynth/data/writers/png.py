"""PNG pairs: `images/000000123.png` and `masks/000000123.png`, labels as pixel values."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

from medsynth.data.writers.interface import FileKind, Form, Format, Samples, SetDescription
from medsynth.data.writers.output import Output
from medsynth.data.writers.png_files import encode_pngs


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
        for index, (image, mask) in enumerate(png_pairs(samples), samples.first):
            output.write(f"images/{index:09d}.png", image)
            if mask is not None:
                output.write(f"masks/{index:09d}.png", mask)
        return ""


def png_pairs(samples: Samples) -> Iterator[tuple[bytes, bytes | None]]:
    """Each image and its mask, if there are any, as PNG files."""
    masks = repeat(None) if samples.masks is None else encode_pngs(samples.masks)
    yield from zip(encode_pngs(samples.images), masks, strict=False)


def png_misfit(form: Form) -> str:
    """Why images of a form are no PNG, as a clause; empty if they are."""
    if form.channels not in (1, 3):
        return f"a PNG holds 1 or 3 channels, not {form.channels}"
    if form.channels == 3 and form.bits > 8:
        return f"a PNG file of three channels is written with 8 bits each, not {form.bits}"
    return ""


FORMAT = Png
