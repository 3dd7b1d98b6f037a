"""The choices that turn volumes into square 8-bit slices, checked as they come in.

Mirrors the message `Preparation` of `types.proto`. Services check requests with it, so it loads
no image library.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from medsynth.errors import InvalidArgumentError

CROPS = ("none", "centre", "foreground")
INTENSITIES = ("percentiles", "window")
LARGEST_SEED = 2**63 - 1

_PERCENTILES = (0.5, 99.5)
_LARGEST = 1e30
_NARROWEST = 1e-30
_WINDOW = f"a value in the file's units, {-_LARGEST:g} to {_LARGEST:g}"


@dataclass(frozen=True)
class Preparation:
    """How volumes become square slices. Field by field as in `types.proto`.

    Attributes:
        size: Side of the slices in pixels, 32 to 512.
        crop: `none`: the whole slice, padded with black to a square. `centre`: a square about the
            middle of the slice. `foreground`: a square about the centre of mass of the volume's
            labels, moved inside the slice; about the middle if the volume has no label.
        crop_share: Side of the cut square as a share of the slice's shorter side, above 0 to 1.
        intensity: `percentiles` of each volume and channel, or `window` in the file's units.
        intensity_low: What becomes 0. For percentiles 0.5 unless given.
        intensity_high: What becomes 255. For percentiles 99.5 unless given.
        train_share: Share of the patients in the training split, above 0 and below 1.
        validation_share: Likewise for validation; the rest are the test split.
        split_seed: Seed of the assignment of patients to splits, 0 to 2^63-1.

    Raises:
        InvalidArgumentError: A field is outside its range, or two do not go together.
    """

    size: int = 64
    crop: str = "none"
    crop_share: float = 0.6
    intensity: str = "percentiles"
    intensity_low: float | None = None
    intensity_high: float | None = None
    train_share: float = 0.6
    validation_share: float = 0.15
    split_seed: int = 0

    def __post_init__(self) -> None:
        for name, value in _checked(self.__dict__, "preparation").items():
            object.__setattr__(self, name, value)

    @property
    def limits(self) -> tuple[float, float]:
        """`intensity_low` and `intensity_high`."""
        assert self.intensity_low is not None
        assert self.intensity_high is not None
        return self.intensity_low, self.intensity_high

    @classmethod
    def from_mapping(
        cls, given: Mapping[str, Any], prefix: str = "specification.data.preparation"
    ) -> Preparation:
        """Builds it from the fields that a request sets; the others take their defaults.

        Args:
            given: Values by field name. Integers may be decimal strings, as protobuf's JSON has
                them.
            prefix: Path of the message in the request, for errors.

        Raises:
            InvalidArgumentError: Names the field, its value and what is accepted.
        """
        defaults = {field.name: field.default for field in fields(cls)}
        for name, value in given.items():
            if name not in defaults:
                raise InvalidArgumentError.field(
                    f"{prefix}.{name}", value, f"one of the fields {', '.join(defaults)}"
                )
        return cls(**_checked({**defaults, **given}, prefix))

    def to_mapping(self) -> dict[str, Any]:
        """Every field; `from_mapping` reverses it."""
        return asdict(self)


def _checked(given: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The values with their types and defaults settled."""
    refuse = InvalidArgumentError.field
    values = dict(given)
    values["size"] = whole_number(values["size"], f"{prefix}.size", 32, 512)
    values["split_seed"] = whole_number(
        values["split_seed"], f"{prefix}.split_seed", 0, LARGEST_SEED
    )
    for name, accepted in (("crop", CROPS), ("intensity", INTENSITIES)):
        if values[name] not in accepted:
            raise refuse(f"{prefix}.{name}", values[name], f"one of {', '.join(accepted)}")
    shares = {"crop_share": "above 0 up to 1", "train_share": "above 0 and below 1",
              "validation_share": "above 0 and below 1"}  # fmt: skip
    for name, accepted_range in shares.items():
        share = _number(values[name], f"{prefix}.{name}", f"a number {accepted_range}")
        if not 0 < share <= 1 or (share == 1 and name != "crop_share"):
            raise refuse(f"{prefix}.{name}", share, f"a number {accepted_range}")
        values[name] = share
    if values["train_share"] + values["validation_share"] >= 1 - 1e-9:
        raise refuse(
            f"{prefix}.validation_share",
            values["validation_share"],
            f"less than {1 - values['train_share']:g}, so that with a train_share of "
            f"{values['train_share']:g} patients are left for the test split",
        )
    return _checked_limits(values, prefix)


def _checked_limits(values: dict[str, Any], prefix: str) -> dict[str, Any]:
    refuse = InvalidArgumentError.field
    percentiles = values["intensity"] == "percentiles"
    kind = "a percentile from 0 to 100" if percentiles else _WINDOW
    for name, default in zip(("intensity_low", "intensity_high"), _PERCENTILES, strict=True):
        path = f"{prefix}.{name}"
        if values[name] is None:
            if not percentiles:
                raise refuse(path, None, f"{kind} (required for a window)")
            values[name] = default
        values[name] = _number(values[name], path, kind)
        if not (0 <= values[name] <= 100 if percentiles else abs(values[name]) <= _LARGEST):
            raise refuse(path, values[name], kind)
    if values["intensity_high"] - values["intensity_low"] < _NARROWEST:
        raise refuse(
            f"{prefix}.intensity_high",
            values["intensity_high"],
            f"{kind} above intensity_low, {values['intensity_low']:g}",
        )
    return values


def whole_number(value: Any, path: str, low: int, high: int) -> int:
    """An integer of a request, given as a number or as its decimal digits.

    Raises:
        InvalidArgumentError: It is none, or outside `low` to `high`.
    """
    number = value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:
        number = int(value)
    if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
        upper = "2^63-1" if high == LARGEST_SEED else str(high)
        raise InvalidArgumentError.field(path, value, f"an integer from {low} to {upper}")
    return number


def _number(value: Any, path: str, accepted: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidArgumentError.field(path, value, accepted)
    return float(value)
