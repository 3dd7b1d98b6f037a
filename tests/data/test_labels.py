from __future__ import annotations

import pytest

from medsynth.data.labels import mapped_classes
from medsynth.errors import InvalidArgumentError

LABELS = ("background", "a", "b", "c")


@pytest.mark.parametrize(
    ("label_map", "names"),
    [
        ({}, LABELS),
        ({2: 1, 3: 2}, ("background", "a + b", "c")),
        ({1: 0, 2: 0, 3: 1}, ("background", "c")),
        ({1: 2, 2: 1}, ("background", "b", "a", "c")),
        ({1: 1, 2: 1, 3: 1}, ("background", "a + b + c")),
    ],
)
def test_names_follow_the_labels(label_map: dict[int, int], names: tuple[str, ...]) -> None:
    assert mapped_classes(LABELS, label_map) == names


@pytest.mark.parametrize(
    "label_map", [{4: 1}, {0: 1}, {1: 0}, {3: 4}, {1: 0, 2: 0, 3: 0}, {1: 0, 2: 0}]
)
def test_mappings_that_cannot_be(label_map: dict[int, int]) -> None:
    with pytest.raises(InvalidArgumentError, match="label_map"):
        mapped_classes(LABELS, label_map)


def test_nothing_is_mapped_without_masks() -> None:
    assert mapped_classes((), {}) == ()
    with pytest.raises(InvalidArgumentError, match="no masks"):
        mapped_classes((), {1: 0})
