"""Reads folders of images with masks: what `write` wrote, or the same layout from elsewhere."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import zlib
from pathlib import Path

import numpy as np

from medsynth.data.npz_arrays import LARGEST, read_npz
from medsynth.data.writers import MANIFEST
from medsynth.errors import DataError
from medsynth.levels import Labels, Pixels, array_type, bits_of, holds_levels

_LARGEST_SIDE = 4096
_MODES = ("L", "RGB", "I;16")
_LABEL_MODES = ("L", "P", "1")


def read_sample_folder(path: Path, count: int | None = None) -> tuple[Pixels, Labels | None]:
    """Reads `images/*.png` with `masks/*.png`, or `*.npz` shards, in the order of their names.

    Where there is a manifest, every file that is read has to be in it and intact.

    Args:
        path: The folder.
        count: Only the first so many images. None: all.

    Returns:
        Images uint8, or uint16 for 16 bits (N, channels, rows, columns); masks uint8 labels
        (N, rows, columns), or None if the folder has none.

    Raises:
        DataError: Names the file: no images, fewer than `count`, a mask missing or of another
            size, broken files, files that are not what the manifest says.
    """
    if not path.is_dir():
        raise DataError(f"{path}: there is no such folder")
    digests = _manifest_digests(path)
    pictures = sorted((path / "images").glob("*.png"), key=_order)
    shards = sorted(path.glob("*.npz"), key=_order)
    if pictures and shards:
        raise DataError(f"{path}: holds both images/*.png and *.npz; one of the two is expected")
    if not pictures and not shards:
        raise DataError(f"{path}: holds neither images/*.png nor *.npz")
    if pictures:
        images, masks = _read_pictures(path, pictures[:count], digests)
    else:
        images, masks = _read_shards(path, shards, count, digests)
    if count is not None and len(images) < count:
        raise DataError(f"{path}: holds {len(images)} images, {count} were asked for")
    return images, masks


def folder_digest(path: Path) -> str:
    """`sha256:...` of the folder's manifest; empty without one."""
    try:
        content = _read(path / MANIFEST)
    except FileNotFoundError:
        return ""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _order(file: Path) -> tuple[int, str]:
    stem = file.stem
    return (int(stem) if stem.isascii() and stem.isdigit() else -1, file.name)


def _manifest_digests(path: Path) -> dict[str, str] | None:
    file = path / MANIFEST
    try:
        fields = json.loads(_read(file))
        return {entry["path"]: entry["digest"] for entry in fields["files"]}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{file}: not a manifest of a synthetic data set: {error}") from error


def _read(file: Path) -> bytes:
    """The content of a regular file: a pipe is waited for, and a device is read, without end.

    Raises:
        DataError: It is something else, or longer than any file of a drawn set.
    """
    facts = file.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise DataError(f"{file}: is not a regular file")
    if facts.st_size > LARGEST:
        raise DataError(f"{file}: is longer than {LARGEST} bytes")
    return file.read_bytes()


def _content(file: Path, root: Path, digests: dict[str, str] | None) -> bytes:
    try:
        content = _read(file)
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}") from error
    if digests is not None:
        expected = digests.get(file.relative_to(root).as_posix())
        if expected != "sha256:" + hashlib.sha256(content).hexdigest():
            problem = "is not in" if expected is None else "is not what is said in"
            raise DataError(
                f"{file}: {problem} {MANIFEST}; remove {MANIFEST} if the change was intended"
            )
    return content


def _read_pictures(
    root: Path, files: list[Path], digests: dict[str, str] | None
) -> tuple[Pixels, Labels | None]:
    masked = (root / "masks").is_dir()
    images: Pixels | None = None
    masks: Labels | None = None
    for row, file in enumerate(files):
        image = _decode(_content(file, root, digests), file, _MODES)
        planes = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
        if images is None:
            images = np.empty((len(files), *planes.shape), planes.dtype)
            masks = np.empty((len(files), *planes.shape[1:]), np.uint8) if masked else None
        if planes.shape != images.shape[1:]:
            raise DataError(
                f"{file}: channels, rows and columns are {planes.shape}, "
                f"of the first image {images.shape[1:]}"
            )
        if planes.dtype != images.dtype:
            raise DataError(
                f"{file}: {bits_of(planes)} bits, the first image has {bits_of(images)}"
            )
        images[row] = planes
        if masks is not None:
            mask_file = root / "masks" / file.name
            mask = _decode(_content(mask_file, root, digests), mask_file, _LABEL_MODES)
            if mask.shape != planes.shape[1:]:
                raise DataError(f"{mask_file}: is {mask.shape}, its image {planes.shape[1:]}")
            masks[row] = mask
    if images is None:
        raise DataError(f"{root}: no image was asked for")
    return images, masks


def _decode(content: bytes, file: Path, modes: tuple[str, ...]) -> Pixels:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            if max(picture.size) > _LARGEST_SIDE:
                raise DataError(f"{file}: {picture.size} pixels, at most {_LARGEST_SIDE} a side")
            if picture.mode not in modes:
                raise DataError(f"{file}: mode {picture.mode}, expected {' or '.join(modes)}")
            picture.verify()
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            pixels = np.asarray(picture)
            return pixels.astype(array_type(16 if picture.mode == "I;16" else 8))
    except (
        OSError, SyntaxError, ValueError, zlib.error, UnidentifiedImageError,
        Image.DecompressionBombError,
    ) as error:  # fmt: skip
        raise DataError(f"{file}: not a readable PNG: {error}") from error


def _read_shards(
    root: Path, files: list[Path], count: int | None, digests: dict[str, str] | None
) -> tuple[Pixels, Labels | None]:
    shards: list[tuple[Pixels, Labels | None]] = []
    have = 0
    for file in files:
        if count is not None and have >= count:
            break
        images, masks = _read_shard(_content(file, root, digests), file)
        if shards:
            first = shards[0]
            form = (images.dtype, images.shape[1:], masks is None)
            if form != (first[0].dtype, first[0].shape[1:], first[1] is None):
                raise DataError(f"{file}: shape, bits or masks differ from {files[0].name}")
        left = None if count is None else count - have
        shards.append((images[:left], None if masks is None else masks[:left]))
        have += len(images)
    if not shards:
        raise DataError(f"{root}: no image was asked for")
    all_images = np.concatenate([images for images, _ in shards])
    if shards[0][1] is None:
        return all_images, None
    return all_images, np.concatenate([masks for _, masks in shards if masks is not None])


def _read_shard(content: bytes, file: Path) -> tuple[Pixels, Labels | None]:
    images, masks = read_npz(content, ("images", "masks"), file)
    if images is None or not holds_levels(images) or images.ndim != 4:
        raise DataError(f"{file}: expected `images`, uint8 or uint16 of four axes")
    if masks is not None and (
        masks.dtype != np.uint8 or masks.shape != (len(images), *images.shape[2:])
    ):
        raise DataError(f"{file}: expected `masks`, uint8 (N, rows, columns) as its images have")
    return images, masks
