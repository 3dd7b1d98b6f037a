"""Real files of pydicom's wheel, and pixels as the reader decodes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.data import get_testdata_file

from medsynth.data.readers.dicom import frames, intensities
from medsynth.data.readers.dicom.opening import opened
from medsynth.data.readers.dicom.quiet import quiet
from medsynth.data.readers.dicom.scan import KEYWORDS


def real(name: str) -> Path:
    path = get_testdata_file(name, download=False)
    assert path is not None, f"pydicom's wheel has no {name}"
    return Path(str(path))


def stored(file: Path) -> NDArray[Any]:
    """All frames of a file (frames, channels, rows, columns), by the reader's own code."""
    with quiet():
        dataset = opened(file, file, KEYWORDS, pixels=True)
        count = int(dataset.get("NumberOfFrames") or 1)
        return np.stack([each for _, each in frames.decoded(dataset, file, range(count))])


def rescaled(file: Path) -> NDArray[np.float32]:
    with quiet():
        dataset = opened(file, file, KEYWORDS, pixels=True)
        ((_, values),) = intensities.intensities(dataset, file, [0])
    return values
