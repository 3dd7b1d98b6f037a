"""Volumes of a folder, and planes that no file holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import Dataset

from medsynth.data.readers import dicom
from medsynth.data.readers.dicom.planes import MARKS, Plane
from medsynth.data.volume import Volume
from tests.data.dicom_files import write_series
from tests.data.readers.reading import read_all

VALUES = np.arange(6 * 4 * 5, dtype=np.int16).reshape(6, 4, 5)


def volumes(folder: Path, images: list[Dataset]) -> list[Volume]:
    write_series(folder, images)
    return read_all(dicom, folder)


def plane(height: float, number: int = 0, **changes: object) -> Plane:
    fields: dict[str, object] = {
        "file": number, "frame": 0, "frames": 1, "uid": str(number), "number": number,
        "moment": "", "caveat": "",
        "shape": (1, 4, 4), "position": (0.0, 0.0, height),
        "orientation": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), "spacing": (1.0, 1.0), "thickness": 2.0,
        "marks": ("",) * len(MARKS),
    }  # fmt: skip
    return Plane(**{**fields, **changes})  # type: ignore[arg-type]
