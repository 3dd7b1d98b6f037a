from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import json_format
from PIL import Image

from medsynth.data import inspection_tally
from medsynth.data.assignment import Assignment
from medsynth.data.inspecting import inspect
from medsynth.data.inspection import Inspection
from medsynth.data.inspection_page import render_inspection, warnings
from medsynth.data.preparation import Preparation
from medsynth.data.source import Source
from medsynth.errors import AbortedError, DataError, InvalidArgumentError
from medsynth.v1 import trainer_pb2
from tests.data.acdc_files import acdc_folder, write_nifti


def quiet(done: int, total: int) -> None:
    pass


def inspected(place: Path | str, preparation: Preparation | None = None) -> Inspection:
    source = Source(str(place), preparation=preparation or Preparation())
    return inspect(source, progress=quiet)[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return acdc_folder(tmp_path / "acdc", patients=6)


def test_what_a_set_holds(folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    found, thumbnails = inspect(Source(str(folder)), progress=lambda *p: seen.append(p))
    assert list(dict.fromkeys(seen)) == [(done, 12) for done in range(13)]
    assert found.reader == "acdc"
    assert (found.patients, found.volumes, found.slices) == (6, 12, 36)
    assert found.channels == {1: 12}
    assert [(label.label, label.name) for label in found.classes] == [
        (0, "background"), (1, "rv cavity"), (2, "myocardium"), (3, "lv cavity"),
    ]  # fmt: skip
    assert sum(label.pixels for label in found.classes) == 36 * 40 * 48
    assert {(label.slices, label.volumes) for label in found.classes} == {(36, 12)}
    assert [(g.name, g.patients, g.slices) for g in found.groups] == [
        ("DCM", 3, 18),
        ("NOR", 3, 18),
    ]
    assert sum(split.patients for split in found.splits) == 6
    assert found.parts == ()
    (size,) = found.sizes
    assert (size.slices, size.rows, size.columns, size.volumes) == (3, 40, 48, 12)
    assert [(r.axis, r.low, r.median, r.high) for r in found.spacings] == [
        ("slices", 8, 8, 8), ("rows", 1.25, 1.25, 1.25), ("columns", 1.5, 1.5, 1.5),
    ]  # fmt: skip
    (channel,) = found.intensities
    assert (channel.low, channel.high) == (0, 219)
    assert len(channel.edges) == len(channel.counts) + 1
    assert sum(channel.counts) == pytest.approx(1, abs=1e-4)
    assert found.empty_slices == 0
    assert found.problems == ()
    assert len(thumbnails) == 12
    assert thumbnails[0].image.shape == (1, 48, 48)


def test_it_is_the_message(folder: Path) -> None:
    found = inspected(folder)
    names = {field.name for field in trainer_pb2.Inspection.DESCRIPTOR.fields}
    assert set(found.to_mapping()) == names - {"name", "create_time"}
    content = json.loads(json.dumps(found.to_mapping()))
    message = json_format.ParseDict(content, trainer_pb2.Inspection())
    assert message.channels == {1: 12}
    assert message.classes[3].name == "lv cavity"
    assert message.intensities[0].percents[0] == 0.5
    assert message.source.reader == "acdc"


def test_bad_files_are_listed_with_their_reasons(folder: Path) -> None:
    broken = folder / "patient002" / "patient002_frame09.nii.gz"
    broken.write_bytes(broken.read_bytes()[:50])
    (folder / "patient003" / "patient003_frame01_gt.nii.gz").unlink()
    found = inspected(folder)
    assert (found.volumes, found.problem_count) == (10, 2)
    assert [problem.file for problem in found.problems] == [
        "patient003/patient003_frame01.nii.gz",
        "patient002/patient002_frame09.nii.gz",
    ]
    assert "cannot be used" in warnings(found)[0]


def test_empty_slices_are_counted(folder: Path) -> None:
    write_nifti(
        folder / "patient001" / "patient001_frame01_gt.nii.gz", np.zeros((3, 40, 48), np.uint8)
    )
    assert inspected(folder).empty_slices == 3


def test_copies_under_other_names_are_suspected(folder: Path) -> None:
    shutil.copytree(folder / "patient001", folder / "patient009")
    for file in (folder / "patient009").glob("patient001*"):
        file.rename(file.with_name(file.name.replace("patient001", "patient009")))
    found = inspected(folder)
    pairs = {(p.first_patient, p.second_patient) for p in found.duplicates if p.correlation > 0.999}
    assert ("patient001", "patient009") in pairs
    copies = [p for p in found.duplicates if p.second_patient == "patient009"]
    assert {p.first.replace("patient001", "patient009") for p in copies} >= {
        f"patient009_frame{frame} slice {number}" for frame in ("01", "09") for number in range(3)
    }


def test_copies_across_the_split_are_told_before_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(inspection_tally._MOST, "duplicates", (5, 2**19))
    pictures = np.random.Generator(np.random.Philox(1)).integers(0, 256, (3, 8, 8), np.uint8)
    for number, names in enumerate(("abcdefgh", "yz", "v")):
        for name in names:
            image = Image.fromarray(np.kron(pictures[number], np.ones((8, 8), np.uint8)))
            image.save(tmp_path / f"{name}.png")
    assignment = {"train": list("abcdefghy"), "validation": ["v"], "test": ["z"]}
    given = {"split": "assigned", "assignment": assignment}
    found = inspected(tmp_path, Preparation.from_mapping(given))
    assert len(found.duplicates) == 5
    assert (found.duplicates[0].first_patient, found.duplicates[0].second_patient) == ("y", "z")
    assert "1 suspected" in "".join(warnings(found))
    assert any("more duplicates" in remark for remark in found.remarks)


def test_the_preparation_decides_what_slices_are(folder: Path) -> None:
    found = inspected(folder, Preparation(slicing="sagittal"))
    (size,) = found.sizes
    assert (size.slices, size.rows, size.columns) == (48, 3, 40)


def test_too_few_patients_are_said(tmp_path: Path) -> None:
    found = inspected(acdc_folder(tmp_path / "acdc", patients=2))
    assert found.splits == ()
    assert any("at least 3 patients" in remark for remark in found.remarks)
    assert "Fewer than 3 patients" in warnings(found)[-1]


def test_patients_are_listed_so_that_they_can_be_assigned(folder: Path) -> None:
    for file in (folder / "patient002").glob("*frame*"):
        file.write_bytes(b"torn")
    found = inspected(folder, Preparation(split_seed=4))
    listed = {patient.name: patient for patient in found.listed_patients}
    assert list(listed) == [f"patient00{k}" for k in range(1, 7)]
    assert (listed["patient001"].volumes, listed["patient001"].slices) == (2, 6)
    assert (listed["patient002"].volumes, listed["patient002"].split) == (0, "")
    assert {patient.group for patient in listed.values()} == {"DCM", "NOR", ""}
    sizes = {split.name: split.patients for split in found.splits}
    names = {split: [p.name for p in listed.values() if p.split == split] for split in sizes}
    assert {split: len(members) for split, members in names.items()} == sizes
    names["train"].append("patient002")
    again = inspected(folder, Preparation(split="assigned", assignment=Assignment(**names)))
    assert again.splits == found.splits


def test_labels_and_channels_are_those_that_would_be_prepared(folder: Path) -> None:
    found = inspected(folder, Preparation(label_map={1: 0, 2: 1, 3: 1}))
    assert [label.name for label in found.classes] == ["background", "myocardium + lv cavity"]
    with pytest.raises(InvalidArgumentError, match="label_map"):
        inspected(folder, Preparation(label_map={4: 0}))
    found = inspected(folder, Preparation(channels=2))
    assert (found.volumes, found.problem_count) == (0, 12)
    assert "1 channels, 2 were asked for" in found.problems[0].reason
    assert render_inspection(found, [])


def test_phantom_without_files() -> None:
    found = inspected("phantom://cardiac?patients=5&slices=4&contrast=cine,t2")
    assert (found.reader, found.volumes, found.channels) == ("phantom", 10, {2: 10})
    assert len(found.intensities) == 2


def test_links_out_of_the_roots(folder: Path, tmp_path: Path) -> None:
    image = folder / "patient001" / "patient001_frame01.nii.gz"
    image.rename(tmp_path / "secret.nii.gz")
    image.symlink_to(tmp_path / "secret.nii.gz")
    found, _ = inspect(Source(str(folder)), progress=quiet, roots=[str(folder)])
    (problem,) = found.problems
    assert problem.file == "patient001/patient001_frame01.nii.gz"
    assert "is a link" in problem.reason


def test_stopping(folder: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise AbortedError("stop")

    with pytest.raises(AbortedError):
        inspect(Source(str(folder)), progress=stop)


def test_nothing_to_inspect(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no reader recognises"):
        inspected(tmp_path)


def test_the_real_data_set(real_acdc: Path) -> None:
    found = inspected(real_acdc)
    assert (found.patients, found.volumes, found.slices) == (30, 60, 588)
    assert [group.patients for group in found.groups] == [6] * 5
    assert found.problem_count == 0
    assert {pair.first_patient for pair in found.duplicates} == set()
