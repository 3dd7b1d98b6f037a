from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medsynth.data.sample_folder import folder_digest, read_sample_folder
from medsynth.data.writers import SampleWriter
from medsynth.errors import DataError


@pytest.fixture
def png_folder(tmp_path: Path) -> Path:
    return written(tmp_path / "png", "png")


@pytest.fixture
def npz_folder(tmp_path: Path) -> Path:
    return written(tmp_path / "npz", "npz")


def written(folder: Path, format: str) -> Path:
    images = np.arange(4 * 64, dtype=np.uint8).reshape(4, 1, 8, 8)
    with SampleWriter(folder, format, {}) as writer:  # type: ignore[arg-type]
        writer.write(0, images, images[:, 0] % 4)
    return folder


def message(folder: Path, count: int | None = None) -> str:
    with pytest.raises(DataError) as caught:
        read_sample_folder(folder, count)
    return caught.value.message


def test_count(png_folder: Path, npz_folder: Path) -> None:
    for folder in (png_folder, npz_folder):
        images, masks = read_sample_folder(folder, 3)
        assert len(images) == 3
        assert masks is not None
        assert len(masks) == 3
        assert "holds 4 images, 5 were asked for" in message(folder, 5)
        message(folder, 0)


@pytest.mark.parametrize("format", ["png", "npz"])
def test_levels_of_16_bits(tmp_path: Path, format: str) -> None:
    images = (np.arange(4 * 64, dtype=np.uint16) * 257).reshape(4, 1, 8, 8)
    with SampleWriter(tmp_path / "set", format, {}) as writer:  # type: ignore[arg-type]
        writer.write(0, images, (images[:, 0] % 4).astype(np.uint8))
    again, masks = read_sample_folder(tmp_path / "set")
    assert again.dtype == np.uint16
    np.testing.assert_array_equal(again, images)
    np.testing.assert_array_equal(masks, images[:, 0] % 4)


def test_bits_that_differ(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name, kind in (("0", np.uint8), ("1", np.uint16)):
        Image.fromarray(np.full((4, 4), 3, kind)).save(tmp_path / f"images/{name}.png")
    assert "1.png: 16 bits, the first image has 8" in message(tmp_path)


def test_numbers_are_ordered_as_numbers(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in (2, 10, 9):
        Image.fromarray(np.full((4, 4), name, np.uint8)).save(tmp_path / f"images/{name}.png")
    images, masks = read_sample_folder(tmp_path, None)
    assert images[:, 0, 0, 0].tolist() == [2, 9, 10]
    assert masks is None
    assert folder_digest(tmp_path) == ""


def test_nothing_to_read(tmp_path: Path) -> None:
    assert "neither images/*.png nor *.npz" in message(tmp_path)
    assert "no such folder" in message(tmp_path / "none")
    (tmp_path / "file").write_text("")
    assert "no such folder" in message(tmp_path / "file")


def test_both_layouts(png_folder: Path) -> None:
    (png_folder / "0.npz").write_bytes(b"")
    assert "both" in message(png_folder)


def test_a_changed_file_is_not_what_the_manifest_says(png_folder: Path, npz_folder: Path) -> None:
    file = png_folder / "masks" / "000000001.png"
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(file)
    assert str(file) in message(png_folder)
    assert "is not what is said in manifest.json" in message(png_folder)
    (png_folder / "manifest.json").unlink()
    read_sample_folder(png_folder, None)
    shard = npz_folder / "000000000.npz"
    shard.write_bytes(shard.read_bytes() + b"x")
    assert str(shard) in message(npz_folder)


def test_a_file_that_the_manifest_does_not_know(png_folder: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(png_folder / "images" / "000000009.png")
    assert "000000009.png: is not in manifest.json" in message(png_folder)


@pytest.mark.parametrize(
    "content", ["{}", "[]", "not json", '{"files": [1]}', '{"files": 3}', "[" * 10**5]
)
def test_a_broken_manifest(png_folder: Path, content: str) -> None:
    (png_folder / "manifest.json").write_text(content)
    assert "manifest.json: not a manifest" in message(png_folder)


@pytest.mark.parametrize("path", ["images/000000001.png", "masks/000000001.png", "manifest.json"])
def test_pipes_and_devices_are_not_read(png_folder: Path, path: str) -> None:
    (png_folder / "manifest.json").unlink()
    for make in (os.mkfifo, lambda file: os.symlink("/dev/zero", file)):
        (png_folder / path).unlink(missing_ok=True)
        make(png_folder / path)
        assert f"{path}: is not a regular file" in message(png_folder)


def bomb() -> bytes:
    """A PNG whose header claims 60,000 x 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def png_of(array: np.ndarray, mode: str | None = None) -> bytes:
    stream = io.BytesIO()
    picture = Image.fromarray(array)
    (picture.convert(mode) if mode else picture).save(stream, "PNG")
    return stream.getvalue()


GREY = np.zeros((8, 8), np.uint8)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        png_of(GREY)[:-20],
        bomb(),
        png_of(GREY, "RGBA"),
        png_of(GREY.astype(np.uint16)),
        png_of(np.zeros((9, 8), np.uint8)),
        png_of(np.zeros((8, 8, 3), np.uint8)),
    ],
    ids=["empty", "signature", "gif", "cut", "bomb", "alpha", "16 bits", "size", "channels"],
)
def test_bad_images(png_folder: Path, content: bytes) -> None:
    (png_folder / "manifest.json").unlink()
    file = png_folder / "images" / "000000002.png"
    file.write_bytes(content)
    assert str(file) in message(png_folder)


@pytest.mark.parametrize("content", [b"", png_of(np.zeros((9, 8), np.uint8)), None])
def test_bad_masks(png_folder: Path, content: bytes | None) -> None:
    (png_folder / "manifest.json").unlink()
    file = png_folder / "masks" / "000000002.png"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    assert str(file) in message(png_folder)


def npz_of(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


IMAGES = np.zeros((2, 1, 8, 8), np.uint8)


def npz_with(content: bytes) -> bytes:
    """With other bytes for its images."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("images.npy", content)
    return stream.getvalue()


def npy_that_claims(*shape: int) -> bytes:
    stream = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + bytes(8)


def marked(place: int, value: int) -> bytes:
    """With one byte of the entry's records changed, in its own and in the directory's."""
    content = bytearray(npz_of(images=IMAGES))
    content[place] = content[content.index(b"PK\x01\x02") + place + 2] = value
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04rubbish",
        npz_of(images=IMAGES)[:-30],
        npz_of(other=IMAGES),
        npz_of(images=IMAGES.astype(np.float32)),
        npz_of(images=IMAGES[0]),
        npz_of(images=IMAGES, masks=IMAGES),
        npz_of(images=IMAGES, masks=np.zeros((2, 8, 8), np.int64)),
        npz_of(images=np.array([{"pickled": 1}], dtype=object)),
        npz_with(b"no array"),
        npz_with(b"\x93NUMPY\x01\x00\x10\x00{'shape': (((( \n "),
        npz_with(npy_that_claims(10**7, 1, 10**5, 10**3)),
        npz_with(npy_that_claims(2, 1, -2, -2)),
        marked(6, 1),
        marked(8, 99),
    ],
    ids=[
        *("empty", "rubbish", "cut", "name", "type", "axes", "masks", "labels", "pickle"),
        *("no array", "no header", "claims", "negative", "encrypted", "compression"),
    ],
)
def test_bad_shards(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "0.npz"
    file.write_bytes(content)
    assert str(file) in message(tmp_path)


def test_shards_that_differ(tmp_path: Path) -> None:
    (tmp_path / "0.npz").write_bytes(npz_of(images=IMAGES))
    (tmp_path / "1.npz").write_bytes(npz_of(images=IMAGES, masks=IMAGES[:, 0]))
    assert "1.npz" in message(tmp_path)


def test_a_shard_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medsynth.data.npz_arrays.LARGEST", 1000)
    with zipfile.ZipFile(tmp_path / "0.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", bytes(100_000))
    assert "unpacks to more than" in message(tmp_path)
