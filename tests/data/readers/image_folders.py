"""Small image files for the readers of folders, and the real folders beside the checkout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from medsynth.data.readers.image_files import read_image_file
from medsynth.errors import DataError

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"

ROWS, COLUMNS = 20, 30

GREY = np.arange(12 * 17, dtype=np.uint8).reshape(12, 17)
COLOUR = np.stack([GREY, GREY[::-1], GREY // 2], axis=-1)
DEEP = GREY.astype(np.uint16) * 257 + 3


def save(file: Path, values: NDArray[np.generic]) -> Path:
    """Writes (rows, columns) or (rows, columns, 3) in the format of the name, as it is."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix in (".tif", ".tiff"):
        tifffile.imwrite(file, values)
    else:
        Image.fromarray(values).save(file)
    return file


def photo(file: Path, seed: int = 0, channels: int = 3) -> Path:
    """An image of smooth colours, so that JPEG changes it little."""
    y, x = np.mgrid[:ROWS, :COLUMNS]
    planes = [(4 * y + 3 * x * k + 10 * seed) % 200 for k in range(channels)]
    values = np.stack(planes, axis=-1).astype(np.uint8)
    return save(file, values[..., 0] if channels == 1 else values)


def disc(*values: int, dtype: type[np.generic] = np.uint8) -> NDArray[np.generic]:
    """Rings about the middle with these values from the outside, 0 around them."""
    y, x = np.mgrid[:ROWS, :COLUMNS]
    radius = np.hypot(y - ROWS / 2, x - COLUMNS / 2)
    out = np.zeros((ROWS, COLUMNS), dtype)
    for k, value in enumerate(values):
        out[radius < 9 - 3 * k] = value
    return out


def refused(file: Path) -> str:
    """Why an image cannot be read, without its name."""
    with pytest.raises(DataError) as caught:
        read_image_file(file)
    assert caught.value.message.startswith(f"{file}: ")
    return caught.value.message.removeprefix(f"{file}: ")


def real(name: str) -> Path:
    """A folder of real files."""
    if not (SHARED / name).is_dir():
        pytest.skip(f"no ../shared/data/{name} beside the checkout")
    return SHARED / name
