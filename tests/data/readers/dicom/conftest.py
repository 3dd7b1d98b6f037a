from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset

from medsynth.data import pseudonyms
from tests.data.dicom_files import KEY, series, write_series
from tests.data.readers.dicom.segments import VALUES


@pytest.fixture(autouse=True, scope="package")
def _key() -> Iterator[None]:
    """A key of pseudonyms, for as long as tests of DICOM run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pseudonyms, "_key", KEY)
        yield


@pytest.fixture
def images(tmp_path: Path) -> list[Dataset]:
    """Of a volume, written to a folder."""
    images = series(VALUES)
    write_series(tmp_path / "images", images)
    return images
