from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsynth.data.readers.patients import UNKNOWN
from medsynth.data.readers.volume_patients import patients_by_folders

SURE, UNSURE = "Patients are told apart by their folders", "Folders are taken for patients"


def numbered(letter: str, count: int) -> list[str]:
    return [f"{letter}{number:02d}" for number in range(count)]


def told(*images: tuple[str, ...]) -> tuple[Counter[str], str]:
    patients, remark = patients_by_folders(images)
    return Counter(patients), remark


def test_folders_with_few_images_are_patients() -> None:
    patients, remark = told(*product(numbered("p", 12), ("t1", "t2")))
    assert patients == dict.fromkeys(numbered("p", 12), 2)
    assert remark.startswith(f"{SURE}: 12, such as p00 with 2 images.")


def test_few_patients_are_patients_where_each_has_few_images() -> None:
    assert told(("p1",), ("p1",), ("p2",), ("p2",))[0] == {"p1": 2, "p2": 2}
    assert told(("p1", "2020"), ("p1", "2021"), ("p2", "2020"))[0] == {"p1": 2, "p2": 1}


def test_a_handful_of_patients_may_have_more_images_than_there_are_patients() -> None:
    patients, remark = told(*((name,) for name in numbered("p", 6) for _ in range(10)))
    assert patients == dict.fromkeys(numbered("p", 6), 10)
    assert remark.startswith(SURE)


def test_visits_with_many_images_are_of_one_patient() -> None:
    for count in (5, 12, 40):
        patients, remark = told(
            *(pair for pair in product(numbered("p", count), numbered("v", 3)) for _ in range(8))
        )
        assert patients == dict.fromkeys(numbered("p", count), 24)
        assert remark.startswith(f"{UNSURE}, which they may not be: {count}, such as p00 with 24 ")


def test_visits_that_are_dated_are_of_one_patient() -> None:
    visits = [(f"p{n % 10}", f"2020-{n:03d}") for n in range(30) for _ in range(8)]
    assert set(told(*visits)[0]) == {f"p{n}" for n in range(10)}


@pytest.mark.parametrize("modalities", [2, 3, 5, 8])
def test_a_patient_in_folders_of_several_modalities_is_one(modalities: int) -> None:
    patients, remark = told(*product(numbered("t", modalities), numbered("p", 25)))
    assert patients == dict.fromkeys(numbered("p", 25), modalities)
    assert remark.startswith(UNSURE)


def test_a_patient_of_two_parts_has_one_name() -> None:
    few = list(product(numbered("p", 6), ("v0",)))
    many = [pair for pair in product(numbered("p", 6), ("v0", "v1")) for _ in range(15)]
    patients, _ = told(*few, *many)
    assert patients == dict.fromkeys(numbered("p", 6), 31)


def test_patients_of_sites_are_told_by_the_inner_folder() -> None:
    images = [(f"site {n % 2}", f"p{n}") for n in range(40) for _ in range(2)]
    patients, remark = told(*images)
    assert patients == {f"p{n}": 2 for n in range(40)}
    assert remark.startswith(UNSURE)


@pytest.mark.parametrize("classes", [("healthy", "tumour", "cyst"), ("one",)])
def test_few_folders_of_many_are_no_patients(classes: tuple[str, ...]) -> None:
    patients, remark = told(*((name,) for name in classes for _ in range(15)))
    assert (set(patients), remark) == ({""}, UNKNOWN)


def test_folders_of_many_images_alone_are_no_patients() -> None:
    patients, remark = told(*((name,) for name in numbered("c", 8) for _ in range(100)))
    assert (set(patients), remark) == ({""}, UNKNOWN)


def test_images_beside_the_folders_are_told_apart_without() -> None:
    patients, remark = told(*product(numbered("p", 9), ("a", "b")), (), ())
    assert patients[""] == 2
    assert len(patients) == 10
    assert remark.startswith(UNSURE)
    assert told((), ()) == ({"": 2}, UNKNOWN)
    assert told() == ({}, UNKNOWN)


@given(st.lists(st.lists(st.sampled_from(numbered("f", 6)), max_size=3).map(tuple), max_size=60))
def test_a_patient_is_one_of_the_folders_above(images: list[tuple[str, ...]]) -> None:
    patients, remark = patients_by_folders(images)
    assert len(patients) == len(images)
    assert all(patient in ("", *above) for patient, above in zip(patients, images, strict=True))
    assert remark.startswith((SURE, UNSURE)) or remark == UNKNOWN
    assert (remark == UNKNOWN) == (not any(patients))
