"""The elements of a DICOM header, whatever they hold: their values may be hostile."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.tag import BaseTag

Group = Callable[[str], "Dataset | None"]


def value(dataset: Dataset, keyword: str) -> Any:
    """The value of an element; None if it is missing, empty, or not what its kind should be."""
    try:
        tag = tag_of(keyword)
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


def class_of(dataset: Dataset) -> str:
    """UID of the kind of object that a file holds; empty if it does not say."""
    return text(dataset, "SOPClassUID") or text(
        getattr(dataset, "file_meta", dataset), "MediaStorageSOPClassUID"
    )


def groups(dataset: Dataset, frame: int) -> Group:
    """The functional groups of a frame by their keyword: its own, else those that all share."""
    each, shared = (
        items(dataset, f"{kind}FunctionalGroupsSequence") for kind in ("PerFrame", "Shared")
    )
    own = each[frame : frame + 1]

    def group(keyword: str) -> Dataset | None:
        found = (items(where, keyword) for where in (*own, *shared[:1]))
        return next((sequence[0] for sequence in found if sequence), None)

    return group


@cache
def tag_of(keyword: str) -> BaseTag:
    """The tag of a keyword."""
    from pydicom.tag import Tag

    return Tag(keyword)


def _several(found: Any) -> list[Any]:
    if found is None:
        return []
    if isinstance(found, str | float | int):
        return [found]
    from pydicom.multival import MultiValue

    return list(found) if isinstance(found, MultiValue | list | tuple) else [found]
