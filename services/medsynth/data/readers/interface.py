"""What a reader is: it says which scans a source holds, and reads one of them.

The two are apart so that scans can be read on several cores, taken up again after a kill, and
passed over when they are broken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Protocol

from medsynth.data.files import Files
from medsynth.data.readers.patterns import check_pattern
from medsynth.data.volume import Volume
from medsynth.errors import InvalidArgumentError

MOST_CLASSES: Final = 256
"""Labels of a mask, background included: they are kept in 8 bits."""

TRAINING, TESTING = "training", "testing"
"""The parts of an official split."""

_LONGEST_NAME: Final = 100


@dataclass(frozen=True)
class ReaderOptions:
    """What names and files alone do not say. Field by field as in `types.proto`.

    Attributes:
        patient_pattern: A regular expression that is looked for in the path of each image within
            the source; its first group (all of it without one) is the patient. Empty: the
            reader's own rule.
        class_names: Names of the labels 1, 2, ...; empty: the reader's own.
        structures: Which structures of a set that has a mask for each become labels, in this
            order. Empty: the reader's own choice.
        mask_values: Values in masks that mean the labels 0, 1, 2, ...; in images each pixel takes
            the nearest. Empty: labels as they are, or white on black.

    Raises:
        InvalidArgumentError: A field cannot be accepted.
    """

    patient_pattern: str = ""
    class_names: tuple[str, ...] = ()
    structures: tuple[str, ...] = ()
    mask_values: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name, value in _checked(self.__dict__, "options").items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_mapping(
        cls, given: Mapping[str, Any], prefix: str = "specification.data.options"
    ) -> ReaderOptions:
        """Builds it from the fields that a request sets; `to_mapping` reverses it.

        Raises:
            InvalidArgumentError: Names the field, its value and what is accepted.
        """
        known = [field.name for field in fields(cls)]
        for name, value in given.items():
            if name not in known:
                raise InvalidArgumentError.field(
                    f"{prefix}.{name}", value, f"one of the fields {', '.join(known)}"
                )
        return cls(**_checked(given, prefix))

    def to_mapping(self) -> dict[str, Any]:
        """Every field, in types that JSON knows."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan that can be read.

    Attributes:
        patient: Pseudonym; all scans of a patient land in one split.
        name: Unique within the source.
        files: Paths within the source of every file that reading it opens, the image first.
        part: `TRAINING` or `TESTING` where the set has an official split; else empty.
        detail: What the reader needs to know to read it.
        shown: What messages and records call the files; their paths unless given.
    """

    patient: str
    name: str
    files: tuple[str, ...]
    part: str = ""
    detail: Any = None
    shown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Problem:
    """A file that cannot be used.

    Attributes:
        file: Its path within the source.
        reason: What is wrong with it, as a sentence for people.
    """

    file: str
    reason: str


@dataclass(frozen=True)
class Survey:
    """What a source holds.

    Attributes:
        scans: In the order in which they are prepared.
        classes: Names of the masks' labels, background first; empty: no masks.
        problems: Files that belong to no scan because of what is wrong with them.
        remarks: What is worth knowing about the set, one sentence each.
        modality: What made the images, as DICOM (0008,0060) has it; empty where it is unknown.
    """

    scans: Sequence[Scan]
    classes: tuple[str, ...]
    problems: Sequence[Problem] = field(default=())
    remarks: Sequence[str] = field(default=())
    modality: str = ""


class Reader(Protocol):
    """Understands one layout. Implemented by modules.

    Attributes:
        NAME: As in `readers.NAMES`.
        VERSION: Raised when the same files yield other volumes.
        LAYOUT: The layout in one line, for people whose folder no reader recognises.
        OPTIONS: The fields of `ReaderOptions` that it heeds; others are refused.
    """

    NAME: str
    VERSION: int
    LAYOUT: str
    OPTIONS: tuple[str, ...]

    def recognises(self, files: Files) -> bool:
        """Whether a source has this layout, by its names alone."""
        ...

    def relevant(self, files: Files) -> Sequence[str]:
        """Every file that reading the source may open, by names alone; sorted."""
        ...

    def survey(self, files: Files, options: ReaderOptions) -> Survey:
        """What the source holds. May open files that say so, but reads no volume.

        Raises:
            DataError: The source as a whole cannot be understood.
            InvalidArgumentError: An option does not fit what the source holds.
        """
        ...

    def read(self, root: Path, scan: Scan, options: ReaderOptions) -> Volume:
        """One scan, checked (`readers.checks`).

        Args:
            root: The local folder in which the scan's files lie by their paths.
            scan: From `survey`.
            options: As for `survey`.

        Raises:
            DataError: Names the file and what is wrong with it.
        """
        ...


def _checked(given: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    values = dict(given)
    if "patient_pattern" in values:
        check_pattern(values["patient_pattern"], f"{prefix}.patient_pattern")
    for name, reserved in (("class_names", ("background",)), ("structures", ())):
        if name in values:
            values[name] = _names(values[name], f"{prefix}.{name}", *reserved)
    if "mask_values" in values:
        values["mask_values"] = _mask_values(values["mask_values"], f"{prefix}.mask_values")
    return values


def _names(given: Any, path: str, *reserved: str) -> tuple[str, ...]:
    names = given if isinstance(given, list | tuple) else ()
    fit = all(isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME for name in names)
    known = {*names, *reserved} if fit else set()
    if given is not names or len(known) < len(names) + len(reserved) or len(names) >= MOST_CLASSES:
        but = f", other than {', '.join(reserved)}" if reserved else ""
        raise InvalidArgumentError.field(
            path,
            given,
            f"at most {MOST_CLASSES - 1} different names of 1 to {_LONGEST_NAME} characters{but}",
        )
    return tuple(names)


def _mask_values(given: Any, path: str) -> tuple[int, ...]:
    values = given if isinstance(given, list | tuple) else ()
    fit = all(type(value) is int and 0 <= value < 2**16 for value in values)
    different = fit and len(set(values)) == len(values)
    if given is not values or not different or len(values) == 1 or len(values) > MOST_CLASSES:
        raise InvalidArgumentError.field(
            path,
            given,
            f"none, or 2 to {MOST_CLASSES} different values from 0 to {2**16 - 1}",
        )
    return tuple(values)
