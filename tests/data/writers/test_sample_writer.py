from __future__ import annotations

import hashlib
import json
import shutil
import threading
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medsynth.data.sample_folder import folder_digest, read_sample_folder
from medsynth.data.writers import (
    FORMATS,
    SampleWriter,
    SetDescription,
    encoding,
)
from medsynth.data.writers.interface import Form
from medsynth.data.writers.manifest import read_facts, write_manifest
from medsynth.data.writers.shards import Shard, Shards
from medsynth.errors import DataError, FailedPreconditionError, InvalidArgumentError
from medsynth.manifest import FileEntry
from tests.data.writers import samples

Format = Literal["png", "npz"]


def pixels(count: int, channels: int = 1, side: int = 5, seed: int = 0) -> np.ndarray:
    generator = np.random.Generator(np.random.Philox(seed))
    return generator.integers(0, 256, (count, channels, side, side + 1)).astype(np.uint8)


def labels(count: int, side: int = 5) -> np.ndarray:
    return (pixels(count, 1, side, 1)[:, 0] % 4).astype(np.uint8)


def write(
    folder: Path, format: Format, images: np.ndarray, masks: np.ndarray | None, first: int,
    sizes: list[int],
) -> str:  # fmt: skip
    writer = SampleWriter(folder, format, {"seed": 7})
    done = 0
    for size in [*sizes, len(images)]:
        part = slice(done, min(done + size, len(images)))
        if part.stop > part.start:
            writer.write(first + part.start, images[part], None if masks is None else masks[part])
        done = part.stop
    return writer.close()


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.data(),
    format=st.sampled_from(["png", "npz"]),
    channels=st.sampled_from([1, 3]),
    masked=st.booleans(),
    count=st.integers(1, 12),
    first=st.integers(0, 2**40),
)
def test_round_trip(
    data: st.DataObject, format: Format, channels: int, masked: bool, count: int, first: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    folder = tmp_path_factory.mktemp("set") / "out"
    images, masks = pixels(count, channels), labels(count) if masked else None
    sizes = data.draw(st.lists(st.integers(1, 5), max_size=8))
    digest = write(folder, format, images, masks, first, sizes)
    got, got_masks = read_sample_folder(folder, None)
    assert np.array_equal(got, images)
    assert (got_masks is None) == (masks is None)
    if masks is not None:
        assert np.array_equal(np.asarray(got_masks), masks)
    assert digest == folder_digest(folder)


def test_shards_begin_at_multiples_of_a_thousand(tmp_path: Path) -> None:
    images, masks = pixels(2300, 8, 2), labels(2300, 2)
    write(tmp_path / "a", "npz", images, masks, 500, [700, 1, 64])
    shards = sorted(tmp_path.glob("a/*.npz"))
    assert [s.name for s in shards] == ["000000500.npz", "000001000.npz", "000002000.npz"]
    sizes = []
    for shard in shards:
        with np.load(shard) as arrays:
            sizes.append(len(arrays["images"]))
            assert arrays["masks"].shape == (sizes[-1], 2, 3)
    assert sizes == [500, 1000, 800]
    assert np.array_equal(read_sample_folder(tmp_path / "a", 1200)[0], images[:1200])


@pytest.mark.parametrize("format", ["png", "npz"])
def test_the_same_images_give_the_same_bytes(
    format: Format, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, masks = pixels(9), labels(9)
    first = write(tmp_path / "a", format, images, masks, 0, [2, 7])
    monkeypatch.setenv("TZ", "Asia/Yerevan")
    second = write(tmp_path / "b", format, images, masks, 0, [5, 4])
    assert first == second
    for file in sorted(p for p in (tmp_path / "a").rglob("*") if p.is_file()):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes()
    for shard in (tmp_path / "a").glob("*.npz"):
        with zipfile.ZipFile(shard) as archive:
            assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    third = write(tmp_path / "c", format, images[::-1], masks, 0, [])
    assert third != first


def test_layout_and_manifest(tmp_path: Path) -> None:
    images, masks = pixels(2), labels(2)
    write(tmp_path / "a", "png", images, masks, 123, [])
    manifest: dict[str, Any] = json.loads((tmp_path / "a" / "manifest.json").read_text())
    files = manifest.pop("files")
    assert manifest == {
        "format": "png",
        "first_index": 123,
        "count": 2,
        "channels": 1,
        "height": 5,
        "width": 6,
        "bits": 8,
        "masks": True,
        "origins": [],
        "description": SetDescription().to_mapping(),
        "metadata": {"seed": 7},
    }
    assert [entry["path"] for entry in files] == [
        "images/000000123.png",
        "masks/000000123.png",
        "images/000000124.png",
        "masks/000000124.png",
    ]
    for entry in files:
        content = (tmp_path / "a" / entry["path"]).read_bytes()
        assert entry["size"] == len(content)
        assert entry["digest"] == "sha256:" + hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("channels", [2, 4, 8])
def test_png_refuses_other_channels(channels: int, tmp_path: Path) -> None:
    writer = SampleWriter(tmp_path / "a", "png", {})
    with pytest.raises(InvalidArgumentError, match="npz"):
        writer.write(0, pixels(1, channels), None)


def test_other_formats(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="png, npz"):
        SampleWriter(tmp_path / "a", "jpg", {})
    assert not (tmp_path / "a").exists()


def test_a_folder_that_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(FailedPreconditionError, match="not an empty folder"):
        SampleWriter(tmp_path, "png", {})
    with pytest.raises(FailedPreconditionError):
        SampleWriter(tmp_path / "mine.txt", "png", {})


def test_what_does_not_follow_is_refused(tmp_path: Path) -> None:
    writer = SampleWriter(tmp_path / "a", "npz", {})
    writer.write(10, pixels(2), labels(2))
    for first, images, masks in (
        (11, pixels(1), labels(1)),
        (13, pixels(1), labels(1)),
        (12, pixels(1), None),
        (12, pixels(1, 3), labels(1)),
        (12, pixels(1, 1, 6), labels(1, 6)),
        (12, pixels(2), labels(1)),
        (12, pixels(1).astype(np.float32), labels(1)),
        (12, pixels(1)[0], labels(1)),
    ):
        with pytest.raises(ValueError, match=r"index|shape|masks"):
            writer.write(first, images, masks)
    writer.write(12, pixels(1), labels(1))
    writer.close()
    assert len(read_sample_folder(tmp_path / "a", None)[0]) == 3


def test_batches_may_be_reused_after_writing(tmp_path: Path) -> None:
    buffer = pixels(3)
    expected = buffer.copy()
    with SampleWriter(tmp_path / "a", "npz", {}) as writer:
        writer.write(0, buffer, None)
        buffer[:] = 0
    assert np.array_equal(read_sample_folder(tmp_path / "a", None)[0], expected)


def test_an_exception_leaves_no_manifest(tmp_path: Path) -> None:
    def interrupted() -> None:
        with SampleWriter(tmp_path / "a", "png", {}) as writer:
            writer.write(0, pixels(1), None)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not (tmp_path / "a" / "manifest.json").exists()


def test_no_thread_writes_after_an_exception(tmp_path: Path) -> None:
    def failing() -> None:
        with SampleWriter(tmp_path / "a", "png", {}) as writer:
            writer.write(0, samples.pixels(4000, 1, 64, 64), None)
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        failing()
    shutil.rmtree(tmp_path / "a")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("write")]
    assert not (tmp_path / "a").exists()


def test_no_thread_writes_after_an_error_while_closing(tmp_path: Path) -> None:
    writer = SampleWriter(tmp_path / "a", "png", {}, threads=1)
    writer.write(0, samples.pixels(2000, 1, 64, 64), None)
    shutil.rmtree(tmp_path / "a" / ".shards")
    with pytest.raises(FileNotFoundError):
        writer.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("write")]


def test_the_manifest_says_where_the_images_come_from(tmp_path: Path) -> None:
    description = samples.describe(
        licence="CC0-1.0", intended_use="teaching", preparation={"size": 64}
    )
    samples.write(tmp_path / "a", "npz", samples.pixels(2, bits=16), labels(2), description, 8)
    facts = read_facts(tmp_path / "a" / "manifest.json")
    assert (facts["bits"], facts["first_index"], facts["count"]) == (16, 8, 2)
    said = facts["description"]
    assert said["generator_digest"] == samples.DIGEST
    assert (said["seed"], said["preparation"]) == (7, {"size": 64})
    assert (said["licence"], said["intended_use"]) == ("CC0-1.0", "teaching")


@pytest.mark.parametrize("format", FORMATS)
def test_the_manifest_has_every_other_file(format: str, tmp_path: Path) -> None:
    samples.write(tmp_path / "a", format, pixels(3), labels(3))
    files = samples.tree(tmp_path / "a")
    listed = {entry["path"]: entry for entry in json.loads(files["manifest.json"])["files"]}
    assert set(files) - set(listed) == {"manifest.json", "croissant.json"}
    for path, entry in listed.items():
        assert entry["size"] == len(files[path])
        assert entry["digest"] == "sha256:" + hashlib.sha256(files[path]).hexdigest()


def test_a_label_without_a_class(tmp_path: Path) -> None:
    writer = SampleWriter(tmp_path / "a", "npz", {}, samples.DESCRIPTION)
    with pytest.raises(ValueError, match="label 4, but 4 classes"):
        writer.write(0, pixels(1), np.full((1, 5, 6), 4, np.uint8))


def test_two_types_of_pixels_are_not_mixed(tmp_path: Path) -> None:
    writer = SampleWriter(tmp_path / "a", "npz", {})
    writer.write(0, pixels(1), None)
    with pytest.raises(ValueError, match="type"):
        writer.write(1, samples.pixels(1, bits=16), None)


def test_an_error_of_a_thread_reaches_the_writer(tmp_path: Path) -> None:
    writer = SampleWriter(tmp_path / "a", "png", {})
    (tmp_path / "a" / "images").write_text("in the way")
    writer.write(0, pixels(3), None)
    with pytest.raises(OSError, match="images"):
        writer.close()
    assert not (tmp_path / "a" / "manifest.json").exists()


def test_what_waits_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "_MOST_BYTES", 2**21)
    batch = samples.pixels(20, 1, 128, 128)
    with SampleWriter(tmp_path / "a", "png", {}, threads=1) as writer:
        writer.write(0, batch, None)
        tracemalloc.start()
        for number in range(1, 60):
            writer.write(20 * number, batch, None)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2 * 2**21
    assert 59 * batch.nbytes > 8 * 2**21


def test_a_manifest_of_many_files_is_written_in_little_memory(tmp_path: Path) -> None:
    peaks = []
    for shards in (2, 16):
        records = Shards(tmp_path / str(shards))
        records.begin({})
        for first in range(0, 1000 * shards, 1000):
            entries = [
                FileEntry(f"images/{index:09d}.png", index, samples.DIGEST)
                for index in range(first, first + 1000)
            ]
            records.add(Shard(first, 1000, Form(), 0, entries), "")
        tracemalloc.start()
        file = tmp_path / f"{shards}.json"
        write_manifest(file, {"a": 1, "z": [2]}, (e for part in records for e in part.files))
        facts = read_facts(file)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert facts == {"a": 1, "z": [2]}
        assert len(json.loads(file.read_bytes())["files"]) == 1000 * shards
    assert peaks[-1] < 2 * peaks[0]


@pytest.mark.parametrize("content", ["", "[]", '{"files": [', "\xff"])
def test_what_is_no_manifest(content: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(DataError, match="not a manifest"):
        read_facts(tmp_path / "manifest.json")


def test_an_empty_set(tmp_path: Path) -> None:
    SampleWriter(tmp_path / "a", "nnunet", {}).close()
    assert read_facts(tmp_path / "a" / "manifest.json")["count"] == 0
