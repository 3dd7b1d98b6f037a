"""Segments of a volume, and masks as the reader draws them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medsynth.data.readers import dicom
from medsynth.data.readers.interface import ReaderOptions
from medsynth.data.volume import Volume
from tests.data.readers.reading import read_all

VALUES = np.arange(4 * 5 * 7, dtype=np.int16).reshape(4, 5, 7)
LIVER = np.zeros(VALUES.shape, bool)
LIVER[:2, 1:4, 1:5] = True
CYST = np.zeros(VALUES.shape, bool)
CYST[1:, 2:3, 2:6] = True


def read_one(folder: Path, options: ReaderOptions | None = None) -> Volume:
    (volume,) = read_all(dicom, folder, options)
    return volume


def masks_of(folder: Path, options: ReaderOptions | None = None) -> np.ndarray:
    volume = read_one(folder, options)
    assert volume.masks is not None
    assert volume.masks.dtype == np.uint8
    return volume.masks
