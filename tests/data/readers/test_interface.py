from __future__ import annotations

from typing import Any

import pytest

from medsynth.data.readers.interface import ReaderOptions
from medsynth.errors import InvalidArgumentError

EVERY: dict[str, Any] = {
    "patient_pattern": r"p(\d+)",
    "class_names": ["liver", "tumour"],
    "structures": ["optic disc"],
    "mask_values": [0, 255],
}


def test_mapping() -> None:
    options = ReaderOptions.from_mapping(EVERY)
    assert options.to_mapping() == EVERY
    assert ReaderOptions(**options.to_mapping()) == options
    assert ReaderOptions.from_mapping({}) == ReaderOptions()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("patient_pattern", "("),
        ("patient_pattern", None),
        ("patient_pattern", 0),
        ("class_names", "liver"),
        ("class_names", 5),
        ("class_names", None),
        ("class_names", [""]),
        ("class_names", ["x" * 101]),
        ("class_names", ["a", "a"]),
        ("class_names", ["a", 5]),
        ("class_names", [["a"]]),
        ("class_names", ["liver", "background"]),
        ("class_names", [str(k) for k in range(256)]),
        ("structures", "optic disc"),
        ("mask_values", 5),
        ("mask_values", [1]),
        ("mask_values", [0, 0]),
        ("mask_values", [0, -1]),
        ("mask_values", [0, 2**16]),
        ("mask_values", [0, 1.0]),
        ("mask_values", [False, True]),
        ("mask_values", ["0", "1"]),
        ("mask_values", list(range(257))),
        ("colour", 1),
    ],
)
def test_what_is_refused_names_the_field(field: str, value: object) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        ReaderOptions.from_mapping({field: value})
    assert caught.value.violations[0].field == f"specification.data.options.{field}"
    assert "expected" in caught.value.message
    if field != "colour":
        with pytest.raises(InvalidArgumentError):
            ReaderOptions(**{field: value})


def test_as_many_as_fit() -> None:
    assert len(ReaderOptions(class_names=tuple(str(k) for k in range(255))).class_names) == 255
    assert len(ReaderOptions(mask_values=tuple(range(256))).mask_values) == 256
    assert ReaderOptions(structures=("background",)).structures == ("background",)
