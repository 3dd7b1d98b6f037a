from __future__ import annotations

from medsynth.data.readers.folder_classes import classes_of


def test_one_folder_is_no_class() -> None:
    assert classes_of([("x",), ("x",)], ["1", "2"]) == (["", ""], [])
    assert classes_of([(), ()], ["1", "1"]) == (["", ""], [])
    assert classes_of([], []) == ([], [])


def test_the_last_folder_is_the_class() -> None:
    classes, remarks = classes_of([("x", "a"), ("x", "b"), ("x",)], ["1", "2", "3"])
    assert classes == ["a", "b", ""]
    assert remarks == ["Folders are taken for classes: a, b."]


def test_folders_of_patients_are_taken_off() -> None:
    folders = [("a", "p1"), ("a", "p1"), ("a", "p2"), ("b", "p3"), ("b", "p4")]
    patients = ["1", "1", "2", "3", "4"]
    classes, remarks = classes_of(folders, patients)
    assert classes == ["a", "a", "a", "b", "b"]
    assert "classes: a, b, and those below them for patients" in remarks[0]
    assert classes_of(folders, list("12345"))[0] == ["p1", "p1", "p2", "p3", "p4"]


def test_folders_of_patients_alone_are_no_classes() -> None:
    assert classes_of([("p1",), ("p1",), ("p2",)], ["1", "1", "2"]) == (["", "", ""], [])


def test_a_patient_in_a_folder_of_each_class() -> None:
    folders = [("a", "p1"), ("a", "p1"), ("b", "p1"), ("b", "p2"), ("a", "p2")]
    assert classes_of(folders, ["1", "1", "1", "2", "2"])[0] == ["a", "a", "b", "b", "a"]


def test_too_many_folders() -> None:
    classes, remarks = classes_of([(str(k),) for k in range(101)], [str(k) for k in range(101)])
    assert set(classes) == {""}
    assert "101 folders, too many" in remarks[0]
