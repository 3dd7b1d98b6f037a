"""Masks kept as images: which of their values mean which label.

One rule holds for all masks of a set. It comes from the request, or from a sample of the masks;
a mask that does not obey it is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.files import Files
from medsynth.data.readers.image_files import LOSSY, ending, read_picture
from medsynth.data.readers.interface import ReaderOptions
from medsynth.data.readers.picture import Picture
from medsynth.errors import DataError, InvalidArgumentError

SAMPLE: Final = 64
"""Masks that are looked at to find the rule."""

_FIELD: Final = "specification.data.options"
_BLACK_AND_WHITE: Final = (0, 255)
_MOST_GREY: Final = 0.1
_MOST_COLOUR: Final = 32
_MOST_LABELS: Final = 64
_SHOWN: Final = 6


@dataclass(frozen=True)
class MaskRule:
    """What the values of a set's masks mean.

    Attributes:
        values: Those that mean the labels 0, 1, 2, ...
        snap: Whether any other value means what the nearest of them means; lossy masks always
            snap.
    """

    values: tuple[int, ...]
    snap: bool = False


def mask_rule(
    files: Files, masks: Sequence[str], options: ReaderOptions
) -> tuple[MaskRule, tuple[str, ...]]:
    """The rule of a set, and remarks on it.

    `options.mask_values` decide where they are given. Else a lossy set is white on black; in a
    lossless one, values that are 0, 1, 2, ... with few gaps are the labels, and a single value
    besides 0 is label 1, whatever it is. Values that hardly any mask has do not count.

    Args:
        files: Of the source.
        masks: Paths of all masks, at least one. Up to `SAMPLE` of them are opened.
        options: Of the request. Where `class_names` are given, there are as many labels.

    Raises:
        DataError: The values mean nothing known, or none of the sample can be read.
        InvalidArgumentError: `class_names` are not as many as the labels.
    """
    remarks: tuple[str, ...] = ()
    if options.mask_values:
        rule = MaskRule(options.mask_values, snap=True)
    else:
        lossy = [path for path in masks if ending(path) in LOSSY]
        histograms = _sample(files, lossy or masks)
        if lossy:
            rule, remarks = MaskRule(_BLACK_AND_WHITE), _check_contrast(files, histograms)
        else:
            rule = MaskRule(label_values(files, histograms, len(options.class_names)))
    labels = len(rule.values) - 1
    if options.class_names and len(options.class_names) != labels:
        raise InvalidArgumentError.field(
            f"{_FIELD}.class_names",
            list(options.class_names),
            f"a name for each label but the background, {labels} in all",
        )
    return rule, remarks


def no_masks(options: ReaderOptions) -> None:
    """Checks the options for a set without masks.

    Raises:
        InvalidArgumentError: One of them is about masks.
    """
    for name in ("class_names", "mask_values"):
        if value := getattr(options, name):
            raise InvalidArgumentError.field(
                f"{_FIELD}.{name}", list(value), "none: the set has no masks"
            )


def class_names(rule: MaskRule, options: ReaderOptions) -> tuple[str, ...]:
    """Names of the labels, background first: those of the request, or `label 1`, `label 2`, ..."""
    numbered = tuple(f"label {label}" for label in range(1, len(rule.values)))
    return ("background", *(options.class_names or numbered))


def read_mask_file(file: Path, rule: MaskRule) -> NDArray[np.uint8]:
    """Labels of a mask (rows, columns).

    Args:
        file: An image. With a palette its indexes count, or which is the brighter one of two
            greys; of a colour image the grey level, which all channels have to agree on.
        rule: Of the set.

    Raises:
        DataError: It cannot be read, is coloured, or has a value that means no label.
    """
    values = _grey(file)
    if not rule.snap and ending(file.name) not in LOSSY:
        unknown = [value for value in _occurring(values) if value not in rule.values]
        if unknown:
            raise DataError(
                f"{file}: {_shown(unknown)} in the mask, expected {_shown(sorted(rule.values))} as "
                "in others of the set; options.mask_values can say what values mean"
            )
    order = np.argsort(rule.values)
    known = np.asarray(rule.values)[order]
    every = np.arange(int(values.max(initial=0)) + 1)
    table = order.astype(np.uint8)[np.searchsorted((known[1:] + known[:-1]) / 2, every)]
    return np.asarray(table[values])


def _grey(file: Path) -> NDArray[Any]:
    """Values of a mask as whole numbers from 0 to 65535 (rows, columns)."""
    picture = read_picture(file)
    channels = picture.values if picture.palette is None else _by_palette(picture)
    values: NDArray[Any] = channels[0]
    if len(channels) > 1:
        spread = channels.max(axis=0).astype(np.float64) - channels.min(axis=0)
        if spread.max() > (_MOST_COLOUR if ending(file.name) in LOSSY else 0):
            raise DataError(f"{file}: the mask is coloured, expected grey levels or a palette")
        values = channels[1]
    if values.dtype in (np.uint8, np.uint16):
        return values
    with np.errstate(invalid="ignore"):
        whole: NDArray[np.uint16] = np.clip(values, 0, 2**16 - 1).astype(np.uint16)
    if (whole != values).any():
        raise DataError(f"{file}: the mask has values that are no whole numbers from 0 to 65535")
    return whole


def _by_palette(picture: Picture) -> NDArray[Any]:
    """Indexes; black and white where the palette has two greys: in any order, they mean these."""
    indexes, palette = picture.values, picture.palette
    assert palette is not None
    highest = int(indexes.max())
    # TIFFs fill their palettes up with black.
    colours = palette[: 1 + max(highest, np.flatnonzero(palette.any(axis=1)).max(initial=0))]
    greys = np.unique(colours)
    if highest >= len(colours) or len(greys) > 2 or (colours != colours[:, :1]).any():
        return indexes
    dark = greys.mean() if len(greys) == 2 else 127
    levels: NDArray[Any] = np.where(colours[:, 0] > dark, 255, 0).astype(np.uint8)[indexes]
    return levels


def _sample(files: Files, masks: Sequence[str]) -> Mapping[str, NDArray[np.intp]]:
    """How often each value occurs, for evenly spread masks; those that are broken are left out."""
    count = min(SAMPLE, len(masks))
    chosen = [masks[(2 * k + 1) * len(masks) // (2 * count)] for k in range(count)]
    found: dict[str, NDArray[np.intp]] = {}
    broken: list[DataError] = []
    for path in chosen:
        try:
            found[path] = _histogram(files, path)
        except DataError as error:
            broken.append(error)
    if not found:
        raise broken[0]
    return found


def _histogram(files: Files, path: str) -> NDArray[np.intp]:
    with files.local([path]) as root:
        try:
            return np.bincount(_grey(root / path).ravel())
        except DataError as error:
            raise DataError(files.renamed(error.message, root)) from error


def _check_contrast(files: Files, histograms: Mapping[str, NDArray[np.intp]]) -> tuple[str, ...]:
    """A remark on lossy masks that may not be white on black; an error if they cannot be."""
    length = max(map(len, histograms.values()))
    counts = np.sum([np.pad(h, (0, length - len(h))) for h in histograms.values()], axis=0)
    if counts[1:].any() and not counts[128:].any():
        first = next(path for path, histogram in histograms.items() if len(histogram) > 1)
        raise DataError(
            f"{files.name(first)}: nothing in the masks is white, the brightest value is "
            f"{length - 1}; options.mask_values have to say what values mean"
        )
    grey, bright = counts[64:192].sum(), counts[64:].sum()
    if grey <= _MOST_GREY * bright:
        return ()
    return (
        f"Of the pixels of the masks that are not black, {grey / bright:.0%} are grey: where grey "
        "is a label of its own, mask_values have to say so.",
    )


def label_values(
    files: Files, histograms: Mapping[str, NDArray[np.intp]], names: int
) -> tuple[int, ...]:
    """The values that mean the labels 0, 1, 2, ..., for lossless masks; see `mask_rule`.

    Args:
        files: Of the source.
        histograms: How often each value occurs, by the paths of a sample of the masks.
        names: Of how many labels names were given; 0 where none were.

    Raises:
        DataError: The values mean nothing known.
    """
    having = Counter(v for h in histograms.values() for v in np.flatnonzero(h).tolist())
    rare = max(1, len(histograms) // 10) if len(histograms) > 2 else 0
    common = {value for value in having if having[value] > rare}
    found = _labels({*having}, names) or _labels(common, names)
    if found:
        return found
    first = next(p for p, h in histograms.items() if {*np.flatnonzero(h)} & common - {0})
    raise DataError(
        f"{files.name(first)}: the masks of the set have {_shown(sorted(common))}, which are "
        "neither labels 0, 1, 2, ... nor black and one other; options.mask_values have to say what "
        "values mean"
    )


def _labels(values: set[int], names: int) -> tuple[int, ...]:
    """Values as those of the labels 0, 1, 2, ...; nothing if they cannot be that.

    Args:
        values: That occur.
        names: Of how many labels names were given; 0 where none were.
    """
    highest = max(values, default=0)
    if highest <= names:
        return tuple(range(max(names, 1) + 1))
    if len(values - {0}) == 1:
        return (0, highest)
    if highest < min(2 * len(values | {0}), _MOST_LABELS):
        return tuple(range(highest + 1))
    return ()


def _occurring(values: NDArray[Any]) -> list[int]:
    return [int(value) for value in np.flatnonzero(np.bincount(values.ravel()))]


def _shown(values: Sequence[int]) -> str:
    more = ", ..." if len(values) > _SHOWN else ""
    return f"value{'s' * (len(values) > 1)} {', '.join(map(str, values[:_SHOWN]))}{more}"
