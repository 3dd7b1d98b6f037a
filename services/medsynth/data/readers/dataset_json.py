"""`dataset.json`, as the Medical Segmentation Decathlon and nnU-Net have it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from medsynth.data.files import Files
from medsynth.data.readers.interface import MOST_CLASSES
from medsynth.data.readers.volume_scans import stored_for
from medsynth.data.volume import MAX_CHANNELS
from medsynth.errors import DataError, shorten, show

FILE: Final = "dataset.json"

_LONGEST_NAME: Final = 100
_IGNORE: Final = "ignore"


@dataclass(frozen=True)
class Labels:
    """What the values of a set's masks mean.

    Attributes:
        classes: Names of the labels 0, 1, ..., background first.
        stored: The values that stand for them, rising; empty: the labels do.
        remarks: What is worth knowing about them, one sentence each.
    """

    classes: tuple[str, ...]
    stored: tuple[int, ...]
    remarks: tuple[str, ...]


def read_dataset_json(files: Files) -> Mapping[str, Any]:
    """What the file says.

    Raises:
        DataError: It is missing, too long, or no JSON object; or an object in it has a name twice.
    """
    name = files.name(FILE)
    try:
        content = json.loads(files.read(FILE), object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name}: is no JSON that can be used: {show(str(error))}") from error
    if not isinstance(content, dict):
        raise DataError(f"{name}: expected a JSON object, not {type(content).__name__}")
    return content


def channels_of(content: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Names of the image's channels: `channel_names`, or `modality` in older files.

    Args:
        content: Of the file.
        name: Of the file, for messages.

    Returns:
        The names; none where the file does not say.

    Raises:
        DataError: They are not numbered 0, 1, ..., or more than 8.
    """
    field = "channel_names" if "channel_names" in content else "modality"
    found = content.get(field)
    if found is None:
        return ()
    accepted = f'names by number, such as {{"0": "CT"}}, of at most {MAX_CHANNELS} channels'
    if not isinstance(found, dict) or not 1 <= len(found) <= MAX_CHANNELS:
        raise DataError(f"{name}: {field} is {show(found)}, expected {accepted}")
    names = [found.get(str(number)) for number in range(len(found))]
    if not all(isinstance(channel, str) for channel in names):
        raise DataError(f"{name}: {field} is {show(found)}, expected {accepted}")
    return tuple(str(channel) for channel in names)


def units_of(channels: tuple[str, ...]) -> str:
    """`HU` where every channel is CT; else empty."""
    return "HU" if modality_of(channels) == "CT" else ""


def modality_of(channels: tuple[str, ...]) -> str:
    """What made the images, as `Survey` has it: `CT` or `MR` where every channel says so."""
    names = {name.strip().upper().replace("MRI", "MR") for name in channels}
    return next((name for name in ("CT", "MR") if names == {name}), "")


def labels_of(content: Mapping[str, Any], name: str) -> Labels:
    """What the values of masks mean: `labels`, as names by value or as values by name.

    Regions, names with several values, overlap; each label is named by all that it lies in. The
    value called `ignore` is none of the labels: scans that have it are refused when read.

    Args:
        content: Of the file.
        name: Of the file, for messages.

    Raises:
        DataError: There are none, or a name or value is not one.
    """
    found = content.get("labels")
    if not isinstance(found, dict) or not found:
        raise DataError(f"{name}: labels is {show(found)}, expected names and values of labels")
    remarks: list[str] = []
    names: dict[int, list[str]] = {}
    for key, value in found.items():
        digits = key.strip()
        by_value = isinstance(value, str) and digits.isdigit()
        label, values = (value, _values(digits, name)) if by_value else (key, _values(value, name))
        label = shorten(label.strip(), _LONGEST_NAME)
        if not label:
            raise DataError(f"{name}: the label {show(values)} has no name")
        if label == _IGNORE:
            remarks.append(
                f"The value {values[0]} marks pixels that nobody labelled (ignore): scans that "
                "have it cannot be used."
            )
            continue
        if len(values) > 1 and not by_value:
            regions = "Its classes are regions that overlap: labels are named by all they lie in."
            remarks += [regions] if regions not in remarks else []
        for number in values:
            names.setdefault(number, []).append(label)
    return _labels(names, remarks, name)


def _labels(names: dict[int, list[str]], remarks: list[str], name: str) -> Labels:
    names.setdefault(0, ["background"])
    if len(names) < 2:
        raise DataError(f"{name}: labels has none but the background")
    stored = tuple(sorted(names))
    joined = [shorten(" & ".join(names[value]), _LONGEST_NAME) for value in stored]
    classes = tuple(
        label if joined.count(label) == 1 else f"{label} ({value})"
        for label, value in zip(joined, stored, strict=True)
    )
    stored, about_values = stored_for(stored)
    return Labels(classes, stored, (*remarks, *about_values))


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{show(name)} is there twice")
        found[name] = value
    return found


def _values(given: Any, name: str) -> list[int]:
    """One value or several, as numbers or their digits."""
    values = [_value(value) for value in (given if isinstance(given, list) else [given])]
    fit = values and len(set(values)) == len(values)
    if not fit or not all(0 <= value < MOST_CLASSES for value in values):
        raise DataError(
            f"{name}: {show(given)} in labels, expected whole numbers from 0 to {MOST_CLASSES - 1}"
        )
    return values


def _value(given: Any) -> int:
    """A number or its digits; -1 for anything else."""
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 5:
        return int(given)
    return given if type(given) is int else -1
