from __future__ import annotations

from collections.abc import Iterator

import pytest

from medsynth.data import pseudonyms
from tests.data.dicom_files import KEY


@pytest.fixture(autouse=True, scope="package")
def _key() -> Iterator[None]:
    """A key of pseudonyms, for as long as tests of DICOM run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pseudonyms, "_key", KEY)
        yield
