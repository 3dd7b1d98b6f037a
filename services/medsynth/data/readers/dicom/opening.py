"""DICOM files, opened with care: their bytes may be hostile, and their text names patients.

What is wrong with a file is said in our own words, never in the libraries', which quote headers.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

from medsynth.data.readers.dicom.elements import tag_of
from medsynth.data.readers.dicom.native import native_frames
from medsynth.errors import DataError, MedsynthError

if TYPE_CHECKING:
    from pydicom import Dataset

T = TypeVar("T")

_LONGEST: Final = 2**32
"""Bytes of a file whose pixels are read."""

_MOST_INFLATED: Final = 2**28
"""Bytes of a file whose whole content is deflated."""

_LONG: Final = 2**22
"""Bytes of a file whose frames are not read before they are wanted, if that can be."""

_PIXELS: Final = (
    "PixelData", "FloatPixelData", "DoubleFloatPixelData", "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
)  # fmt: skip


def attempt(name: Path, what: str, action: Callable[[], T]) -> T:
    """What an action returns; whatever it raises over a file's bytes, as ours.

    Args:
        name: Of the file, as messages say it.
        what: Is wrong if it raises.
        action: Calls a library.

    Raises:
        DataError: It raised.
    """
    try:
        return action()
    except MedsynthError:
        raise
    except Exception as error:  # noqa: BLE001 - a parser of broken bytes raises anything
        strerror = error.strerror if isinstance(error, OSError) and error.errno else None
        reason = strerror or type(error).__name__
    # Raised here so that no traceback shows the other error, which may quote the header.
    raise DataError(f"{name}: {what} ({reason})")


def opened(file: Path, name: Path, keywords: Sequence[str], *, pixels: bool = False) -> Dataset:
    """The elements of a DICOM file that are asked for.

    Args:
        file: Where it is.
        name: What messages call it.
        keywords: Of the elements.
        pixels: Whether the pixel data are read too. In the place of many, the data set has
            `native_frames`.

    Raises:
        DataError: It is not a readable DICOM file, or lacks the pixels that are asked for.
    """

    def read() -> Dataset:
        from pydicom import dcmread

        tags = _tags(tuple(keywords) + (_PIXELS if pixels else ()))
        with file.open("rb") as stream:
            if not _is_marked(stream):
                raise DataError(f"{name}: not a DICOM file: it lacks the mark DICM")
            size = file.stat().st_size
            if pixels and size > _LONGEST:
                raise DataError(f"{name}: is longer than {_LONGEST} bytes")
            bounded: Any = _Bounded(stream, size)
            found = None
            if pixels and size > _LONG:
                found = _with_native_frames(bounded, file, keywords)
                stream.seek(0)
            if found is None:
                found = dcmread(bounded, stop_before_pixels=not pixels, specific_tags=list(tags))
            return found

    dataset = attempt(name, "not a readable DICOM file", read)
    if pixels and not any(keyword in dataset for keyword in _PIXELS[:3]):
        raise DataError(f"{name}: holds no pixels: it is cut short")
    return dataset


def is_marked(file: Path) -> bool:
    """Whether a file has the mark of DICOM; not, if it cannot be read."""
    try:
        with file.open("rb") as stream:
            return _is_marked(stream)
    except OSError:
        return False


def _with_native_frames(stream: Any, file: Path, keywords: Sequence[str]) -> Dataset | None:
    """The elements of a file whose frames are read when they are wanted; None if they cannot."""
    from pydicom import dcmread

    found = dcmread(stream, stop_before_pixels=True, specific_tags=list(_tags(tuple(keywords))))
    stream.seek(0)
    pixels = dcmread(stream, specific_tags=list(_tags(_PIXELS)), defer_size=_LONG)
    # To ask for an element by its tag would read it.
    place: Any = next((one for one in pixels.values() if one.tag == tag_of(_PIXELS[0])), None)
    if place is None or place.value is not None:
        return None
    found.native_frames = native_frames(found, file, place.value_tell, place.length)
    found.PixelData = b""
    return found if found.native_frames is not None else None


@cache
def _tags(keywords: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(map(tag_of, keywords))


def _is_marked(stream: BinaryIO) -> bool:
    marked = stream.read(132)[128:] == b"DICM"
    stream.seek(0)
    return marked


class _Bounded:
    """A file that allocates for a read no more than it holds, whatever length a header claims."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._size = size
        self.seek = stream.seek
        self.tell = stream.tell

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._stream.tell())
        if size < 0:
            # Only the content of a deflated file is read in one go; it is inflated next.
            content = self._stream.read(left)
            _check_inflated(content)
            return content
        return self._stream.read(min(size, left))


def _check_inflated(content: bytes) -> None:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    stream, size = io.BytesIO(content), 0
    waiting = stream.read(2**16)
    while waiting and not inflate.eof:
        size += len(inflate.decompress(waiting, 2**20))
        waiting = inflate.unconsumed_tail or stream.read(2**16)
        if size > _MOST_INFLATED:
            raise ValueError("too much")
