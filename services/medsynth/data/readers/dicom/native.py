"""Frames of DICOM files that are not compressed, each read when it is wanted.

A file of many volumes is opened once for each of them: to hold all of it in memory every time, on
every core, would be too much.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from medsynth.data.readers.dicom.elements import text, whole

if TYPE_CHECKING:
    from pydicom import Dataset

_LITTLE_ENDIAN: Final = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")
"""Transfer syntaxes, with value representations implied or told."""


@dataclass(frozen=True)
class NativeFrames:
    """Where the frames of a file are.

    Attributes:
        file: Their file.
        start: Of the first one in the file, in bytes.
        length: Of each, in bytes.
    """

    file: Path
    start: int
    length: int

    def read(self, frame: int) -> bytes:
        """The bytes of a frame.

        Raises:
            ValueError: The file ends before.
        """
        with self.file.open("rb") as stream:
            stream.seek(self.start + frame * self.length)
            content = stream.read(self.length)
        if len(content) < self.length:
            raise ValueError
        return content


def native_frames(dataset: Dataset, file: Path, start: int, length: int) -> NativeFrames | None:
    """The frames of a file; None if they cannot be told apart by their length alone.

    Args:
        dataset: The header.
        file: Where from.
        start: Of the pixel data in the file, in bytes.
        length: Of the pixel data in bytes.
    """
    syntax = text(getattr(dataset, "file_meta", dataset), "TransferSyntaxUID")
    bits = whole(dataset, "BitsAllocated") or 0
    if syntax not in _LITTLE_ENDIAN or bits not in (8, 16, 32):
        return None
    rows, columns = whole(dataset, "Rows") or 0, whole(dataset, "Columns") or 0
    each = rows * columns * (whole(dataset, "SamplesPerPixel") or 1) * bits // 8
    expected = each * (whole(dataset, "NumberOfFrames") or 1)
    return NativeFrames(file, start, each) if expected <= length <= expected + 1 else None
