"""Codecs that pydicom lacks, as a plugin of its decoders, and which of the others are used.

pydicom calls `is_available` and `decode_frame`. JPEG 2000 is decoded by OpenJPEG; JPEG of 12 bits
and lossless JPEG by libjpeg-turbo, as imagecodecs has it.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from pydicom.pixels.decoders.base import Decoder, DecodeRunner

_JPEG: Final = (
    "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70",
)  # fmt: skip
"""Extended; lossless; lossless with prediction from the left."""

_JPEG_2000: Final = (
    "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203",
)  # fmt: skip
"""Lossless; any; the same of high throughput."""

_JPEG_LS: Final = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")

_MARKED_ENDS: Final = (*_JPEG_LS, *_JPEG, "1.2.840.10008.1.2.4.50")
"""Whose codestreams end with a mark that their pixels cannot hold."""

DECODER_DEPENDENCIES: Final = {
    **dict.fromkeys(_JPEG, ("imagecodecs",)),
    **dict.fromkeys(_JPEG_2000, ("pylibjpeg-openjpeg",)),
}

_OURS: Final = "medsynth"
_PREFERRED: Final = (_OURS, "pillow", "pyjpegls", "pydicom")
"""Not GDCM's: it ends the process over some bytes."""

_lock = Lock()


def is_available(uid: str) -> bool:
    """Whether the library that decodes a transfer syntax is installed."""
    return find_spec("imagecodecs" if uid in _JPEG else "openjpeg") is not None


def decoder_of(uid: str) -> tuple[Decoder, str]:
    """The decoder of a transfer syntax and the plugin that is used, empty for none.

    Raises:
        NotImplementedError: The syntax is unknown, or what decodes it is not installed.
    """
    from pydicom.pixels.decoders.base import get_decoder

    decoder = get_decoder(uid)
    if decoder.is_native:
        return decoder, ""
    if uid in DECODER_DEPENDENCIES:
        with _lock:
            _add_to(uid)
    plugin = next((name for name in _PREFERRED if name in decoder.available_plugins), "")
    if not plugin:
        raise NotImplementedError(f"nothing that is installed decodes {uid}")
    return decoder, plugin


def decode_frame(source: bytes, runner: DecodeRunner) -> bytes | bytearray:
    """One frame's pixels.

    Args:
        source: Its codestream.
        runner: What pydicom knows about it; told what the pixels are as decoded.
    """
    if runner.transfer_syntax in _JPEG_2000:
        return _decode_jpeg_2000(source, runner)
    import imagecodecs

    # Colours stay as they are stored: to turn them into RGB is pydicom's business.
    kind = "RGB" if runner.samples_per_pixel > 1 else None
    pixels = imagecodecs.jpeg8_decode(source, colorspace=kind, outcolorspace=kind)
    runner.set_option("bits_allocated", 8 * pixels.itemsize)
    runner.set_option("planar_configuration", 0)
    return pixels.tobytes()


def stated_size(source: bytes) -> tuple[int, int, int] | None:
    """Rows, columns and samples that a JPEG, JPEG-LS or JPEG 2000 codestream claims to have.

    None where that is not found.
    """
    start = source.find(b"\xff\x4f\xff\x51", 0, 2**16)
    if start >= 0 and len(source) >= start + 42:
        width, height, left, top = (
            int.from_bytes(source[start + place : start + place + 4]) for place in (8, 12, 16, 20)
        )
        return height - top, width - left, int.from_bytes(source[start + 40 : start + 42])
    place = 2
    while source.startswith(b"\xff\xd8") and place + 10 <= len(source) and source[place] == 0xFF:
        marker, length = source[place + 1], int.from_bytes(source[place + 2 : place + 4])
        if marker == 0xFF:
            place += 1
        elif marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            frame = source[place + 5 : place + 10]
            return int.from_bytes(frame[:2]), int.from_bytes(frame[2:4]), frame[4]
        else:
            place += 2 + length
    return None


def is_whole(source: bytes, uid: str) -> bool:
    """Whether a codestream of a transfer syntax has its end.

    Asked of JPEG and JPEG-LS: the one's decoders make up what is missing, the other's counts to
    2**31. A stream that was cut and then closed by its mark is not found out. That of JPEG 2000
    needs no mark: its decoder refuses a part.
    """
    return uid not in _MARKED_ENDS or source.rfind(b"\xff\xd9") > source.rfind(b"\xff\xda")


def _decode_jpeg_2000(source: bytes, runner: DecodeRunner) -> bytearray:
    from openjpeg.utils import decode_pixel_data

    pixels = decode_pixel_data(source, version=2)
    bits = runner.get_option("j2k_precision", runner.bits_stored)
    runner.set_option("bits_allocated", 8 if bits <= 8 else 16 if bits <= 16 else 32)
    runner.set_option("planar_configuration", 0)
    if runner.photometric_interpretation in ("YBR_ICT", "YBR_RCT"):
        runner.set_option("photometric_interpretation", "RGB")
    return cast(bytearray, pixels)


@cache
def _add_to(uid: str) -> None:
    from pydicom.pixels.decoders.base import get_decoder

    get_decoder(uid).add_plugin(_OURS, (__name__, "decode_frame"))
