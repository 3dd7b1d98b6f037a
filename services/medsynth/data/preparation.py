"""The choices that turn volumes into square slices, checked as they come in.

Mirrors the message `Preparation` of `types.proto`. Services check requests with it, so it loads
no image library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from medsynth.data.assignment import Assignment
from medsynth.data.preparation_checks import checked_fields
from medsynth.errors import InvalidArgumentError


@dataclass(frozen=True)
class Preparation:
    """How volumes become square slices. Field by field as in `types.proto`.

    Attributes:
        size: Side of the slices in pixels, 32 to 512.
        crop: `none`: the whole slice. `centre`: a square about the middle of the slice.
            `foreground`: a square about the centre of mass of the volume's labels, moved inside
            the slice; about the middle if the volume has no label. The set needs masks.
        crop_share: Side of the cut square as a share of the slice's shorter side, above 0 to 1.
            The default unless something is cut.
        intensity: `percentiles` of each volume and channel, or `window` in the file's units.
        intensity_low: What becomes the darkest level. For percentiles 0.5 unless given.
        intensity_high: What becomes the brightest. For percentiles 99.5 unless given.
        train_share: Share of the patients in the training split, above 0 and below 1.
        validation_share: Likewise for validation; the rest are the test split. Where another rule
            decides who tests, the two are divided in proportion. The default, as the seed, if
            patients are `assigned`.
        split_seed: Seed of the assignment of patients to splits, 0 to 2^63-1.
        orientation: `stored`, or `standard`: axes are turned and swapped, by whole quarter turns,
            to lie as near as they can to slices from feet to head (front to back, or right to
            left), rows from front to back (head to feet) and columns from right to left (front to
            back).
        slicing: What slices are: `stored`, or the anatomical plane `axial`, `coronal` or
            `sagittal` (then they are turned to the standard orientation too).
        spacing: Distance of rows and of columns in mm that slices are resampled to before they are
            cut, as near as whole pixels over the same extent allow; 0: as stored.
        slice_spacing: Likewise of slices.
        keep_empty_share: Share of the slices without any label that is kept, 0 to 1, evenly
            spread over each volume; below 1 the set needs masks.
        fit: How a slice that is not cut becomes a square: `pad` (with the darkest level) or
            `stretch`. The default if it is cut.
        channels: Channels that every image must have, 1 to 8; for 1 a colour image counts whose
            channels are all alike. 0: as many as the first usable one has.
        label_map: Labels (1 to 255) that become others (0 to 255); labels that are not named stay
            as they are.
        split: How patients are divided: `ratio` (by the shares), `official` (the set's own
            training and testing parts; validation is cut from the training part), `kfold` (fold
            number `fold` of `folds` tests) or `assigned` (by `assignment`).
        folds: Number of folds, 2 to 100. The default, as the fold, unless the split is `kfold`.
        fold: The one that tests, 0 to `folds` - 1.
        assignment: The patients of each split.
        bad_share: Share of the scans that may be unusable: they are passed over and listed.
        bits: Of the levels of a pixel, 8 or 16.
        foreground_share: Share of the images shown in a training that have a label, above 0 to 1;
            0: as many as there are. It changes what is shown, not what is prepared.

    Raises:
        InvalidArgumentError: A field is outside its range, would do nothing, or does not go
            together with another.
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
        for name, value in checked_fields(self.__dict__, _DEFAULTS, "preparation").items():
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
        return cls(**checked_fields({**_DEFAULTS, **given}, _DEFAULTS, prefix))

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
