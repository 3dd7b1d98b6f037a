"""Checks of the fields of a `Preparation`: each in its range, and those that go together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from medsynth.data.assignment import checked_assignment
from medsynth.data.numbers import LARGEST_SEED, finite_number, number_between, whole_number
from medsynth.data.volume import MAX_CHANNELS
from medsynth.errors import InvalidArgumentError
from medsynth.levels import BITS

CROPS: Final = ("none", "centre", "foreground")
INTENSITIES: Final = ("percentiles", "window")
ORIENTATIONS: Final = ("stored", "standard")
SLICING: Final = ("stored", "axial", "coronal", "sagittal")
FITS: Final = ("pad", "stretch")
SPLITS: Final = ("ratio", "official", "kfold", "assigned")

_CHOICES: Final = {
    "crop": CROPS,
    "intensity": INTENSITIES,
    "orientation": ORIENTATIONS,
    "slicing": SLICING,
    "fit": FITS,
    "split": SPLITS,
}
_TAKES_EFFECT: Final = {
    "crop_share": ("crop", ("centre", "foreground")),
    "fit": ("crop", ("none",)),
    "train_share": ("split", ("ratio", "official", "kfold")),
    "validation_share": ("split", ("ratio", "official", "kfold")),
    "split_seed": ("split", ("ratio", "official", "kfold")),
    "folds": ("split", ("kfold",)),
    "fold": ("split", ("kfold",)),
}
"""Fields that do something for some choices of another field alone."""

_PERCENTILES: Final = (0.5, 99.5)
_LARGEST: Final = 1e30
_NARROWEST: Final = 1e-30
_WINDOW: Final = f"a value in the file's units, {-_LARGEST:g} to {_LARGEST:g}"


def checked_fields(
    given: Mapping[str, Any], defaults: Mapping[str, Any], prefix: str
) -> dict[str, Any]:
    """The fields of a preparation with their types and defaults settled.

    Args:
        given: Every field, by name.
        defaults: Likewise.
        prefix: Path of the message in the request, for errors.

    Raises:
        InvalidArgumentError: A field is outside its range, would do nothing, or does not go
            together with another.
    """
    values = dict(given)
    for name, low, high in (
        ("size", 32, 512),
        ("split_seed", 0, LARGEST_SEED),
        ("channels", 0, MAX_CHANNELS),
        ("folds", 2, 100),
    ):
        values[name] = whole_number(values[name], f"{prefix}.{name}", low, high)
    values["fold"] = whole_number(values["fold"], f"{prefix}.fold", 0, values["folds"] - 1)
    for name, accepted in _CHOICES.items():
        if values[name] not in accepted:
            raise InvalidArgumentError.field(
                f"{prefix}.{name}", values[name], f"one of {', '.join(accepted)}"
            )
    if values["bits"] not in BITS:
        raise InvalidArgumentError.field(f"{prefix}.bits", values["bits"], "8 or 16")
    values |= _checked_shares(values, prefix)
    for name in ("spacing", "slice_spacing"):
        values[name] = number_between(values[name], f"{prefix}.{name}", 0, 100, "millimetres, ")
    values["label_map"] = _checked_labels(values["label_map"], f"{prefix}.label_map")
    values["assignment"] = checked_assignment(
        values["assignment"], f"{prefix}.assignment", needed=values["split"] == "assigned"
    )
    values |= _checked_limits(values, prefix)
    _check_effects(values, defaults, prefix)
    return values


def _checked_shares(values: Mapping[str, Any], prefix: str) -> dict[str, float]:
    shares = {}
    for name, accepted in (
        ("crop_share", "above 0 up to 1"),
        ("train_share", "above 0 and below 1"),
        ("validation_share", "above 0 and below 1"),
    ):
        share = finite_number(values[name], f"{prefix}.{name}", f"a number {accepted}")
        if not 0 < share <= 1 or (share == 1 and name != "crop_share"):
            raise InvalidArgumentError.field(f"{prefix}.{name}", share, f"a number {accepted}")
        shares[name] = share
    for name in ("keep_empty_share", "bad_share", "foreground_share"):
        shares[name] = number_between(values[name], f"{prefix}.{name}", 0, 1)
    if shares["train_share"] + shares["validation_share"] >= 1 - 1e-9:
        raise InvalidArgumentError.field(
            f"{prefix}.validation_share",
            shares["validation_share"],
            f"less than {1 - shares['train_share']:g}, so that with a train_share of "
            f"{shares['train_share']:g} patients are left for the test split",
        )
    return shares


def _checked_labels(given: Any, path: str) -> dict[int, int]:
    accepted = "labels from 1 to 255 that become labels from 0 to 255"
    if not isinstance(given, Mapping):
        raise InvalidArgumentError.field(path, given, accepted)
    try:
        return {
            whole_number(old, path, 1, 255): whole_number(new, path, 0, 255)
            for old, new in sorted(given.items(), key=lambda pair: str(pair[0]))
        }
    except InvalidArgumentError as error:
        raise InvalidArgumentError.field(path, dict(given), accepted) from error


def _checked_limits(values: Mapping[str, Any], prefix: str) -> dict[str, float]:
    percentiles = values["intensity"] == "percentiles"
    kind = "a percentile from 0 to 100" if percentiles else _WINDOW
    limits = {}
    for name, default in zip(("intensity_low", "intensity_high"), _PERCENTILES, strict=True):
        path, value = f"{prefix}.{name}", values[name]
        if value is None:
            if not percentiles:
                raise InvalidArgumentError.field(path, None, f"{kind} (required for a window)")
            value = default
        limits[name] = finite_number(value, path, kind)
        if not (0 <= limits[name] <= 100 if percentiles else abs(limits[name]) <= _LARGEST):
            raise InvalidArgumentError.field(path, value, kind)
    if limits["intensity_high"] - limits["intensity_low"] < _NARROWEST:
        raise InvalidArgumentError.field(
            f"{prefix}.intensity_high",
            limits["intensity_high"],
            f"{kind} above intensity_low, {limits['intensity_low']:g}",
        )
    return limits


def _check_effects(values: Mapping[str, Any], defaults: Mapping[str, Any], prefix: str) -> None:
    for name, (other, choices) in _TAKES_EFFECT.items():
        if values[other] not in choices and values[name] != defaults[name]:
            raise InvalidArgumentError.field(
                f"{prefix}.{name}",
                values[name],
                f"{defaults[name]}, the default, unless {other} is {' or '.join(choices)}",
            )
