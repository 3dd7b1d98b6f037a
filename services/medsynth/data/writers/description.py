"""What is known about a synthetic data set, beyond its images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from functools import cached_property
from typing import Any, Final

import numpy as np

from medsynth.data.volume import Affine, upright
from medsynth.errors import InvalidArgumentError

RESEARCH: Final = (
    "Synthetic image: it shows no patient. For research only, not for diagnosis or treatment."
)
"""What every format says that has a place for it."""

NOT_STATED: Final = "not stated"

_MODALITIES: Final = {
    **{
        term: term
        for term in (
            "CR", "CT", "DX", "ES", "GM", "IO", "IVUS", "MG", "MR", "NM", "OCT", "OP", "OPT", "PT",
            "PX", "RF", "SM", "US", "XA", "XC",
        )
    },
    "MRI": "MR",
    "FUNDUS": "XC",
}  # fmt: skip
_LONGEST: Final = 10_000
_LARGEST: Final = 1e150
_FLATTEST: Final = 1e-6
_POSITIVE: Final = "a finite number of millimetres above 0"


@dataclass(frozen=True)
class SetDescription:
    """What is known about a synthetic data set. Everything is optional.

    Attributes:
        title: Name of the set, for people.
        generator: Name of what drew the images.
        generator_digest: `sha256:...`.
        seed: Of the draw.
        classes: Names of the labels, background first; empty: not stated.
        modality: `MR`, `CT`, `US`, `XC` (photographs; `fundus` is understood as well) or another
            term of DICOM (0008,0060); what is not among these counts as unknown.
        intensities: For each channel the value of level 0 and of the brightest level in the
            `units`; empty: levels mean nothing but themselves.
        units: `HU`, or empty where intensities have no unit.
        spacing: Distance of rows and of columns in mm.
        slice_spacing: Distance of the training set's slices in mm.
        affine: As in `Volume`, of a typical slice of the training set; spacings follow from it.
        preparation: How the training set was prepared.
        licence: Text, name or URL.
        intended_use: As the maker of the set states it.
        citation: How to cite the set.
        creator: Person or organisation that made it.
        url: Its page.
        date: Of its making, `YYYY-MM-DD`; empty: unknown (files that need one say 1970-01-01).
        number: Number of the set among nnU-Net's, 1 to 999.

    Raises:
        InvalidArgumentError: Names the field, its value and what is accepted.
    """

    title: str = ""
    generator: str = ""
    generator_digest: str = ""
    seed: int | None = None
    classes: tuple[str, ...] = ()
    modality: str = ""
    intensities: tuple[tuple[float, float], ...] = ()
    units: str = ""
    spacing: tuple[float, float] | None = None
    slice_spacing: float | None = None
    affine: tuple[tuple[float, ...], ...] | None = None
    preparation: Mapping[str, Any] = field(default_factory=dict)
    licence: str = f"licence {NOT_STATED}"
    intended_use: str = f"intended use {NOT_STATED}"
    citation: str = ""
    creator: str = ""
    url: str = ""
    date: str = ""
    number: int = 900

    def __post_init__(self) -> None:
        for known in fields(self):
            value = getattr(self, known.name)
            if known.type == "str" and not (isinstance(value, str) and len(value) <= _LONGEST):
                _refuse(known.name, value, f"text of at most {_LONGEST} characters")
        if self.seed is not None and type(self.seed) is not int:
            _refuse("seed", self.seed, "a whole number, or None")
        if not _are_names(self.classes):
            _refuse("classes", self.classes, "different names")
        if not _are_ranges(self.intensities):
            _refuse("intensities", self.intensities, "pairs of a lower and a higher finite value")
        if self.spacing is not None and not _are_distances(self.spacing, 2):
            _refuse("spacing", self.spacing, f"two times {_POSITIVE}")
        if self.slice_spacing is not None and not _are_distances((self.slice_spacing,), 1):
            _refuse("slice_spacing", self.slice_spacing, _POSITIVE)
        if self.affine is not None and not _invertible(self.affine):
            _refuse("affine", self.affine, "a finite matrix (4, 4) that can be inverted")
        if not isinstance(self.preparation, Mapping):
            _refuse("preparation", self.preparation, "a mapping")
        if type(self.number) is not int or not 1 <= self.number <= 999:
            _refuse("number", self.number, "1 to 999")
        if self.date and not _is_date(self.date):
            _refuse("date", self.date, "a date such as 2024-12-31, or nothing")

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> SetDescription:
        """Reverses `to_mapping`.

        Raises:
            InvalidArgumentError: Names the field, its value and what is accepted.
        """
        known = [field.name for field in fields(cls)]
        if not isinstance(given, Mapping):
            raise InvalidArgumentError.field("description", given, "a mapping")
        for name, value in given.items():
            if name not in known:
                _refuse(name, value, f"one of the fields {', '.join(known)}")
        return cls(**{name: _tuples(value) for name, value in given.items()})

    def to_mapping(self) -> dict[str, Any]:
        """Every field, in types that JSON knows."""
        return {known.name: _lists(getattr(self, known.name)) for known in fields(self)}

    def scale(self, channel: int, levels: int) -> tuple[float, float]:
        """What turns levels of a channel into intensities.

        Args:
            channel: From 0.
            levels: The brightest level.

        Returns:
            Factor and summand; 1 and 0 where intensities are unknown.
        """
        if not self.intensities:
            return 1.0, 0.0
        low, high = self.intensities[channel]
        return (high - low) / levels, low

    @cached_property
    def geometry(self) -> Affine | None:
        """The affine, as in `Volume`: from the spacings if need be; None where both are unknown.

        A slice distance that is unknown is taken for 1 mm.
        """
        if self.affine is not None:
            return np.asarray(self.affine, np.float64)
        if self.spacing is None:
            return None
        return upright(self.slice_spacing or 1.0, *self.spacing)

    @property
    def modality_term(self) -> str:
        """The modality as DICOM (0008,0060) has it; `OT` (other) where it is unknown."""
        return _MODALITIES.get(self.modality.upper(), "OT")

    @property
    def name(self) -> str:
        """The title, or what can be said in its place."""
        return self.title or f"Synthetic images of {self.generator or 'an unnamed generator'}"


def spacings(affine: Affine) -> tuple[float, float, float]:
    """Distance between slices, rows and columns in mm."""
    slices, rows, columns = np.linalg.norm(affine[:3, :3], axis=0).tolist()
    return slices, rows, columns


def _refuse(name: str, value: Any, accepted: str) -> None:
    raise InvalidArgumentError.field(f"description.{name}", value, accepted)


def _are_names(value: Any) -> bool:
    if not isinstance(value, tuple) or not all(isinstance(name, str) and name for name in value):
        return False
    return len(set(value)) == len(value)


def _are_numbers(value: Any, count: int) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == count
        and all(isinstance(number, int | float) and abs(number) < _LARGEST for number in value)
    )


def _are_ranges(value: Any) -> bool:
    return isinstance(value, tuple) and all(
        _are_numbers(pair, 2) and pair[0] < pair[1] for pair in value
    )


def _are_distances(value: Any, count: int) -> bool:
    return _are_numbers(value, count) and min(value) > 0


def _invertible(affine: Any) -> bool:
    if not _is_matrix(affine):
        return False
    axes = np.asarray(affine, np.float64)[:3, :3]
    lengths = np.linalg.norm(axes, axis=0)
    return bool(lengths.all() and abs(np.linalg.det(axes / lengths)) > _FLATTEST)


def _is_matrix(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 4 and all(_are_numbers(r, 4) for r in value)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value


def _lists(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_lists(part) for part in value]
    if isinstance(value, Mapping):
        return {str(key): _lists(part) for key, part in value.items()}
    return value
