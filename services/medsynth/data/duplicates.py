"""Slices that look the same: by a perceptual hash, mirrored and turned ones too.

The hash is the sign of the 64 lowest frequencies of a slice's cosine transform about their median
(Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010). Two slices are
suspected if their hashes differ in few bits and their thumbnails correlate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LARGEST_DISTANCE: Final = 8
"""Bits in which the hashes of suspects may differ, of 64."""

LEAST_CORRELATION: Final = 0.985
"""Of the thumbnails of suspects."""

VIEWS: Final = 4
"""A slice as it is, upside down, mirrored, and turned by half."""

_SIDE: Final = 32
_THUMBNAIL: Final = 16
_FREQUENCIES: Final = 8
_LEAST_CONTRAST: Final = 0.02
_BLOCK: Final = 256


@dataclass(frozen=True, slots=True)
class Pair:
    """Two slices that look the same.

    Attributes:
        first: Number of one.
        second: Of the other, which was added later.
        distance: Bits in which their hashes differ, the better view of one.
        correlation: Of their thumbnails.
        turned: Whether one had to be mirrored or turned.
    """

    first: int
    second: int
    distance: int
    correlation: float
    turned: bool


class LookAlikes:
    """Collects slices and finds those that look the same. Blank ones are left out."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._hashes: list[NDArray[np.uint64]] = []
        self._thumbnails: list[NDArray[np.uint8]] = []

    def add(self, number: int, plane: NDArray[np.floating[Any]]) -> None:
        """Adds a slice.

        Args:
            number: Of the slice, for `pairs`.
            plane: (rows, columns), any range of values.
        """
        small = _reduced(plane)
        if small is None:
            return
        step = _SIDE // _THUMBNAIL
        means = small.reshape(_THUMBNAIL, step, _THUMBNAIL, step).mean(axis=(1, 3))
        self._numbers.append(number)
        self._hashes.append(_hashes(small))
        self._thumbnails.append(np.rint(means * 255).astype(np.uint8))

    def pairs(
        self, owners: Sequence[str], report: Callable[[], None] = lambda: None
    ) -> Iterator[Pair]:
        """Suspected pairs of slices of different owners, each once, every slice against every.

        Args:
            owners: Of the slices, by their numbers; a slice is no duplicate of its owner's others.
            report: Called now and then; may raise to stop.
        """
        if not self._numbers:
            return
        hashes = np.stack(self._hashes)
        ids = {owner: index for index, owner in enumerate(dict.fromkeys(owners))}
        owner = np.array([ids[owners[number]] for number in self._numbers])
        for start in range(0, len(hashes), _BLOCK):
            rows = slice(start, start + _BLOCK)
            views = [
                np.bitwise_count(hashes[rows, view, None] ^ hashes[None, : start + _BLOCK, 0])
                for view in range(VIEWS)
            ]
            best = np.min(views, axis=0)
            near = best <= LARGEST_DISTANCE
            near &= owner[rows, None] != owner[None, : start + _BLOCK]
            for row in np.flatnonzero(near.any(axis=1)).tolist():
                for other in np.flatnonzero(near[row, : start + row]).tolist():
                    view = int(np.argmin([distances[row, other] for distances in views]))
                    yield from self._checked(other, start + row, view, int(best[row, other]))
            report()

    def _checked(self, first: int, second: int, view: int, distance: int) -> Iterator[Pair]:
        turned = _views(self._thumbnails[second])[view]
        correlation = _correlation(self._thumbnails[first], turned)
        if correlation >= LEAST_CORRELATION:
            yield Pair(
                self._numbers[first], self._numbers[second], distance, round(correlation, 4),
                view > 0,
            )  # fmt: skip


def _correlation(first: NDArray[Any], second: NDArray[Any]) -> float:
    one, other = (plane.astype(np.float64) - plane.mean() for plane in (first, second))
    return float((one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum()))


def _reduced(plane: NDArray[np.floating[Any]]) -> NDArray[np.float32] | None:
    """The slice at 32 x 32 from 0 to 1; None for one without anything on it."""
    from PIL import Image

    low, high = float(plane.min()), float(plane.max())
    if not low < high:
        return None
    picture = Image.fromarray(np.ascontiguousarray((plane - low) / (high - low), np.float32))
    small = np.asarray(picture.resize((_SIDE, _SIDE), Image.Resampling.BOX))
    return np.clip(small, 0, 1) if small.std() >= _LEAST_CONTRAST else None


def _views(plane: NDArray[np.generic]) -> list[NDArray[np.generic]]:
    return [plane, plane[::-1], plane[:, ::-1], plane[::-1, ::-1]]


def _hashes(small: NDArray[np.float32]) -> NDArray[np.uint64]:
    """The hash of each view. Mirroring turns the sign of the odd frequencies along an axis."""
    from scipy.fft import dctn

    spectrum = dctn(small)[:_FREQUENCIES, :_FREQUENCIES]
    odd = np.where(np.arange(_FREQUENCIES) % 2, -1.0, 1.0)
    turned = [spectrum, spectrum * odd[:, None], spectrum * odd, spectrum * odd[:, None] * odd]
    bits = np.array([(view > np.median(view)).ravel() for view in turned])
    return np.packbits(bits, axis=1).view(np.uint64)[:, 0]
