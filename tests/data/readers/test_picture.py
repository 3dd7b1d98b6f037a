from __future__ import annotations

import contextlib
import struct
import tracemalloc
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from medsynth.data.readers.image_files import read_image_file
from medsynth.errors import DataError
from tests.data.readers.image_folders import DEEP, GREY, photo, refused


def test_16_bit_alpha_is_dropped(tmp_path: Path) -> None:
    deep = np.stack([DEEP, DEEP // 3, DEEP[::-1], DEEP // 7], axis=-1)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(deep))
    assert (read_image_file(tmp_path / "a.png") == deep[..., :3].transpose(2, 0, 1)).all()
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(deep[..., :2].copy()))
    assert (read_image_file(tmp_path / "a.png") == deep[None, ..., 0]).all()


def test_grey_with_alpha(tmp_path: Path) -> None:
    Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(GREY[::-1])]).save(tmp_path / "a.png")
    assert (read_image_file(tmp_path / "a.png") == GREY[None]).all()


def bmp_of_4_bits(indexes: np.ndarray, greys: list[int]) -> bytes:
    packed = (indexes[::-1, ::2] << 4 | indexes[::-1, 1::2]).astype(np.uint8)
    rows = np.pad(packed, ((0, 0), (0, -packed.shape[1] % 4))).tobytes()
    palette = b"".join(bytes([grey, grey, grey, 0]) for grey in greys)
    size = struct.pack("<Iiihh", 40, *indexes.shape[::-1], 1, 4)
    header = size + struct.pack("<IIiiII", 0, len(rows), 0, 0, len(greys), 0) + palette
    return (
        b"BM"
        + struct.pack("<IHHI", 14 + len(header + rows), 0, 0, 14 + len(header))
        + header
        + rows
    )


@pytest.mark.parametrize("bits", [4, 8])
def test_bmp_of_two_colours_and_more_bits(tmp_path: Path, bits: int) -> None:
    indexes = (np.arange(12 * 18) % 5 == 0).astype(np.uint8).reshape(12, 18)
    picture = Image.fromarray(indexes, "P")
    picture.putpalette(bytes([0, 0, 0, 255, 255, 255]))
    picture.save(tmp_path / "a.bmp")
    if bits == 4:
        (tmp_path / "a.bmp").write_bytes(bmp_of_4_bits(indexes, [0, 255]))
    assert (tmp_path / "a.bmp").read_bytes()[28] == bits
    assert (read_image_file(tmp_path / "a.bmp") == indexes * 255).all()


def test_bmp_of_4_bits(tmp_path: Path) -> None:
    indexes = (np.arange(12 * 18, dtype=np.uint8) % 16).reshape(12, 18)
    (tmp_path / "a.bmp").write_bytes(bmp_of_4_bits(indexes, list(range(16))))
    assert (read_image_file(tmp_path / "a.bmp") == indexes).all()
    (tmp_path / "a.bmp").write_bytes(bmp_of_4_bits(indexes, [*range(15), 200]))
    assert (read_image_file(tmp_path / "a.bmp") == np.where(indexes == 15, 200, indexes)).all()


def test_an_animation(tmp_path: Path) -> None:
    frames = [Image.fromarray(GREY), Image.fromarray(GREY[::-1].copy())]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    assert "animation" in refused(tmp_path / "a.png")


def test_a_part_of_a_png_that_claims_too_much(tmp_path: Path) -> None:
    content = bytearray(photo(tmp_path / "a.png").read_bytes())
    place = content.index(b"IDAT")
    content[place - 4 : place] = struct.pack(">I", 2**30)
    (tmp_path / "a.png").write_bytes(content)
    tracemalloc.start()
    with contextlib.suppress(DataError):
        read_image_file(tmp_path / "a.png")
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_a_file_longer_than_any_image(tmp_path: Path) -> None:
    with photo(tmp_path / "a.png").open("ab") as stream:
        stream.truncate(2**32)
    assert "4294967296 bytes, expected at most" in refused(tmp_path / "a.png")
