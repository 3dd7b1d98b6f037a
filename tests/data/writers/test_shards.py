"""Sets that are taken up where an attempt before broke off."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from medsynth.data.sample_folder import read_sample_folder
from medsynth.data.writers import FORMATS, SampleWriter, SetDescription, begun_description
from medsynth.data.writers.manifest import read_facts
from medsynth.errors import FailedPreconditionError
from tests.data.writers import samples
from tests.data.writers.samples import labels, pixels


def test_a_paused_set_is_not_closed(tmp_path: Path) -> None:
    with SampleWriter(tmp_path / "a", "png", {}) as writer:
        writer.write(0, samples.pixels(1001), None)
        writer.pause()
    assert not (tmp_path / "a" / "manifest.json").exists()
    assert SampleWriter(tmp_path / "a", "png", {}, resume=True).next_index == 1000


def test_the_manifest_says_what_computed_which_images(tmp_path: Path) -> None:
    images = samples.pixels(3500)
    for stop, machine in ((1200, "a"), (2100, "a"), (3500, "b")):
        writer = SampleWriter(tmp_path, "npz", {}, resume=True, origin={"machine": machine})
        begin = writer.next_index or 0
        writer.write(begin, images[begin:stop], None)
        if stop < 3500:
            writer.pause()
    writer.close()
    expected = [
        {"first_index": 0, "count": 2000, "machine": "a"},
        {"first_index": 2000, "count": 1500, "machine": "b"},
    ]
    assert read_facts(tmp_path / "manifest.json")["origins"] == expected
    again = SampleWriter(tmp_path, "npz", {}, resume=True, origin={"machine": "c"})
    assert writer.origins == again.origins == expected


def test_what_an_earlier_attempt_said(tmp_path: Path) -> None:
    assert begun_description(tmp_path) is None
    about = samples.describe(preparation={"label_map": {2: 1}}, intensities=[[0, 1]])
    writer = SampleWriter(tmp_path, "png", {}, about)
    assert begun_description(tmp_path) == SetDescription.from_mapping(about.to_mapping())
    writer.write(0, pixels(1), labels(1))
    writer.close()
    assert begun_description(tmp_path) == SetDescription.from_mapping(about.to_mapping())
    for content in ("", "[]", "{}", '{"description": 7}', '{"description": {"seed": "x"}}'):
        (tmp_path / "manifest.json").write_text(content)
        assert begun_description(tmp_path) is None


def begun(folder: Path, format: str, count: int) -> None:
    """A set of ten samples from 995 on that was left after so many."""
    images, masks = samples.pixels(10), samples.labels(10)
    writer = SampleWriter(folder, format, {}, samples.DESCRIPTION)
    writer.write(995, images[:count], masks[:count])
    writer.pause()


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_bytes_whether_interrupted_or_not(format: str, tmp_path: Path) -> None:
    images, masks = samples.pixels(10), samples.labels(10)
    whole = samples.write(tmp_path / "whole", format, images, masks, first=995)
    begun(tmp_path / "parts", format, 8)
    again = SampleWriter(
        tmp_path / "parts", format, {"note": "a test"}, samples.DESCRIPTION, resume=True
    )
    assert (again.first_index, again.next_index, again.count) == (995, 1000, 5)
    again.write(1000, images[5:], masks[5:])
    assert again.close() == whole
    assert samples.tree(tmp_path / "parts") == samples.tree(tmp_path / "whole")


KILLED = """
import os, signal, sys
from pathlib import Path
from medsynth.data.writers import SampleWriter
from tests.data.writers import samples
images, masks = samples.pixels(3456), samples.labels(3456)
for stop in (2100, 3400):
    writer = SampleWriter(Path(sys.argv[1]), sys.argv[2], {}, samples.DESCRIPTION, resume=True)
    for index in range(writer.next_index or 0, stop, 50):
        writer.write(index, images[index : index + 50], masks[index : index + 50])
    if stop == 2100:
        writer.pause()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("format", ["coco", "webdataset"])
def test_a_killed_set_is_taken_up(format: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / "a"), format]
    assert subprocess.run(command, check=False, timeout=100).returncode == -signal.SIGKILL
    assert not (tmp_path / "a" / "manifest.json").exists()
    writer = SampleWriter(tmp_path / "a", format, {}, samples.DESCRIPTION, resume=True)
    assert writer.next_index in (2000, 3000)
    left = slice(writer.next_index, None)
    writer.write(writer.next_index, samples.pixels(3456)[left], samples.labels(3456)[left])
    digest = writer.close()
    writer = SampleWriter(tmp_path / "b", format, {}, samples.DESCRIPTION)
    writer.write(0, samples.pixels(3456), samples.labels(3456))
    assert writer.close() == digest
    assert samples.tree(tmp_path / "a") == samples.tree(tmp_path / "b")


def test_what_belongs_to_no_whole_shard_goes_and_other_files_stay(tmp_path: Path) -> None:
    begun(tmp_path / "a", "png", 10)
    half = [f"{kind}/{index:09d}.png" for kind in ("images", "masks") for index in (1000, 1004)]
    (tmp_path / "a" / half[0]).write_bytes(b"half")
    for name in ("notes.txt", "images/mine.png", "scan-000001001.png"):
        (tmp_path / "a" / name).write_text("mine")
    writer = SampleWriter(tmp_path / "a", "png", {}, samples.DESCRIPTION, resume=True)
    assert writer.next_index == 1000
    left = set(samples.tree(tmp_path / "a"))
    assert not left & set(half)
    assert {"notes.txt", "images/mine.png", "scan-000001001.png"} < left
    assert {"images/000000995.png", "masks/000000999.png"} < left


@pytest.mark.parametrize("damage", ["shorter", "gone", "zeros", "notes", "record"])
def test_a_shard_whose_files_are_not_what_they_were_is_made_again(
    damage: str, tmp_path: Path
) -> None:
    begun(tmp_path / "a", "coco", 10)
    file = tmp_path / "a" / "images" / "000000997.png"
    notes = tmp_path / "a" / ".shards" / "000000995.notes"
    if damage == "shorter":
        file.write_bytes(file.read_bytes()[:-1])
    elif damage == "gone":
        file.unlink()
    elif damage == "zeros":
        file.write_bytes(bytes(file.stat().st_size))
    elif damage == "notes":
        notes.write_bytes(bytes(notes.stat().st_size))
    else:
        notes.with_suffix(".json").write_text('{"first":')
    writer = SampleWriter(tmp_path / "a", "coco", {}, samples.DESCRIPTION, resume=True)
    assert (writer.next_index, writer.count) == (None, 0)
    assert not [path for path in samples.tree(tmp_path / "a") if path.endswith((".png", ".notes"))]


def test_a_gap_between_shards_ends_what_is_kept(tmp_path: Path) -> None:
    writer = SampleWriter(tmp_path / "a", "npz", {})
    writer.write(0, samples.pixels(3000, 1, 1, 1), None)
    writer.pause()
    (tmp_path / "a" / ".shards" / "000001000.json").unlink()
    writer = SampleWriter(tmp_path / "a", "npz", {}, resume=True)
    assert writer.next_index == 1000
    assert [path.name for path in (tmp_path / "a").glob("*.npz")] == ["000000000.npz"]


def test_a_set_of_another_description_is_not_taken_up(tmp_path: Path) -> None:
    begun(tmp_path / "a", "png", 10)
    before = samples.tree(tmp_path / "a")
    for format, description in (
        ("png", samples.describe(seed=8)),
        ("npz", samples.DESCRIPTION),
        ("png", None),
    ):
        with pytest.raises(FailedPreconditionError, match=r"another set: its (format|description)"):
            SampleWriter(tmp_path / "a", format, {}, description, resume=True)
    with pytest.raises(FailedPreconditionError, match="not an empty folder"):
        SampleWriter(tmp_path / "a", "png", {}, samples.DESCRIPTION)
    assert samples.tree(tmp_path / "a") == before


def test_other_images_are_refused_after_an_interruption(tmp_path: Path) -> None:
    begun(tmp_path / "a", "png", 10)
    writer = SampleWriter(tmp_path / "a", "png", {}, samples.DESCRIPTION, resume=True)
    with pytest.raises(ValueError, match="differs"):
        writer.write(1000, samples.pixels(1, rows=9), samples.labels(1, rows=9))
    with pytest.raises(ValueError, match="index 1005"):
        writer.write(1005, samples.pixels(1), samples.labels(1))


def test_resuming_begins_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "c" / ".shards").mkdir(parents=True)
    for folder in ("a", "c"):
        with SampleWriter(tmp_path / folder, "png", {}, resume=True) as writer:
            assert writer.next_index is None
            writer.write(3, pixels(1), None)
        assert len(read_sample_folder(tmp_path / folder)[0]) == 1
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine.txt").write_text("keep")
    with pytest.raises(FailedPreconditionError, match="go on with"):
        SampleWriter(tmp_path / "b", "png", {}, resume=True)


def test_resuming_a_finished_set_changes_nothing(tmp_path: Path) -> None:
    description = samples.describe(preparation={"label_map": {2: 1}, "limits": [0.5, 99.5]})
    digest = samples.write(tmp_path / "a", "png", pixels(3), labels(3), description, 40)
    before = samples.tree(tmp_path / "a")
    writer = SampleWriter(tmp_path / "a", "png", {}, description, resume=True)
    assert (writer.first_index, writer.next_index, writer.count) == (40, 43, 3)
    with pytest.raises(ValueError, match="finished"):
        writer.write(43, pixels(1), labels(1))
    assert writer.close() == digest
    assert samples.tree(tmp_path / "a") == before
    with pytest.raises(FailedPreconditionError, match="another set"):
        SampleWriter(tmp_path / "a", "png", {}, samples.DESCRIPTION, resume=True)


def test_a_manifest_beside_records_is_written_again(tmp_path: Path) -> None:
    begun(tmp_path / "a", "png", 10)
    (tmp_path / "a" / "manifest.json").write_text("{}")
    writer = SampleWriter(tmp_path / "a", "png", {}, samples.DESCRIPTION, resume=True)
    assert not (tmp_path / "a" / "manifest.json").exists()
    writer.close()
    assert read_facts(tmp_path / "a" / "manifest.json")["count"] == 5
    assert not (tmp_path / "a" / ".shards").exists()


def test_an_interruption_before_the_manifest(tmp_path: Path) -> None:
    """The last shard may have been meant to be longer: it is made again."""
    images, masks = samples.pixels(10), samples.labels(10)
    whole = samples.write(tmp_path / "whole", "coco", images, masks, first=995)
    in_the_way = tmp_path / "a" / "manifest.json.tmp"
    writer = SampleWriter(tmp_path / "a", "coco", {"note": "a test"}, samples.DESCRIPTION)
    writer.write(995, images[:7], masks[:7])
    in_the_way.mkdir()
    with pytest.raises(IsADirectoryError):
        writer.close()
    in_the_way.rmdir()
    again = SampleWriter(
        tmp_path / "a", "coco", {"note": "a test"}, samples.DESCRIPTION, resume=True
    )
    assert again.next_index == 1000
    again.write(1000, images[5:], masks[5:])
    assert again.close() == whole
    assert samples.tree(tmp_path / "a") == samples.tree(tmp_path / "whole")
