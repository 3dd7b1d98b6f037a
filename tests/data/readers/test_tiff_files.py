from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from medsynth.data.readers.image_files import read_image_file
from tests.data.readers.image_folders import COLOUR, DEEP, GREY, photo, refused, save


def test_float_and_signed_tiff(tmp_path: Path) -> None:
    signed = GREY.astype(np.int16) * 10 - 1024
    assert (read_image_file(save(tmp_path / "a.tif", signed)) == signed).all()
    wide = GREY.astype(np.float64) / 3
    image = read_image_file(save(tmp_path / "a.tif", wide))
    assert image.dtype == np.float32
    assert np.allclose(image, wide)


def test_white_is_zero(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", GREY, photometric="miniswhite")
    assert (read_image_file(tmp_path / "a.tif") == 255 - GREY).all()


@pytest.mark.parametrize("orientation", [3, 6])
def test_orientation_of_deep_images(tmp_path: Path, orientation: int) -> None:
    tag = (274, "H", 1, orientation, True)
    tifffile.imwrite(tmp_path / "a.tif", DEEP, extratags=[tag])
    turned = np.rot90(DEEP, 2 if orientation == 3 else -1)
    assert (read_image_file(tmp_path / "a.tif") == turned).all()


@pytest.mark.parametrize("compression", ["lzw", "deflate", "packbits", "zstd", "lzma"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_compressed_tiff(tmp_path: Path, compression: str, tile: tuple[int, int] | None) -> None:
    many = np.tile(COLOUR, (3, 3, 1))
    tifffile.imwrite(
        tmp_path / "a.tif", many, compression=compression, tile=tile, photometric="rgb"
    )
    assert (read_image_file(tmp_path / "a.tif") == many.transpose(2, 0, 1)).all()


def test_tiff_that_holds_jpeg(tmp_path: Path) -> None:
    picture = Image.open(photo(tmp_path / "a.png"))
    picture.save(tmp_path / "a.tif", compression="jpeg", quality=95)
    image = read_image_file(tmp_path / "a.tif").astype(int)
    assert np.abs(image - np.asarray(picture).transpose(2, 0, 1)).mean() < 8


def test_separate_planes_and_unnamed_channels(tmp_path: Path) -> None:
    planes = COLOUR.transpose(2, 0, 1)
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    assert (read_image_file(tmp_path / "a.tif") == planes).all()
    five = np.stack([GREY + k for k in range(5)], axis=-1)
    tifffile.imwrite(tmp_path / "b.tif", five, photometric="minisblack", planarconfig="contig")
    assert (read_image_file(tmp_path / "b.tif") == five.transpose(2, 0, 1)).all()


def test_several_pages(tmp_path: Path) -> None:
    stack = np.stack([GREY, GREY[::-1], GREY // 2])
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack")
    assert "several pages" in refused(tmp_path / "a.tif")


def test_thumbnails_are_passed_over(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(GREY)
        writer.write(GREY[::4, ::4], subfiletype=1)
    assert (read_image_file(tmp_path / "a.tif") == GREY).all()


def test_truncated_compressed_tiff(tmp_path: Path) -> None:
    for name in ("lzw", "deflate", "jpeg"):
        Image.open(photo(tmp_path / "a.png")).save(tmp_path / "a.tif", compression=name)
        content = bytearray((tmp_path / "a.tif").read_bytes())
        with tifffile.TiffFile(io.BytesIO(bytes(content))) as tiff:
            tag = tiff.pages[0].tags["StripByteCounts"]
        content[tag.valueoffset : tag.valueoffset + 4] = struct.pack("<I", 10_000_000)
        (tmp_path / "a.tif").write_bytes(content)
        refused(tmp_path / "a.tif")


def test_circular_pages(tmp_path: Path) -> None:
    content = bytearray(save(tmp_path / "a.tif", GREY).read_bytes())
    with tifffile.TiffFile(io.BytesIO(bytes(content))) as tiff:
        page = tiff.pages[0]
    first, tags = page.offset, len(page.tags)
    content[first + 2 + 12 * tags : first + 6 + 12 * tags] = struct.pack("<I", first)
    (tmp_path / "a.tif").write_bytes(content)
    assert "circle" in refused(tmp_path / "a.tif")


def test_complex_numbers(tmp_path: Path) -> None:
    assert "complex64" in refused(save(tmp_path / "a.tif", GREY.astype(np.complex64)))
