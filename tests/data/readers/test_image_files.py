from __future__ import annotations

import contextlib
import errno
import io
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageOps

from medsynth.data.readers.image_files import ending, read_image_file, read_picture
from medsynth.errors import DataError
from tests.data.readers.image_folders import COLOUR, GREY, photo, refused, save


def test_endings() -> None:
    assert ending("a/B.JPG") == ".jpg"
    assert ending("x.nii.gz") == ending("png") == ending("x.png.txt") == ""


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.TIFF"])
def test_grey_and_colour_come_back_as_they_were(tmp_path: Path, name: str) -> None:
    assert (read_image_file(save(tmp_path / name, GREY)) == GREY[None]).all()
    colour = read_image_file(save(tmp_path / name, COLOUR))
    assert (colour == COLOUR.transpose(2, 0, 1)).all()
    assert colour.dtype == np.uint8


def test_jpeg(tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(12), np.arange(17)).astype(np.uint8) * 4
    Image.fromarray(smooth).save(tmp_path / "a.jpg", quality=95)
    image = read_image_file(tmp_path / "a.jpg")
    assert image.shape == (1, 12, 17)
    assert np.abs(image[0].astype(int) - smooth).max() < 6


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3]))))
def test_16_bits(tmp_path: Path, values: np.ndarray) -> None:
    stored = values[..., 0] if values.shape[2] == 1 else values
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(stored))
    photometric = "rgb" if values.shape[2] == 3 else "minisblack"
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric=photometric, byteorder=">")
    for name in ("a.png", "a.tif"):
        image = read_image_file(tmp_path / name)
        assert image.dtype == np.uint16
        assert (image == values.transpose(2, 0, 1)).all()


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_alpha_is_dropped(tmp_path: Path, name: str) -> None:
    alpha = np.concatenate([COLOUR, GREY[..., None]], axis=-1)
    assert (read_image_file(save(tmp_path / name, alpha)) == COLOUR.transpose(2, 0, 1)).all()


def test_one_bit(tmp_path: Path) -> None:
    bits = GREY % 3 == 0
    Image.fromarray(bits).save(tmp_path / "a.png")
    Image.fromarray(bits).save(tmp_path / "a.bmp")
    Image.fromarray(bits).save(tmp_path / "g4.tif", compression="group4")
    tifffile.imwrite(tmp_path / "zero_is_black.tif", bits, photometric="minisblack")
    tifffile.imwrite(tmp_path / "zero_is_white.tif", ~bits, photometric="miniswhite")
    for file in tmp_path.iterdir():
        image = read_image_file(file)
        assert image.dtype == np.uint8, file
        assert (image == np.where(bits, 255, 0)).all(), file


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif"])
def test_palette(tmp_path: Path, name: str) -> None:
    indexes = GREY % 3
    picture = Image.fromarray(indexes, "P")
    colours = [[0, 0, 0], [200, 10, 20], [30, 40, 250]]
    picture.putpalette(np.array(colours, np.uint8).tobytes())
    picture.save(tmp_path / name)
    image = read_image_file(tmp_path / name)
    assert (image == np.array(colours)[indexes].transpose(2, 0, 1)).all()
    assert (read_picture(tmp_path / name).values[0] == indexes).all()


def test_cmyk(tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(16), np.arange(16)).astype(np.uint8) * 8
    cmyk = np.stack([smooth, smooth[::-1], smooth // 2, smooth // 4], axis=-1)
    expected = (255 - cmyk[..., :3].astype(float)) * (255 - cmyk[..., 3:]) / 255
    tifffile.imwrite(tmp_path / "a.tif", cmyk, photometric="separated")
    Image.fromarray(cmyk, "CMYK").save(tmp_path / "a.jpg", quality=100, subsampling=0)
    for name, most in (("a.tif", 1), ("a.jpg", 8)):
        image = read_image_file(tmp_path / name)
        assert image.shape == (3, 16, 16)
        assert np.abs(image - expected.transpose(2, 0, 1)).max() <= most, name


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_orientation(tmp_path: Path, name: str, orientation: int) -> None:
    picture = Image.open(photo(tmp_path / "stored.png"))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(tmp_path / name, exif=exif.tobytes())
    exif_of_written = Image.open(tmp_path / name)
    shown = np.asarray(ImageOps.exif_transpose(exif_of_written).convert("RGB"))
    assert (read_image_file(tmp_path / name) == shown.transpose(2, 0, 1)).all()


def test_jpeg_under_another_name_is_read(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg").rename(tmp_path / "a.png")
    assert read_image_file(tmp_path / "a.png").shape == (3, 20, 30)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.tif"])
def test_truncated(tmp_path: Path, name: str) -> None:
    content = photo(tmp_path / name).read_bytes()
    for length in (0, 3, 30, len(content) // 2, len(content) - 200):
        (tmp_path / name).write_bytes(content[:length])
        assert "not a readable" in refused(tmp_path / name), length


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.tif"])
@pytest.mark.parametrize(
    "content", [b"<html>404</html>" * 99, b"GIF89a" + bytes(99), b"%!PS-Adobe-3.0 EPSF-3.0\n"]
)
def test_something_else(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert "not a readable" in refused(tmp_path / name)


def test_missing(tmp_path: Path) -> None:
    assert "missing" in refused(tmp_path / "a.png")
    (tmp_path / "a.tif").mkdir()
    assert "missing" in refused(tmp_path / "a.tif")


def png_claiming(columns: int, rows: int) -> bytes:
    picture = io.BytesIO()
    Image.fromarray(GREY).save(picture, "PNG")
    content = bytearray(picture.getvalue())
    content[16:24] = struct.pack(">II", columns, rows)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


def bmp_claiming(columns: int, rows: int) -> bytes:
    picture = io.BytesIO()
    Image.fromarray(COLOUR).save(picture, "BMP")
    content = bytearray(picture.getvalue())
    content[18:26] = struct.pack("<ii", columns, rows)
    return bytes(content)


def tiff_claiming(columns: int, rows: int) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, GREY, compression="deflate")
    content = bytearray(stream.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(content))) as tiff:
        tags = tiff.pages[0].tags
        for name, value in (("ImageWidth", columns), ("ImageLength", rows), ("RowsPerStrip", rows)):
            tag = tags[name]
            code = {3: "<H", 4: "<I"}[int(tag.dtype)]
            content[tag.valueoffset : tag.valueoffset + struct.calcsize(code)] = struct.pack(
                code, min(value, 65535)
            )
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "claiming"),
    [("a.png", png_claiming), ("a.bmp", bmp_claiming), ("a.tif", tiff_claiming)],
)
def test_a_header_that_claims_too_much(
    tmp_path: Path, name: str, claiming: Callable[[int, int], bytes]
) -> None:
    content = claiming(50_000, 20_000)
    assert len(content) < 1024
    (tmp_path / name).write_bytes(content)
    tracemalloc.start()
    message = refused(tmp_path / name)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()
    assert "pixels" in message or "expected at most 268435456" in message


@pytest.mark.parametrize(
    ("name", "claiming"),
    [("a.png", png_claiming), ("a.bmp", bmp_claiming), ("a.tif", tiff_claiming)],
)
def test_a_header_that_claims_more_than_the_file_can_hold(
    tmp_path: Path, name: str, claiming: Callable[[int, int], bytes]
) -> None:
    (tmp_path / name).write_bytes(claiming(6_000, 5_000))
    assert "cannot be in" in refused(tmp_path / name)


def test_a_large_image_in_few_bytes(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.zeros((5000, 6000), np.uint8))
    assert (tmp_path / "a.png").stat().st_size < 2**15
    assert read_image_file(tmp_path / "a.png").shape == (1, 5000, 6000)
    Image.new("1", (6000, 5000)).save(tmp_path / "b.png", optimize=True)
    assert (tmp_path / "b.png").stat().st_size < 2**12
    assert not read_image_file(tmp_path / "b.png").any()


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("error", [OSError(errno.ESTALE, "Stale file handle"), MemoryError()])
def test_a_machine_that_fails_is_no_broken_image(
    tmp_path: Path, name: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = save(tmp_path / name, GREY)

    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(Image, "open", fail)
    monkeypatch.setattr(imagecodecs, "tiff_decode", fail)
    with pytest.raises(type(error)):
        read_image_file(file)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.tif", "deflate.tif", "lzw.tif"])
def test_changed_bytes_give_an_image_or_a_data_error(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    compressions = {"deflate.tif": "tiff_adobe_deflate", "lzw.tif": "tiff_lzw"}
    picture = Image.open(photo(tmp_path / "stored.png"))
    picture.save(file, **({"compression": compressions[name]} if name in compressions else {}))
    original = file.read_bytes()
    generator = np.random.Generator(np.random.Philox(3))
    for reach in [400, len(original)] * 75:
        content = bytearray(original)
        for place in generator.integers(0, min(len(content), reach), 3):
            content[place] = generator.integers(0, 256)
        file.write_bytes(content)
        with contextlib.suppress(DataError):
            assert read_image_file(file).ndim == 3
