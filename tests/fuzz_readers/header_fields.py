"""Where the headers of the formats have their numbers and words, and values at their limits.

What is found is good enough to change: a header is followed as long as it makes sense.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from random import Random
from types import MappingProxyType
from typing import Final

_TEXT, _PADDED = "text", "padded"
_HEADER: Final = 4096
_WORDS: Final = (
    *(b"", b"0", b"-1", b"1", b"65536", b"1000000000", b"9" * 25, b"-9" * 40, b"9" * 5000),
    *(b"1e308", b"-1e-308", b"nan", b"inf", b"0x10", b"\xff\xfe", b"\xc3\xa9", b"\\ud800", b"\0"),
    *(b"None", b"null", b"true", b"[]", b"{}", b'"', b"LIST", b"LOCAL", b"SKIP 3", b"%s%n"),
    *(b"../../../etc/passwd", b"/etc/passwd", b"/dev/zero", b"x" * 300, b"[" * 3000, b"1 " * 999),
)


@dataclass(frozen=True)
class Field:
    """Bytes of a header that mean one thing.

    Attributes:
        start: Place of the first.
        size: How many.
        kind: `struct` format of a number; `text`, which may grow; `padded`, which may not.
    """

    start: int
    size: int
    kind: str


def find_fields(name: str, content: bytes) -> list[Field]:
    """The fields of a file's header, by the ending of its name; none of an unknown format."""
    lower = name.lower()
    finder = next((f for ending, f in _FINDERS.items() if lower.endswith(ending)), _no_fields)
    if content[128:132] == b"DICM":
        finder = _dicom
    try:
        found = list(finder(content))
    except (struct.error, IndexError):
        return []
    return [field for field in found if 0 <= field.start <= len(content) - field.size]


def set_extreme(random: Random, content: bytes, field: Field) -> bytes:
    """The file with a value at its limits, or beyond them, in one field."""
    end = field.start + field.size
    return (
        content[: field.start] + _extreme(random, content[field.start : end], field) + content[end:]
    )


def mend_checksums(name: str, content: bytes) -> bytes:
    """The file with the checksums of PNG's chunks or of tar's headers made right."""
    out = bytearray(content)
    if name.lower().endswith(".png"):
        for start, length in _png_chunks(content):
            end = start + 8 + length
            out[end : end + 4] = zlib.crc32(content[start + 4 : end]).to_bytes(4, "big")
    if name.lower().endswith(".tar"):
        for start in _tar_headers(content):
            out[start + 148 : start + 156] = b" " * 8
            out[start + 148 : start + 156] = b"%06o\0 " % sum(out[start : start + 512])
    return bytes(out)


def _extreme(random: Random, old: bytes, field: Field) -> bytes:
    if field.kind == _TEXT:
        return random.choice(_WORDS)
    if field.kind == _PADDED:
        return random.choice(_WORDS)[: field.size].ljust(field.size)
    if field.kind[-1] in "fd":
        values = (0.0, -1.0, 1e-30, 3e38, float("nan"), float("inf"), float("-inf"))
        return struct.pack(field.kind, random.choice(values))
    bits = 8 * field.size
    number = int.from_bytes(old, "big" if field.kind[0] == ">" else "little")
    choices = (0, 1, 2, number + 1, number - 1, number * 2, number // 2, 255, 65535, 10**9)
    chosen = random.choice((*choices, 2**bits - 1, 2 ** (bits - 1), 2 ** (bits - 1) - 1))
    order = "big" if field.kind[0] == ">" else "little"
    return (chosen % 2**bits).to_bytes(field.size, order)


def _at(start: int, *kinds: str) -> Iterator[Field]:
    """Fields that lie one after the other."""
    for kind in kinds:
        size = struct.calcsize(kind)
        yield Field(start, size, kind)
        start += size


def _no_fields(content: bytes) -> Iterator[Field]:
    return iter(())


def _text(content: bytes) -> Iterator[Field]:
    """Words of a header that is text."""
    end = content[:_HEADER].find(b"\n\n")
    for word in re.finditer(rb'[^\s,:=\[\]{}()"\']+', content[: _HEADER if end < 0 else end]):
        yield Field(word.start(), len(word[0]), _TEXT)


_NIFTI_1: Final = (
    *((0, "i"), (40, "hhhhhhhh"), (70, "hh"), (76, "ffffffff"), (108, "fff"), (123, "b")),
    *((252, "hh"), (256, "ffffff"), (280, "ffffffffffff"), (344, "i")),
)
_NIFTI_2: Final = (
    *((0, "i"), (12, "hh"), (16, "qqqqqqqq"), (104, "dddddddd"), (168, "qdd"), (344, "ii")),
    *((352, "dddddd"), (400, "dddddddddddd")),
)
_NIFTI: Final = {
    (348).to_bytes(4, "little"): ("<", _NIFTI_1),
    (348).to_bytes(4, "big"): (">", _NIFTI_1),
    (540).to_bytes(4, "little"): ("<", _NIFTI_2),
    (540).to_bytes(4, "big"): (">", _NIFTI_2),
}
"""Order of bytes and places of numbers, by the first bytes of a file."""


def _nifti(content: bytes) -> Iterator[Field]:
    order, layout = _NIFTI.get(content[:4], ("<", _NIFTI_1))
    for start, kinds in layout:
        yield from _at(start, *(order + kind for kind in kinds))


def _png(content: bytes) -> Iterator[Field]:
    yield from _at(16, ">I", ">I", ">B", ">B", ">B", ">B", ">B")
    for start, _ in _png_chunks(content):
        yield from _at(start, ">I", ">I")


def _png_chunks(content: bytes) -> Iterator[tuple[int, int]]:
    """Start and length of each chunk."""
    start = 8
    while start + 12 <= len(content):
        length = int.from_bytes(content[start : start + 4], "big")
        if start + 12 + length > len(content):
            return
        yield start, length
        start += 12 + length


def _jpeg(content: bytes) -> Iterator[Field]:
    start = 2
    while content[start] == 0xFF and content[start + 1] != 0xDA:
        yield from _at(start + 1, ">B", ">H", ">B", ">H", ">H", ">B", ">B", ">B", ">B")
        start += 2 + int.from_bytes(content[start + 2 : start + 4], "big")
    yield from _at(start + 1, *(">B",) * 12)


def _bmp(content: bytes) -> Iterator[Field]:
    yield from _at(2, "<I", "<I", "<I", "<I", "<i", "<i", "<H", "<H", "<I", "<I", "<i", "<i", "<I")


def _tiff(content: bytes) -> Iterator[Field]:
    order = "<" if content[:2] == b"II" else ">"
    yield from _at(2, order + "H", order + "I")
    start = struct.unpack_from(order + "I", content, 4)[0]
    for _ in range(8):
        count = struct.unpack_from(order + "H", content, start)[0]
        yield from _at(start, order + "H")
        for entry in range(min(count, 40)):
            kinds = (order + kind for kind in "HHII")
            yield from _at(start + 2 + 12 * entry, *kinds)
        yield from _at(start + 2 + 12 * count, order + "I")
        start = struct.unpack_from(order + "I", content, start + 2 + 12 * count)[0]
        if not start:
            return


_NUMBERS: Final = {b"US": "<H", b"SS": "<h", b"UL": "<I", b"SL": "<i", b"FL": "<f", b"FD": "<d"}
_LONG: Final = (b"OB", b"OW", b"SQ", b"UN", b"UT")
_VR: Final = re.compile(
    rb"(?<=[\0-\xff]{4})(US|SS|UL|SL|FL|FD|IS|DS|CS|UI|TM|DA|LO|SH|PN|AT|OB|OW|SQ|UN|UT)"
)


def _dicom(content: bytes) -> Iterator[Field]:
    for found in _VR.finditer(content, 132, 2**15):
        start, kind = found.start(), found[1]
        if kind in _LONG:
            yield from _at(start + 4, "<I")
            continue
        yield from _at(start + 2, "<H")
        length = int.from_bytes(content[start + 2 : start + 4], "little")
        if kind in _NUMBERS:
            yield from _at(start + 4, _NUMBERS[kind])
        elif 0 < length <= 64:
            yield Field(start + 4, length, _PADDED)


_ZIP: Final = {
    b"PK\3\4": ((4, "HHH"), (14, "IIIHH")),
    b"PK\1\2": ((8, "HH"), (16, "IIIHHH"), (38, "II")),
    b"PK\5\6": ((8, "HHIIH"),),
}


def _zip(content: bytes) -> Iterator[Field]:
    for found in re.finditer(rb"PK(\x03\x04|\x01\x02|\x05\x06)", content):
        for place, kinds in _ZIP[found[0]]:
            yield from _at(found.start() + place, *("<" + kind for kind in kinds))


def _tar(content: bytes) -> Iterator[Field]:
    for start in _tar_headers(content):
        yield Field(start, 100, _PADDED)
        yield Field(start + 124, 12, _PADDED)
        yield Field(start + 156, 1, "<B")
        yield Field(start + 157, 100, _PADDED)


def _tar_headers(content: bytes) -> Iterator[int]:
    starts = range(0, len(content) - 511, 512)
    marked = (start for start in starts if content[start + 257 : start + 262] == b"ustar")
    return takewhile(lambda start: start < 2**20, marked)


def _npy(content: bytes) -> Iterator[Field]:
    yield from _at(6, "<B", "<B", "<H")
    for word in re.finditer(rb"[^\s,:(){}']+", content[10:128]):
        yield Field(10 + word.start(), len(word[0]), _PADDED)


_FINDERS: Final[Mapping[str, Callable[[bytes], Iterator[Field]]]] = MappingProxyType(
    {
        ".nii": _nifti,
        ".png": _png,
        ".bmp": _bmp,
        ".npy": _npy,
        ".zip": _zip,
        ".npz": _zip,
        ".tar": _tar,
        **dict.fromkeys((".jpg", ".jpeg"), _jpeg),
        **dict.fromkeys((".tif", ".tiff"), _tiff),
        **dict.fromkeys((".mha", ".mhd", ".nrrd", ".nhdr", ".cfg", ".json"), _text),
    }
)
