"""Samples of two-dimensional images, written with Pillow, tifffile, imagecodecs and NumPy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from tests.data.readers.image_folders import disc, photo, save
from tests.fuzz_readers.samples import SAMPLES, Recipe

_PATIENTS = range(3)


def _grey(seed: int, kind: type[np.generic] = np.uint8) -> NDArray[Any]:
    y, x = np.mgrid[:20, :30]
    return ((7 * y + 5 * x + 31 * seed) % 251).astype(kind)


def _with_masks(folder: Path) -> None:
    for number in _PATIENTS:
        photo(folder / "images" / f"case {number}.png", number, channels=1)
        save(folder / "masks" / f"case {number}.png", disc(255))


def _kinds_of_png(folder: Path) -> None:
    folder.joinpath("deep").mkdir()
    colours = np.stack([_grey(number, np.uint16) * 200 for number in _PATIENTS], axis=-1)
    (folder / "deep" / "rgb.png").write_bytes(imagecodecs.png_encode(colours))
    save(folder / "deep" / "grey.png", _grey(1, np.uint16) * 257)
    picture = Image.fromarray(np.stack([_grey(number) for number in _PATIENTS], axis=-1))
    picture.quantize(16).save(folder / "palette.png")
    picture.convert("1").save(folder / "bits.png")
    picture.convert("LA").save(folder / "alpha.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(folder / "turned.png", exif=exif)


def _drawn(folder: Path) -> None:
    for number in _PATIENTS:
        save(folder / "images" / f"{number}.png", _grey(number))
        save(folder / "masks" / f"{number}.png", disc(1, 2))


def _classes(folder: Path) -> None:
    for number in _PATIENTS:
        for group in ("Cyst", "Normal"):
            photo(folder / group / f"{group}- ({number}).jpg", number)


def _kinds_of_jpeg(folder: Path) -> None:
    picture = Image.open(photo(folder / "plain.jpg"))
    picture.save(folder / "progressive.jpg", progressive=True)
    picture.convert("CMYK").save(folder / "cmyk.jpg")
    picture.convert("L").save(folder / "grey.jpeg", subsampling=0)


def _idrid(folder: Path) -> None:
    for number in (1, 2, 55):
        part = "b. Testing Set" if number == 55 else "a. Training Set"
        name = f"IDRiD_{number:02d}"
        photo(folder / "1. Original Images" / part / f"{name}.jpg", number)
        truths = folder / "2. All Segmentation Groundtruths" / part
        save(truths / "5. Optic Disc" / f"{name}_OD.tif", disc(255))


def _kinds_of_tiff(folder: Path) -> None:
    deep = _grey(1, np.uint16) * 200
    for name, values, options in (
        ("deflate", deep, {"compression": "zlib", "predictor": True}),
        ("lzw", _grey(2), {"compression": "lzw"}),
        ("float", _grey(3).astype(np.float32) / 7, {"byteorder": ">"}),
        ("tiles", deep, {"tile": (16, 16)}),
        ("jpeg", _grey(4), {"compression": "jpeg"}),
        ("big", _grey(7), {"bigtiff": True}),
        ("planes", np.stack([_grey(k) for k in _PATIENTS]), {"photometric": "rgb"}),
    ):
        tifffile.imwrite(folder / f"{name}.tif", values, **options)
    Image.fromarray(_grey(8)).convert("1").save(folder / "fax.tiff", compression="group4")
    Image.fromarray(_grey(9)).convert("1").save(folder / "bits.tiff", compression="packbits")


def _kinds_of_bmp(folder: Path) -> None:
    picture = Image.open(photo(folder / "colour.bmp"))
    picture.quantize(16).save(folder / "palette.bmp")
    picture.convert("1").save(folder / "bits.bmp")
    picture.convert("L").save(folder / "grey.bmp")
    picture.convert("RGBA").save(folder / "alpha.bmp")


def _shards(folder: Path) -> None:
    images = np.stack([_grey(number)[None] for number in _PATIENTS])
    masks = np.stack([disc(1, 2)] * 3)
    np.savez_compressed(folder / "00000.npz", images=images, masks=masks)
    np.savez(folder / "00001.npz", images=images, masks=masks)


IMAGES = (
    Recipe("PNG", "images and masks", _with_masks, (".png",)),
    Recipe("PNG", "kinds of PNG", _kinds_of_png, (".png",)),
    Recipe("PNG", "a drawn set", _drawn, (".png",), SAMPLES),
    Recipe("JPEG", "folders of classes", _classes, (".jpg",)),
    Recipe("JPEG", "kinds of JPEG", _kinds_of_jpeg, (".jpg", ".jpeg")),
    Recipe("TIFF", "IDRiD", _idrid, (".tif",)),
    Recipe("TIFF", "kinds of TIFF", _kinds_of_tiff, (".tif", ".tiff")),
    Recipe("BMP", "kinds of BMP", _kinds_of_bmp, (".bmp",)),
    Recipe("npz", "shards", _shards, (".npz",), SAMPLES),
    Recipe("zip", "images and masks", _with_masks, (".png",), archive="set.zip"),
    Recipe("tar.gz", "images and masks", _with_masks, (".png",), archive="set.tar.gz"),
)
