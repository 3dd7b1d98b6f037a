from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from medsynth.data.assignment import Assignment
from medsynth.data.batches import Preparing
from medsynth.data.collected import Collected
from medsynth.data.files import open_files
from medsynth.data.preparation import Preparation
from medsynth.data.readers.interface import Problem, ReaderOptions, Scan, Survey
from medsynth.errors import DataError
from tests.data.made_scans import Form, Reader, scans


def collected(
    place: Path, preparation: Mapping[str, Any], found: Sequence[Scan], problems: int = 0
) -> dict[str, Any]:
    """What the set holds, with `problems.json` as `listed`."""
    chosen = Preparation.from_mapping({"size": 32, **preparation})
    batches = place / "batches"
    batches.mkdir(parents=True)
    files = open_files("phantom://cardiac")
    reader: Any = Reader()
    preparing = Preparing(reader, files, ReaderOptions(), chosen, batches)
    passed_over = [Problem(f"bad{k}", "torn") for k in range(problems)]
    made = Collected(preparing, Survey(found, ("background", "a"), passed_over))
    for batch in preparing.batches(found, 2, lambda done, total: None):
        made.add(batch)
    content = made.write(place / "set")
    return {**content, "listed": json.loads((place / "set" / "problems.json").read_text())}


def slices_of(content: Mapping[str, Any]) -> dict[str, int]:
    return {split["name"]: split["slices"] for split in content["splits"]}


@pytest.mark.parametrize("odd", [Form(channels=3), Form(masked=False)])
@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_one_odd_volume_costs_no_other(tmp_path: Path, odd: Form, place: int) -> None:
    """Wherever in its batch of two it lies, unless it is the first of the set."""
    forms = [Form()] * 140
    forms[place + 2] = odd
    content = collected(tmp_path, {"bad_share": 0.01}, scans(forms))
    assert content["problems"] == 1
    (problem,) = content["listed"]["problems"]
    has = "has 3 channels" if odd.masked else "has no mask"
    assert problem["reason"].startswith(f"{has}, but the first image, scan0, has ")
    assert content["channels"] == 1
    assert sum(slices_of(content).values()) == 139 * 2


def test_pixels_beside_those_of_an_odd_volume_are_their_own(tmp_path: Path) -> None:
    forms = [Form(), Form(), Form(channels=3), Form(labelled=2), *[Form()] * 126]
    collected(tmp_path / "odd", {"bad_share": 0.01}, scans(forms))
    forms[2] = Form(broken=True)
    collected(tmp_path / "torn", {"bad_share": 0.01}, scans(forms))
    for file in sorted((tmp_path / "torn" / "set").glob("*/*")):
        odd = tmp_path / "odd" / "set" / file.parent.name / file.name
        assert odd.read_bytes() == file.read_bytes(), file


def test_the_first_of_the_set_decides(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has 1 channels, but the first image, scan0, has 3"):
        collected(tmp_path, {}, scans([Form(channels=3), Form(), Form(), Form()]))


def test_an_assignment_may_name_patients_whose_scans_are_passed_over(tmp_path: Path) -> None:
    assignment = Assignment(("p0", "p1", "lost"), ("p2",), ("p3", "p4"))
    chosen = {"split": "assigned", "assignment": assignment, "bad_share": 0.4}
    forms = [Form(), Form(broken=True), Form(), Form(), Form()]
    content = collected(tmp_path, chosen, scans(forms), problems=1)
    assert [split["patients"] for split in content["splits"]] == [1, 1, 2]
    assert "1 patients have no scan that can be used." in content["listed"]["remarks"]


def test_an_assignment_of_others_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    assignment = Assignment(("p0", "elsewhere"), ("p1",), ("p2",))
    chosen = {"split": "assigned", "assignment": assignment}
    with pytest.raises(DataError, match="1 are not in the set, such as elsewhere"):
        collected(tmp_path, chosen, scans([Form(broken=True)] * 3))
    (tmp_path / "batches").rmdir()
    with pytest.raises(DataError, match="5 folds need as many patients; the set has 3"):
        collected(tmp_path, {"split": "kfold"}, scans([Form(broken=True)] * 3))


def test_a_split_whose_patients_all_are_passed_over(tmp_path: Path) -> None:
    assignment = Assignment(("p0", "p1"), ("p2",), ("p3",))
    chosen = {"split": "assigned", "assignment": assignment, "bad_share": 0.5}
    forms = [Form(), Form(), Form(), Form(broken=True)]
    with pytest.raises(DataError, match="the test split would be empty: no scan of its patients"):
        collected(tmp_path, chosen, scans(forms))


def test_a_split_without_slices_is_refused(tmp_path: Path) -> None:
    assignment = Assignment(("p0",), ("p1",), ("p2",))
    chosen = {"split": "assigned", "assignment": assignment, "keep_empty_share": 0}
    forms = [Form(), Form(), Form(labelled=0)]
    with pytest.raises(DataError, match=r"the test split would be empty: no slice .* is 0 \(1 pat"):
        collected(tmp_path, chosen, scans(forms))
    whole = collected(tmp_path / "other", {**chosen, "keep_empty_share": 1}, scans(forms))
    assert slices_of(whole) == {"train": 2, "validation": 2, "test": 1}


def test_a_patient_in_both_official_parts(tmp_path: Path) -> None:
    parts = ["training"] * 4 + ["testing"] * 2
    found = scans([Form()] * 6, parts)
    both = Scan("p0", "again", (), "testing", Form())
    with pytest.raises(DataError, match=r"official split cannot .* 1 patients, such as p0, are in"):
        collected(tmp_path, {"split": "official"}, [*found, both])
    (tmp_path / "batches").rmdir()
    content = collected(tmp_path, {}, [*found, both])
    assert content["listed"]["remarks"] == [
        "1 patients, such as p0, are in several parts of the set's own split."
    ]


def test_the_official_parts_are_kept(tmp_path: Path) -> None:
    found = scans([Form()] * 6, ["training"] * 4 + ["testing"] * 2)
    content = collected(tmp_path, {"split": "official"}, found)
    assert [split["patients"] for split in content["splits"]] == [3, 1, 2]


def test_a_volume_without_a_label_cannot_place_its_cut(tmp_path: Path) -> None:
    forms = [Form(), Form(), Form(), Form(labelled=0)]
    content = collected(tmp_path, {"crop": "foreground"}, scans(forms))
    assert content["listed"]["remarks"] == [
        "scan3: it has no label, so its slices are cut about their middle"
    ]
