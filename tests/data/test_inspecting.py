from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from medsynth.data import inspection_tally
from medsynth.data.assignment import Assignment
from medsynth.data.inspecting import inspect
from medsynth.data.inspection import HEEDED, Inspection, Thumbnail, check_heeded
from medsynth.data.inspection_page import render_inspection, verdict, warnings
from medsynth.data.inspection_tally import THUMBNAILS, Tally, bounded
from medsynth.data.preparation import Preparation
from medsynth.data.readers.interface import Problem, Scan, Survey
from medsynth.data.source import Source
from medsynth.data.volume import Volume
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


def test_what_an_inspection_does_not_heed_is_refused() -> None:
    heeded = {"orientation": "standard", "channels": 1, "label_map": {1: 2}, "split_seed": 3}
    check_heeded(Preparation.from_mapping(heeded))
    for name, value in {"size": 128, "crop": "centre", "bad_share": 0.1, "spacing": 2}.items():
        with pytest.raises(InvalidArgumentError, match="heeds orientation") as caught:
            check_heeded(Preparation.from_mapping({name: value}), "specification.preparation")
        assert caught.value.violations[0].field == f"specification.preparation.{name}"
    assert set(HEEDED) < set(Preparation().to_mapping())


def made(scans: list[Scan], forms: Sequence[Volume], remarks: Sequence[str] = ()) -> Inspection:
    """What these volumes of these scans amount to."""
    tally = Tally(Survey(scans, (), remarks=remarks), ())
    for scan, volume in zip(scans, forms, strict=True):
        tally.add(volume, scan.patient, place=0)
    return tally.result(Source("phantom://cardiac"), "made", lambda: None)


def noise(scan: Scan, number: int, remarks: tuple[str, ...] = ()) -> Volume:
    images = np.random.Generator(np.random.Philox(number)).random((1, 1, 20, 20), np.float32)
    return Volume(scan.patient, scan.name, "", images, None, None, remarks=remarks)


def test_remarks_on_the_set_come_before_those_on_volumes() -> None:
    scans = [Scan(f"p{k % 2}", f"scan{k}", ()) for k in range(250)]
    volumes = [noise(scan, k, ("odd",)) for k, scan in enumerate(scans)]
    remarks = made(scans, volumes, ["a set"]).remarks
    assert "patients cannot be divided as asked" in remarks[0]
    assert remarks[1:3] == ("a set", "scan0: odd")
    assert len(remarks) == 201
    assert remarks[-1] == "and 52 more remarks"


def test_a_patient_in_two_official_parts_is_said() -> None:
    scans = [Scan(f"p{k}", f"scan{k}", (), "training" if k < 4 else "testing") for k in range(6)]
    scans.append(Scan("p0", "again", (), "testing"))
    found = made(scans, [noise(scan, k) for k, scan in enumerate(scans)])
    assert "such as p0, are in several parts" in found.remarks[0]
    assert [(part.name, part.patients) for part in found.parts] == [("testing", 2), ("training", 3)]


def test_an_inspection_fits_into_a_message() -> None:
    """However many patients, groups, problems and duplicates there are, with long names."""
    scans = [Scan(f"{k}" * 40, f"scan {k}" * 40, ()) for k in range(10_000, 14_000)]
    tally = Tally(Survey(scans, ()), ())
    tally.problems += [Problem(f"{k}" * 50, "torn " * 100) for k in range(3000)]
    for scan in scans:
        volume = replace(noise(scan, 1), group=scan.patient, remarks=("odd " * 100,))
        tally.add(volume, scan.patient, place=0)
    found = tally.result(Source("phantom://cardiac"), "made", lambda: None)
    message = json_format.ParseDict(found.to_mapping(), trainer_pb2.Inspection())
    assert message.ByteSize() < 3 * 2**20
    assert (found.patients, found.problem_count) == (4000, 3000)
    for many in ("listed patients", "duplicates", "problems", "groups"):
        assert f"There are more {many} than are told." in found.remarks


@given(st.lists(st.text(max_size=20), max_size=20), st.integers(0, 20), st.integers(0, 300))
def test_what_is_kept_is_bounded(texts: list[str], count: int, size: int) -> None:
    kept, more = bounded(texts, count, size)
    assert list(kept) == texts[: len(kept)]
    assert more == (len(kept) < len(texts))
    assert len(kept) <= count
    assert sum(len(json.dumps(text)) for text in kept) <= size


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 3, 2, 60_000), (3, 1, 700, 5)])
@pytest.mark.parametrize("values", [(-3e38, 3e38), (0, 0), (1e-30, 2e-30), (-1000, 3000)])
def test_any_volume_can_be_shown(shape: tuple[int, ...], values: tuple[float, float]) -> None:
    images = np.linspace(*values, int(np.prod(shape))).astype(np.float32).reshape(shape)
    masks = (images[:, 0] > 0).astype(np.uint8)
    tally = Tally(Survey([Scan("p", "scan", ())], ()), ("background", "a"))
    tally.add(Volume("p", "scan", "", images, masks, None), "p", place=0)
    found = tally.result(Source("phantom://cardiac"), "made", lambda: None)
    json_format.ParseDict(json.loads(json.dumps(found.to_mapping())), trainer_pb2.Inspection())
    (thumbnail,) = tally.thumbnails
    assert thumbnail.mask is not None
    assert thumbnail.image.shape[1] == thumbnail.image.shape[2] <= 160
    assert thumbnail.mask.shape == thumbnail.image.shape[1:]
    assert "p" in render_inspection(found, tally.thumbnails)


def test_comparing_slices_can_be_stopped() -> None:
    scans = [Scan(f"p{k}", f"scan{k}", ()) for k in range(3)]
    tally = Tally(Survey(scans, ()), ())
    for number, scan in enumerate(scans):
        tally.add(noise(scan, number), scan.patient, place=0)

    def stop() -> None:
        raise AbortedError("stop")

    with pytest.raises(AbortedError):
        tally.result(Source("phantom://cardiac"), "made", stop)


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
