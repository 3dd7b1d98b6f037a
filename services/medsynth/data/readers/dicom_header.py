"""DICOM headers, opened with care: their bytes may be hostile, and their text names patients.

What is wrong with a file is said in our own words, never in the libraries', which quote headers.
"""

from __future__ import annotations

import io
import logging
import math
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

from medsynth.errors import DataError, MedsynthError

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.tag import BaseTag

T = TypeVar("T")

_LONGEST: Final = 2**32
"""Bytes of a file whose pixels are read."""

_MOST_INFLATED: Final = 2**28
"""Bytes of a file whose whole content is deflated."""

_CHATTY: Final = ("pydicom", "pylibjpeg", "openjpeg", "_openjpeg", "jpeg_ls", "PIL")
"""Loggers that quote what they decode."""

_PIXELS: Final = (
    "PixelData", "FloatPixelData", "DoubleFloatPixelData", "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
)  # fmt: skip

_lock = Lock()
_quiet = 0
_undo = ExitStack()


@contextmanager
def quiet() -> Iterator[None]:
    """As long as the context lasts, in any thread, no library warns or logs."""
    global _quiet
    with _lock:
        if _quiet == 0:
            _hush()
        _quiet += 1
    try:
        yield
    finally:
        with _lock:
            _quiet -= 1
            if _quiet == 0:
                _undo.close()


def _hush() -> None:
    from pydicom import config

    _undo.enter_context(warnings.catch_warnings())
    warnings.simplefilter("ignore")
    for logger in map(logging.getLogger, _CHATTY):
        _undo.callback(logger.setLevel, logger.level)
        logger.setLevel(logging.CRITICAL + 1)
    _undo.callback(
        setattr, config.settings, "reading_validation_mode", config.settings.reading_validation_mode
    )
    config.settings.reading_validation_mode = config.IGNORE


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
        pixels: Whether the pixel data are read too.

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
            return dcmread(bounded, stop_before_pixels=not pixels, specific_tags=list(tags))

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


def value(dataset: Dataset, keyword: str) -> Any:
    """The value of an element; None if it is missing, empty, or not what its kind should be."""
    try:
        tag = _tag(keyword)
        # Most elements are not there, and to ask for one by its keyword takes long.
        found = dataset[tag].value if tag in dataset.keys() else None  # noqa: SIM118
    except Exception:  # noqa: BLE001 - values are parsed when they are asked for
        return None
    return None if found is None or (isinstance(found, str | bytes) and not found) else found


def texts(dataset: Dataset, keyword: str) -> list[str]:
    """Every value of an element, as text."""
    found = value(dataset, keyword)
    try:
        return [str(one).strip(" \0") for one in _several(found)]
    except Exception:  # noqa: BLE001 - names are decoded when they are asked for
        return []


def text(dataset: Dataset, keyword: str) -> str:
    """The first value of an element as text; empty without one."""
    return next(iter(texts(dataset, keyword)), "")


def numbers(dataset: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """As many finite numbers; None if an element has others."""
    found = _several(value(dataset, keyword))
    try:
        values = tuple(float(one) for one in found)
    except (TypeError, ValueError, OverflowError):
        return None
    fit = len(values) == count and all(math.isfinite(one) and abs(one) < 1e12 for one in values)
    return values if fit else None


def number(dataset: Dataset, keyword: str) -> float | None:
    """The one finite number of an element; None without."""
    found = numbers(dataset, keyword, 1)
    return found[0] if found else None


def whole(dataset: Dataset, keyword: str) -> int | None:
    """The one whole number of an element; None without."""
    found = number(dataset, keyword)
    return int(found) if found is not None and found == int(found) else None


def items(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    """The items of a sequence; none without one."""
    found = value(dataset, keyword)
    if found is None:
        return ()
    from pydicom.sequence import Sequence as Items

    return found if isinstance(found, Items) else ()


def _several(found: Any) -> list[Any]:
    if found is None:
        return []
    if isinstance(found, str | float | int):
        return [found]
    from pydicom.multival import MultiValue

    return list(found) if isinstance(found, MultiValue | list | tuple) else [found]


@cache
def _tags(keywords: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(map(_tag, keywords))


@cache
def _tag(keyword: str) -> BaseTag:
    from pydicom.tag import Tag

    return Tag(keyword)


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
