"""The synthetic images that are scored, wherever they come from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medsynth.data.prepared import PreparedSet
from medsynth.data.sample_folder import folder_digest, read_sample_folder
from medsynth.data.source import inside
from medsynth.data.writers import MANIFEST
from medsynth.errors import DataError, PermissionDeniedError
from medsynth.levels import Labels, Pixels, bits_of
from medsynth.storage import Artifact


@dataclass(frozen=True)
class Synthetic:
    """Images with their masks.

    Attributes:
        name: What was scored, for people.
        digest: Of the generator, or of the images' manifest; empty without one.
        images: uint8, or uint16 for 16 bits (N, C, S, S), N at least 2.
        masks: uint8 labels (N, S, S), or None.
    """

    name: str
    digest: str
    images: Pixels
    masks: Labels | None


def read(name: str, digest: str, path: Path, count: int) -> Synthetic:
    """Reads the first images of a folder; all of them, if it holds fewer.

    Args:
        name: What was scored, for people.
        digest: Its digest; empty: that of the folder's manifest, if it has one.
        path: The folder.
        count: How many at most.

    Raises:
        DataError: The folder cannot be used, or holds fewer than two images.
    """
    available = _available(path)
    images, masks = read_sample_folder(path, None if available is None else min(count, available))
    images, masks = images[:count], None if masks is None else masks[:count]
    if len(images) < 2:
        raise DataError(f"{path}: holds {len(images)} image, at least 2 are needed")
    return Synthetic(name, digest or folder_digest(path), images, masks)


def check_match(synthetic: Synthetic, prepared: PreparedSet) -> None:
    """Makes sure that synthetic and real images can be compared as they are.

    Nothing is resized or recoloured to make them fit: that would be part of what is scored.

    Raises:
        DataError: Size, channels, bits or labels differ; says how to get what fits.
    """
    _, channels, rows, columns = synthetic.images.shape
    if (rows, columns) != (prepared.size, prepared.size):
        raise DataError(
            f"{synthetic.name}: images of {columns} x {rows} pixels, but the real ones are "
            f"{prepared.size} x {prepared.size}; set data.preparation.size to the synthetic "
            "images' side, or resize them (nothing is resized here)",
            reason="SIZE_MISMATCH",
        )
    if channels != prepared.channels:
        raise DataError(
            f"{synthetic.name}: images of {channels} channels, but the real ones have "
            f"{prepared.channels}",
            reason="CHANNELS_MISMATCH",
        )
    bits = bits_of(synthetic.images, synthetic.name)
    if bits != prepared.bits:
        raise DataError(
            f"{synthetic.name}: images of {bits} bits, but the real ones have {prepared.bits}; "
            f"set data.preparation.bits to {bits}",
            reason="BITS_MISMATCH",
        )
    if synthetic.masks is not None and prepared.classes:
        highest = int(synthetic.masks.max())
        if highest >= len(prepared.classes):
            labels = ", ".join(f"{n} {name}" for n, name in enumerate(prepared.classes))
            raise DataError(
                f"{synthetic.name}: a mask holds the value {highest}, but the labels are {labels}; "
                "masks hold labels, not grey levels",
                reason="UNKNOWN_LABEL",
            )


def training_curve(generator: Artifact | None, file: str) -> list[dict[str, Any]]:
    """The curve that a generator's training left; empty without a generator or a curve."""
    if generator is None or generator.manifest.files.get(file) is None:
        return []
    curve: list[dict[str, Any]] = json.loads(generator.read(file))
    return curve


def check_links(folder: Path, roots: Sequence[str]) -> None:
    """Makes sure that no file of a folder is a link out of what the operator allows.

    Raises:
        PermissionDeniedError: Names the link.
    """
    for pattern in ("*", "images/*", "masks/*"):
        for file in folder.glob(pattern):
            if not inside(str(file.resolve()), roots):
                raise PermissionDeniedError(
                    f"{file} is a link to a file outside the folders that the operator allows"
                )


def _available(path: Path) -> int | None:
    """Number of images in a folder; None if only reading tells."""
    pictures = sum(1 for _ in (path / "images").glob("*.png"))
    if pictures:
        return pictures
    try:
        return int(json.loads((path / MANIFEST).read_bytes())["count"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None
