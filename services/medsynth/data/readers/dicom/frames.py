"""The pixels of a DICOM file as they are stored, decoded; colours as RGB.

Nothing is decoded before its size is known to be what the header says, and the header's to be
bearable.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.readers.dicom.codecs import decoder_of, is_whole, stated_size
from medsynth.data.readers.dicom.elements import text, value, whole
from medsynth.data.readers.dicom.native import NativeFrames
from medsynth.data.readers.dicom.opening import attempt
from medsynth.data.volume import LARGEST
from medsynth.errors import DataError

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.pixels.decoders.base import Decoder

KEYWORDS: Final = (
    "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation",
    "PlanarConfiguration", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData",
    "SegmentedRedPaletteColorLookupTableData", "SegmentedGreenPaletteColorLookupTableData",
    "SegmentedBluePaletteColorLookupTableData",
)  # fmt: skip
"""Of the header's elements that this module looks at."""

MOST_FRAMES: Final = 2**16
"""Of one file."""

_PALETTE: Final = "PALETTE COLOR"
_RLE: Final = "1.2.840.10008.1.2.5"
_RLE_RATIO: Final = 64
"""Bytes that a byte of RLE gives at most."""

_FEW: Final[Mapping[str, Any]] = {"allow_excess_frames": False}


def shape_of(dataset: Dataset, name: Path) -> tuple[int, int, int]:
    """Channels, rows and columns that a header claims.

    Args:
        dataset: The header.
        name: Of the file, for messages.

    Raises:
        DataError: It claims none, or together with its frames more than `LARGEST`.
    """
    if "Rows" not in dataset or "Columns" not in dataset:
        raise DataError(f"{name}: an image without rows and columns: its header is cut short")
    rows, columns = whole(dataset, "Rows") or 0, whole(dataset, "Columns") or 0
    frames = whole(dataset, "NumberOfFrames")
    frames = 1 if frames is None and value(dataset, "NumberOfFrames") is None else frames or 0
    samples = whole(dataset, "SamplesPerPixel") or 1
    if min(rows, columns, frames) < 1 or frames > MOST_FRAMES or samples not in (1, 3):
        raise DataError(
            f"{name}: rows, columns, frames, samples are {rows}, {columns}, {frames}, {samples}, "
            f"expected at least 1, at most {MOST_FRAMES} frames, and 1 or 3 samples"
        )
    channels = 3 if text(dataset, "PhotometricInterpretation") == _PALETTE else samples
    if rows * columns * frames * channels > LARGEST:
        raise DataError(
            f"{name}: {frames} frames of {rows} rows and {columns} columns are above {LARGEST} "
            "voxels"
        )
    return channels, rows, columns


def decoded(
    dataset: Dataset, name: Path, frames: Collection[int], *, colours: bool = True
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Stored values of frames, in the order of the file.

    Args:
        dataset: The header with pixel data.
        name: Of the file, for messages.
        frames: Their numbers, from 0.
        colours: Whether indexes of a palette become its colours.

    Yields:
        Number of a frame and its values (channels, rows, columns).

    Raises:
        DataError: They cannot be decoded.
    """
    channels, rows, columns = shape_of(dataset, name)
    palette = text(dataset, "PhotometricInterpretation") == _PALETTE
    if palette and not colours:
        channels = 1
    count = 0
    for frame, pixels in _frames(dataset, name, frames):
        if palette and colours:
            pixels = attempt(
                name, "its palette cannot be used", partial(_coloured, dataset, pixels)
            )
        pixels = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
        if pixels.shape != (channels, rows, columns):
            raise DataError(
                f"{name}: a frame of shape {pixels.shape}, the header says "
                f"{(channels, rows, columns)}"
            )
        count += 1
        yield frame, pixels
    if count < len(frames):
        raise DataError(f"{name}: holds {count} of the {len(frames)} frames that are expected")


def _check_bits(dataset: Dataset, name: Path) -> None:
    """Refuses pixels that do not begin with the lowest bit: they would be taken from there."""
    stored, high = whole(dataset, "BitsStored"), whole(dataset, "HighBit")
    if stored is not None and high is not None and high != stored - 1:
        raise DataError(
            f"{name}: its {stored} bits end with bit {high} (HighBit), expected {stored - 1}"
        )


def _frames(
    dataset: Dataset, name: Path, frames: Collection[int]
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Frames (rows, columns) or (rows, columns, samples) as pydicom's decoders give them."""
    syntax = text(getattr(dataset, "file_meta", dataset), "TransferSyntaxUID")
    reason = f"its pixels, {_known(syntax)}, cannot be decoded"
    decoder, plugin = attempt(name, reason, partial(decoder_of, syntax))
    count = whole(dataset, "NumberOfFrames") or 1
    if not decoder.is_encapsulated:
        _check_bits(dataset, name)
    if decoder.is_encapsulated:
        options, sources = attempt(name, reason, partial(_encapsulated, dataset, count))
        for frame in range(count):
            source = attempt(name, reason, partial(next, sources, b""))
            if not source:
                return
            if frame in frames:
                _check_size(dataset, name, syntax, source)
                action = partial(_decoded_alone, decoder, plugin, source, options)
                yield frame, attempt(name, reason, action)
    elif whole(dataset, "BitsAllocated") == 1:
        # Frames of single bits need not begin with a byte.
        every = attempt(name, reason, lambda: decoder.as_array(dataset, **_FEW)[0])
        every = every[None] if count == 1 else every
        yield from ((frame, every[frame]) for frame in sorted(frames) if frame < count)
    elif native := getattr(dataset, "native_frames", None):
        options = _options(dataset)
        for frame in sorted(frames):
            if frame < count:
                action = partial(_read_alone, decoder, native, frame, options)
                yield frame, attempt(name, reason, action)
    else:
        for frame in sorted(frames):
            found = attempt(name, reason, partial(decoder.as_array, dataset, index=frame, **_FEW))
            yield frame, found[0]


def _encapsulated(dataset: Dataset, count: int) -> tuple[dict[str, Any], Iterator[bytes]]:
    """What pydicom needs to know to decode a frame, and the codestream of every frame."""
    from pydicom.encaps import generate_frames
    from pydicom.pixels.utils import as_pixel_options

    options = as_pixel_options(dataset)
    offsets = options.pop("extended_offsets", None)
    options["number_of_frames"] = 1
    sources = generate_frames(dataset.PixelData, number_of_frames=count, extended_offsets=offsets)
    return options, sources


def _options(dataset: Dataset) -> dict[str, Any]:
    """What pydicom needs to know to decode a frame by itself."""
    from pydicom.pixels.utils import as_pixel_options

    return as_pixel_options(dataset, number_of_frames=1, pixel_keyword="PixelData")


def _read_alone(
    decoder: Decoder, native: NativeFrames, frame: int, options: Mapping[str, Any]
) -> NDArray[Any]:
    content = native.read(frame)
    return decoder.as_array(content + bytes(len(content) % 2), index=0, **options)[0]


def _decoded_alone(
    decoder: Decoder, plugin: str, source: bytes, options: Mapping[str, Any]
) -> NDArray[Any]:
    from pydicom.encaps import encapsulate

    alone = encapsulate([source], has_bot=False)
    return decoder.as_array(alone, index=0, decoding_plugin=plugin, **options)[0]


def _check_size(dataset: Dataset, name: Path, syntax: str, source: bytes) -> None:
    """Refuses a codestream of another size than the header says, or one that is cut short."""
    rows, columns = (whole(dataset, keyword) or 0 for keyword in ("Rows", "Columns"))
    samples = whole(dataset, "SamplesPerPixel") or 1
    if syntax != _RLE:
        if stated_size(source) != (rows, columns, samples):
            raise DataError(f"{name}: its compressed pixels are of another size than it says")
        if not is_whole(source, syntax):
            raise DataError(f"{name}: its compressed pixels are cut short")
    elif rows * columns * samples > _RLE_RATIO * len(source):
        raise DataError(f"{name}: its compressed pixels are too few for the size that it says")


def _coloured(dataset: Dataset, pixels: NDArray[Any]) -> NDArray[Any]:
    from pydicom.pixels.processing import apply_color_lut

    return apply_color_lut(pixels, dataset)[..., :3]


def _known(syntax: str) -> str:
    """A transfer syntax in words, if it is one of the standard's."""
    from pydicom.uid import UID

    name = UID(syntax).name
    return name if name != syntax else "of an unknown transfer syntax"
