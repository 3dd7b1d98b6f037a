from __future__ import annotations

import pytest

from medsynth.data.readers.interface import ReaderOptions
from medsynth.data.readers.patients import NOT_FOUND, find_patients
from medsynth.errors import InvalidArgumentError

IMAGES = [("p1/a.png", "p1/a"), ("p1/b.png", "p1/b"), ("p2/a.png", "p2/a")]


def test_without_a_pattern_each_name_is_a_patient() -> None:
    assert find_patients(IMAGES, ReaderOptions()) == (dict(IMAGES), [])


def test_a_pattern_looks_at_the_path() -> None:
    patients, problems = find_patients(IMAGES, ReaderOptions(patient_pattern=r"^(p\d)/"))
    assert patients == {"p1/a.png": "p1", "p1/b.png": "p1", "p2/a.png": "p2"}
    assert problems == []


def test_images_without_a_patient_are_problems() -> None:
    patients, problems = find_patients(IMAGES, ReaderOptions(patient_pattern="p2"))
    assert patients == {"p2/a.png": "p2"}
    assert [(problem.file, problem.reason) for problem in problems] == [
        ("p1/a.png", NOT_FOUND),
        ("p1/b.png", NOT_FOUND),
    ]


def test_a_pattern_that_fits_nothing() -> None:
    with pytest.raises(InvalidArgumentError, match=r"patient_pattern.*paths such as p1/a\.png"):
        find_patients(IMAGES, ReaderOptions(patient_pattern="case"))
    assert find_patients([], ReaderOptions(patient_pattern="case")) == ({}, [])
