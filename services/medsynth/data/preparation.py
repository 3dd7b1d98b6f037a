"""The choices that turn volumes into square slices, checked as they come in.

Mirrors the message `Preparation` of `types.proto`. Services check requests with it, so it loads
no image library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from medsynth.data.numbers import LARGEST_SEED, finite_number, number_between, whole_number
from medsynth.data.volume import MAX_CHANNELS
from medsynth.errors import InvalidArgumentError
from medsynth.levels import BITS

CROPS = ("none", "centre", "foreground")
INTENSITIES = ("percentiles", "window")
ORIENTATIONS = ("stored", "standard")
SLICING = ("stored", "axial", "coronal", "sagittal")
FITS = ("pad", "stretch")
SPLITS = ("ratio", "official", "kfold", "assigned")

_PERCENTILES = (0.5, 99.5)
_LARGEST = 1e30
_NARROWEST = 1e-30
_WINDOW = f"a value in the file's units, {-_LARGEST:g} to {_LARGEST:g}"
_CHOICES = {
    "crop": CROPS,
    "intensity": INTENSITIES,
    "orientation": ORIENTATIONS,
    "slicing": SLICING,
    "fit": FITS,
    "split": SPLITS,
}
_MOST_ASSIGNED = 200_000


@dataclass(frozen=True)
class Assignment:
    """Which patients train, validate and test; together every patient of the set, once.

    Attributes:
        train: Pseudonyms, as the reader gives them.
        validation: Likewise.
        test: Likewise.
    """

    train: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.train or self.validation or self.test)


@dataclass(frozen=True)
class Preparation:
    """How volumes become square slices. Field by field as in `types.proto`.

    Attributes:
        size: Side of the slices in pixels, 32 to 512.
        crop: `none`: the whole slice. `centre`: a square about the middle of the slice.
            `foreground`: a square about the centre of mass of the volume's labels, moved inside
            the slice; about the middle if the volume has no label.
        crop_share: Side of the cut square as a share of the slice's shorter side, above 0 to 1.
        intensity: `percentiles` of each volume and channel, or `window` in the file's units.
        intensity_low: What becomes the darkest level. For percentiles 0.5 unless given.
        intensity_high: What becomes the brightest. For percentiles 99.5 unless given.
        train_share: Share of the patients in the training split, above 0 and below 1.
        validation_share: Likewise for validation; the rest are the test split.
        split_seed: Seed of the assignment of patients to splits, 0 to 2^63-1.
        orientation: `stored`, or `standard`: axes are turned and swapped, by whole quarter turns,
            to lie as near as they can to slices from feet to head (front to back, or right to
            left), rows from front to back (head to feet) and columns from right to left (front to
            back).
        slicing: What slices are: `stored`, or the anatomical plane `axial`, `coronal` or
            `sagittal` (then they are turned to the standard orientation too).
        spacing: Distance of rows and of columns in mm that slices are resampled to before they are
            cut; 0: as stored.
        slice_spacing: Likewise of slices.
        keep_empty_share: Share of the slices without any label that is kept, 0 to 1, evenly
            spread over each volume.
        fit: How a slice that is not cut becomes a square: `pad` (with the darkest level) or
            `stretch`.
        channels: Channels that every image must have, 1 to 8; a colour image whose channels are
            all alike counts as one channel. 0: as many as the first one has.
        label_map: Labels that become others; labels that are not named stay as they are.
        split: How patients are divided: `ratio` (by the shares), `official` (the set's own
            training and testing parts; validation is cut from the training part), `kfold` (fold
            number `fold` of `folds` tests) or `assigned` (by `assignment`).
        folds: Number of folds, 2 to 100.
        fold: The one that tests, 0 to `folds` - 1.
        assignment: The patients of each split.
        bad_share: Share of the scans that may be unusable: they are passed over and listed.
        bits: Of the levels of a pixel, 8 or 16.
        foreground_share: Share of the images shown in a training that have a label, above 0 to 1;
            0: as many as there are. It changes what is shown, not what is prepared.

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
    orientation: str = "stored"
    slicing: str = "stored"
    spacing: float = 0.0
    slice_spacing: float = 0.0
    keep_empty_share: float = 1.0
    fit: str = "pad"
    channels: int = 0
    label_map: Mapping[int, int] = field(default_factory=dict)
    split: str = "ratio"
    folds: int = 5
    fold: int = 0
    assignment: Assignment = field(default_factory=Assignment)
    bad_share: float = 0.0
    bits: int = 8
    foreground_share: float = 0.0

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
        known = [field.name for field in fields(cls)]
        for name, value in given.items():
            if name not in known:
                raise InvalidArgumentError.field(
                    f"{prefix}.{name}", value, f"one of the fields {', '.join(known)}"
                )
        return cls(**_checked({**_DEFAULTS, **given}, prefix))

    def to_mapping(self) -> dict[str, Any]:
        """Every field, in types that JSON knows; `from_mapping` reverses it."""
        return {
            **asdict(self),
            "label_map": {str(old): new for old, new in self.label_map.items()},
            "assignment": {name: list(names) for name, names in asdict(self.assignment).items()},
        }


_DEFAULTS = {
    field.name: field.default_factory() if callable(field.default_factory) else field.default
    for field in fields(Preparation)
}


def _checked(given: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The values with their types and defaults settled."""
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
    values = _checked_shares(values, prefix)
    for name in ("spacing", "slice_spacing"):
        values[name] = number_between(values[name], f"{prefix}.{name}", 0, 100, "millimetres, ")
    values["label_map"] = _checked_labels(values["label_map"], f"{prefix}.label_map")
    values["assignment"] = _checked_assignment(values, f"{prefix}.assignment")
    return _checked_limits(values, prefix)


def _checked_shares(values: dict[str, Any], prefix: str) -> dict[str, Any]:
    for name, accepted in (
        ("crop_share", "above 0 up to 1"),
        ("train_share", "above 0 and below 1"),
        ("validation_share", "above 0 and below 1"),
    ):
        share = finite_number(values[name], f"{prefix}.{name}", f"a number {accepted}")
        if not 0 < share <= 1 or (share == 1 and name != "crop_share"):
            raise InvalidArgumentError.field(f"{prefix}.{name}", share, f"a number {accepted}")
        values[name] = share
    for name in ("keep_empty_share", "bad_share", "foreground_share"):
        values[name] = number_between(values[name], f"{prefix}.{name}", 0, 1)
    if values["train_share"] + values["validation_share"] >= 1 - 1e-9:
        raise InvalidArgumentError.field(
            f"{prefix}.validation_share",
            values["validation_share"],
            f"less than {1 - values['train_share']:g}, so that with a train_share of "
            f"{values['train_share']:g} patients are left for the test split",
        )
    return values


def _checked_labels(given: Any, path: str) -> dict[int, int]:
    accepted = "labels from 0 to 255 that become labels from 0 to 255"
    if not isinstance(given, Mapping):
        raise InvalidArgumentError.field(path, given, accepted)
    return {
        whole_number(old, path, 0, 255): whole_number(new, path, 0, 255)
        for old, new in sorted(given.items(), key=lambda pair: str(pair[0]))
    }


def _checked_assignment(values: Mapping[str, Any], path: str) -> Assignment:
    given = values["assignment"]
    parts = given if isinstance(given, Mapping) else asdict(given)
    assignment = Assignment(
        *(_patients(parts.get(f.name, ()), f"{path}.{f.name}") for f in fields(Assignment))
    )
    if values["split"] != "assigned":
        if assignment:
            raise InvalidArgumentError.field(
                path, f"{sum(map(len, asdict(assignment).values()))} patients",
                "none unless split is `assigned`",
            )  # fmt: skip
        return assignment
    every = [patient for part in asdict(assignment).values() for patient in part]
    if not all(asdict(assignment).values()) or len(every) > _MOST_ASSIGNED:
        raise InvalidArgumentError.field(
            path, f"{len(every)} patients",
            f"1 to {_MOST_ASSIGNED} patients for each of train, validation and test",
        )  # fmt: skip
    twice = next((p for p, q in zip(sorted(every), sorted(every)[1:], strict=False) if p == q), "")
    if twice:
        raise InvalidArgumentError.field(path, twice, "every patient once")
    return assignment


def _patients(given: Any, path: str) -> tuple[str, ...]:
    if isinstance(given, str) or not all(isinstance(name, str) and name for name in given):
        raise InvalidArgumentError.field(path, given, "names of patients")
    return tuple(given)


def _checked_limits(values: dict[str, Any], prefix: str) -> dict[str, Any]:
    percentiles = values["intensity"] == "percentiles"
    kind = "a percentile from 0 to 100" if percentiles else _WINDOW
    for name, default in zip(("intensity_low", "intensity_high"), _PERCENTILES, strict=True):
        path = f"{prefix}.{name}"
        if values[name] is None:
            if not percentiles:
                raise InvalidArgumentError.field(path, None, f"{kind} (required for a window)")
            values[name] = default
        values[name] = finite_number(values[name], path, kind)
        if not (0 <= values[name] <= 100 if percentiles else abs(values[name]) <= _LARGEST):
            raise InvalidArgumentError.field(path, values[name], kind)
    if values["intensity_high"] - values["intensity_low"] < _NARROWEST:
        raise InvalidArgumentError.field(
            f"{prefix}.intensity_high",
            values["intensity_high"],
            f"{kind} above intensity_low, {values['intensity_low']:g}",
        )
    return values
