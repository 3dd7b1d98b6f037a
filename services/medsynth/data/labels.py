"""Labels that become others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from medsynth.data.volume import Volume
from medsynth.errors import InvalidArgumentError


def mapped_classes(
    classes: Sequence[str],
    label_map: Mapping[int, int],
    field: str = "specification.data.preparation.label_map",
) -> tuple[str, ...]:
    """Names of the labels after the mapping, background first.

    A label that takes in several has their names, joined by ` + `.

    Args:
        classes: Names of the labels as read, background first; empty without masks.
        label_map: Of the preparation.
        field: Its path in the request, for errors.

    Raises:
        InvalidArgumentError: It names a label that there is not, or leaves a gap.
    """
    unknown = [label for label in label_map if not 0 < label < len(classes)]
    if unknown:
        names = ", ".join(f"{label} {name}" for label, name in enumerate(classes) if label)
        raise InvalidArgumentError.field(field, unknown, names or "none: the set has no masks")
    names_of: dict[int, list[str]] = {}
    for label in range(len(classes)):
        names_of.setdefault(label_map.get(label, label), []).append(classes[label])
    if sorted(names_of) != list(range(len(names_of))) or (classes and len(names_of) < 2):
        raise InvalidArgumentError.field(
            field,
            dict(label_map),
            f"a mapping that leaves labels 0, 1, ... without a gap, not {sorted(names_of)}",
        )
    return tuple(
        classes[0] if label == 0 else " + ".join(names) for label, names in sorted(names_of.items())
    )


def with_labels_mapped(volume: Volume, label_map: Mapping[int, int]) -> Volume:
    """The volume with other labels; labels that are not named stay as they are."""
    if volume.masks is None or not label_map:
        return volume
    table = np.arange(256, dtype=np.uint8)
    for old, new in label_map.items():
        table[old] = new
    return replace(volume, masks=table[volume.masks])
