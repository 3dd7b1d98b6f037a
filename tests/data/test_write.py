from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medsynth.data.folder import folder_digest, read_sample_folder
from medsynth.data.write import SampleWriter
from medsynth.errors import FailedPreconditionError, InvalidArgumentError

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
        "masks": True,
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
        SampleWriter(tmp_path / "a", "jpg", {})  # type: ignore[arg-type]
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
