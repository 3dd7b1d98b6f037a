from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import json_format

from medsynth.data.inspecting import THUMBNAILS, inspect
from medsynth.data.inspection import Inspection, Thumbnail
from medsynth.data.inspection_page import render_inspection, verdict, warnings
from medsynth.data.preparation import Preparation
from medsynth.data.source import Source
from medsynth.errors import AbortedError, DataError
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
    assert seen == [(done, 12) for done in range(13)]
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


def test_the_preparation_decides_what_slices_are(folder: Path) -> None:
    found = inspected(folder, Preparation(slicing="sagittal"))
    (size,) = found.sizes
    assert (size.slices, size.rows, size.columns) == (48, 3, 40)


def test_too_few_patients_are_said(tmp_path: Path) -> None:
    found = inspected(acdc_folder(tmp_path / "acdc", patients=2))
    assert found.splits == ()
    assert any("at least 3 patients" in remark for remark in found.remarks)
    assert "Fewer than 3 patients" in warnings(found)[-1]


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


def test_the_page_needs_nothing_else(folder: Path) -> None:
    (folder / "patient001" / "patient001_frame01.nii.gz").write_bytes(b"<script>")
    found, thumbnails = inspect(Source(str(folder)), progress=quiet)
    page = render_inspection(found, thumbnails)
    assert page.count("data:image/png;base64,") == len(thumbnails) == 11
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page
    assert verdict(found) in page
    assert "rv cavity" in page


def blank_thumbnails() -> Iterator[Thumbnail]:
    for number in range(THUMBNAILS):
        yield Thumbnail(f"<b>{number}</b>", np.zeros((3, 20, 30), np.uint8), None)


def test_names_are_escaped(folder: Path) -> None:
    page = render_inspection(inspected(folder), list(blank_thumbnails()))
    assert "<b>3</b>" not in page
    assert "&lt;b&gt;3&lt;/b&gt;" in page


def test_the_real_data_set(real_acdc: Path) -> None:
    found = inspected(real_acdc)
    assert (found.patients, found.volumes, found.slices) == (30, 60, 588)
    assert [group.patients for group in found.groups] == [6] * 5
    assert found.problem_count == 0
    assert {pair.first_patient for pair in found.duplicates} == set()
