"""Small sets for the tests of writers: samples that look random and are the same each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from medsynth.data.writers import SampleWriter, SetDescription

CLASSES = ("background", "liver", "tumour", "odd thing")
DIGEST = "sha256:" + "0123456789abcdef" * 4
DESCRIPTION = SetDescription(
    title="Livers, drawn",
    generator="generators/abc",
    generator_digest=DIGEST,
    seed=7,
    classes=CLASSES,
)


def pixels(
    count: int, channels: int = 1, rows: int = 5, columns: int = 6, bits: int = 8, seed: int = 0
) -> np.ndarray:
    generator = np.random.Generator(np.random.Philox(seed))
    values = generator.integers(0, 2**bits, (count, channels, rows, columns))
    return values.astype(f"uint{bits}")


def labels(count: int, rows: int = 5, columns: int = 6) -> np.ndarray:
    return (pixels(count, 1, rows, columns, seed=1)[:, 0] % len(CLASSES)).astype(np.uint8)


def write(
    folder: Path,
    format: str,
    images: np.ndarray,
    masks: np.ndarray | None,
    description: SetDescription | None = DESCRIPTION,
    first: int = 0,
) -> str:
    writer = SampleWriter(folder, format, {"note": "a test"}, description)
    writer.write(first, images, masks)
    return writer.close()


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def describe(**fields: Any) -> SetDescription:
    return SetDescription.from_mapping({**DESCRIPTION.to_mapping(), **fields})
