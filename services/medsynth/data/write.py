"""The one way out: images with their masks as PNG pairs or `.npz` shards, with a manifest.

PNG: `images/000000123.png` and `masks/000000123.png`, labels as pixel values. npz: shards
`000001000.npz` of 1,000 consecutive indexes, beginning at multiples of 1,000, with `images`
(N, channels, rows, columns) and `masks` (N, rows, columns). The same images give the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from array import array
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from medsynth.errors import FailedPreconditionError, InvalidArgumentError
from medsynth.manifest import json_with_files
from medsynth.storage import naming

MANIFEST = "manifest.json"
SHARD = 1000
FORMATS = ("png", "npz")

Pixels = NDArray[np.uint8]


class SampleWriter:
    """Writes images of consecutive indexes into a folder.

    Without `close` there is no manifest, and what lies there is not a finished set. As a context
    manager it closes itself unless an exception passes.

    Args:
        folder: New or empty.
        format: `png` or `npz`.
        metadata: Facts for the manifest in types that JSON knows (generator, seed, ...).

    Raises:
        InvalidArgumentError: Another format.
        FailedPreconditionError: The folder is not empty.
    """

    def __init__(
        self, folder: Path, format: Literal["png", "npz"], metadata: Mapping[str, Any]
    ) -> None:
        if format not in FORMATS:
            raise InvalidArgumentError.field("format", format, f"one of {', '.join(FORMATS)}")
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise FailedPreconditionError(f"{folder} is not an empty folder")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.format = format
        self.metadata = dict(metadata)
        self.first_index: int | None = None
        self.count = 0
        self._shape: tuple[int, ...] = ()
        self._masked = False
        self._files = _Files()
        self._waiting: list[tuple[Pixels, Pixels | None]] = []
        self._waiting_first = 0

    def write(self, first_index: int, images: Pixels, masks: Pixels | None) -> None:
        """Adds images that follow those before.

        Args:
            first_index: Index of the first; after the first call, the next one.
            images: uint8 (N, channels, rows, columns); the shape stays the same over calls.
            masks: uint8 labels (N, rows, columns), or None, always or never.

        Raises:
            InvalidArgumentError: PNG cannot hold that many channels.
            ValueError: Arrays or indexes do not fit what came before.
        """
        self._check(first_index, images, masks)
        self.count += len(images)
        if self.format == "png":
            for offset in range(len(images)):
                self._write_png(first_index + offset, images, masks, offset)
            return
        while len(images):
            if not self._waiting:
                self._waiting_first = first_index
            room = SHARD - first_index % SHARD
            head_masks = None if masks is None else masks[:room]
            self._waiting.append((images[:room].copy(), _copy(head_masks)))
            first_index += len(images[:room])
            images, masks = images[room:], None if masks is None else masks[room:]
            if first_index % SHARD == 0:
                self._write_shard()

    def close(self) -> str:
        """Writes what waits, and the manifest.

        Returns:
            `sha256:...` of the manifest.
        """
        if self._waiting:
            self._write_shard()
        channels, rows, columns = self._shape or (0, 0, 0)
        facts = {
            "format": self.format,
            "first_index": self.first_index or 0,
            "count": self.count,
            "channels": channels,
            "height": rows,
            "width": columns,
            "masks": self._masked,
            "metadata": self.metadata,
        }
        sha = hashlib.sha256()
        beside = self.folder / f"{MANIFEST}.tmp"
        with naming(beside), beside.open("wb") as stream:
            for piece in chain(json_with_files(facts, self._files, indent=1), "\n"):
                stream.write(piece.encode())
                sha.update(piece.encode())
        beside.replace(self.folder / MANIFEST)
        return "sha256:" + sha.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()

    def _check(self, first_index: int, images: Pixels, masks: Pixels | None) -> None:
        if images.dtype != np.uint8 or images.ndim != 4:
            raise ValueError(f"images are {images.dtype} of shape {images.shape}, not (N, C, H, W)")
        if masks is not None and (
            masks.dtype != np.uint8 or masks.shape != (len(images), *images.shape[2:])
        ):
            raise ValueError(f"masks are {masks.dtype} of shape {masks.shape}")
        if self.first_index is None:
            if self.format == "png" and images.shape[1] not in (1, 3):
                raise InvalidArgumentError.field(
                    "format", "png", f"npz: a PNG holds 1 or 3 channels, not {images.shape[1]}"
                )
            self.first_index = first_index
            self._shape = images.shape[1:]
            self._masked = masks is not None
        if first_index != self.first_index + self.count:
            raise ValueError(f"index {first_index} follows {self.first_index + self.count - 1}")
        if images.shape[1:] != self._shape or (masks is not None) != self._masked:
            raise ValueError("shape or presence of masks differs from the images before")

    def _write_png(self, index: int, images: Pixels, masks: Pixels | None, offset: int) -> None:
        planes = images[offset]
        pixels = planes[0] if len(planes) == 1 else planes.transpose(1, 2, 0)
        self._write_file(f"images/{index:09d}.png", _png(pixels))
        if masks is not None:
            self._write_file(f"masks/{index:09d}.png", _png(masks[offset]))

    def _write_shard(self) -> None:
        arrays = {"images": np.concatenate([images for images, _ in self._waiting])}
        if self._masked:
            arrays["masks"] = np.concatenate([m for _, m in self._waiting if m is not None])
        self._write_file(f"{self._waiting_first:09d}.npz", _npz(arrays))
        self._waiting = []

    def _write_file(self, path: str, content: bytes) -> None:
        target = self.folder / path
        target.parent.mkdir(exist_ok=True)
        with naming(target):
            target.write_bytes(content)
        self._files.add(path, content)


class _Files:
    """What is known about each file written, in little memory: there may be millions."""

    def __init__(self) -> None:
        self._paths: list[str] = []
        self._sizes = array("Q")
        self._digests = bytearray()

    def add(self, path: str, content: bytes) -> None:
        self._paths.append(path)
        self._sizes.append(len(content))
        self._digests += hashlib.sha256(content).digest()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for place, (path, size) in enumerate(zip(self._paths, self._sizes, strict=True)):
            digest = self._digests[32 * place : 32 * (place + 1)].hex()
            yield {"path": path, "size": size, "digest": f"sha256:{digest}"}


def _copy(pixels: Pixels | None) -> Pixels | None:
    return None if pixels is None else pixels.copy()


def _png(pixels: Pixels) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "PNG")
    return stream.getvalue()


def _npz(arrays: Mapping[str, Pixels]) -> bytes:
    """As `numpy.savez_compressed`, but with the time of every entry fixed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.ascontiguousarray(array), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, entry.getvalue())
    return stream.getvalue()
