"""What is written comes back by the project's own readers: pixels, units, labels and places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medsynth.data import pseudonyms
from medsynth.data.files import open_files
from medsynth.data.readers import get_reader, recognise
from medsynth.data.sample_folder import read_sample_folder
from medsynth.data.volume import upright
from tests.data.dicom_files import KEY
from tests.data.readers.reading import read_all, survey
from tests.data.writers.samples import CLASSES, describe, labels, pixels, write

COUNT, ROWS, COLUMNS = 3, 24, 28
PLACE = {"affine": upright(8.0, 1.5, 1.25).tolist()}
MR = {"modality": "MR", **PLACE, "intensities": [[0.0, 900.0]]}
CT = {"modality": "CT", "units": "HU", **PLACE, "intensities": [[-160.0, 240.0]]}
TWO = {"modality": "MR", **PLACE, "intensities": [[0.0, 900.0], [-3.0, 5.0]]}
SETS = [
    ("nifti", 1, 8, MR),
    ("nifti", 1, 16, CT),
    ("nifti", 2, 16, TWO),
    ("nnunet", 1, 8, MR),
    ("nnunet", 1, 16, CT),
    ("nnunet", 2, 8, TWO),
    ("dicom", 1, 8, MR),
    ("dicom", 1, 16, CT),
    ("dicom", 3, 8, {"modality": "XC"}),
]
READERS = {"nifti": "volumes", "nnunet": "nnunet", "dicom": "dicom"}


@pytest.mark.parametrize(("format", "channels", "bits", "facts"), SETS)
def test_scans_of_a_drawn_set(
    format: str, channels: int, bits: int, facts: dict[str, Any], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """NIfTI alone has no place for units and for the names of labels."""
    monkeypatch.setattr(pseudonyms, "_key", KEY)
    images = pixels(COUNT, channels, ROWS, COLUMNS, bits)
    masks, about = labels(COUNT, ROWS, COLUMNS), describe(**facts)
    write(tmp_path / "a", format, images, masks, about, first=41)
    folder = next((tmp_path / "a").glob("Dataset*"), tmp_path / "a")
    reader = recognise(open_files(str(folder)))
    assert reader is get_reader(READERS[format])
    found = survey(reader, folder)
    assert found.problems == []
    assert len(found.classes) == len(CLASSES)
    names = CLASSES if format == "nifti" else found.classes
    assert found.modality in (facts["modality"], "")
    volumes = read_all(reader, folder)
    assert len({volume.patient for volume in volumes}) == len(volumes) == COUNT
    if format == "dicom":
        volumes.sort(key=lambda volume: places(volume.images, images, about, bits))
    for place, volume in enumerate(volumes):
        expected = intensities(images[place], about, bits)
        np.testing.assert_allclose(volume.images[0], expected, rtol=1e-5, atol=1e-3)
        assert volume.masks is not None
        assert np.array_equal(np.array(names)[volume.masks[0]], np.array(CLASSES)[masks[place]])
        assert volume.units == ("" if format == "nifti" else facts.get("units", ""))
        if "affine" in facts:
            assert volume.spacing == pytest.approx((8.0, 1.5, 1.25))
            assert volume.affine is not None
            np.testing.assert_allclose(volume.affine, facts["affine"], atol=1e-5)


def intensities(image: np.ndarray, about: Any, bits: int) -> np.ndarray:
    scales = [about.scale(channel, 2**bits - 1) for channel in range(len(image))]
    slopes, intercepts = np.array(scales).T[..., None, None]
    return np.asarray(image * slopes + intercepts)


def places(found: np.ndarray, images: np.ndarray, about: Any, bits: int) -> int:
    """Which sample a scan is: pseudonyms have no order."""
    distances = [np.abs(found[0] - intensities(image, about, bits)).max() for image in images]
    return int(np.argmin(distances))


@pytest.mark.parametrize(
    ("format", "channels", "bits"),
    [("png", 1, 8), ("png", 3, 8), ("png", 1, 16), ("npz", 1, 8), ("npz", 5, 16)],
)
@pytest.mark.parametrize("masked", [True, False])
def test_sample_folders(
    format: str, channels: int, bits: int, masked: bool, tmp_path: Path
) -> None:
    images = pixels(COUNT, channels, ROWS, COLUMNS, bits)
    masks = labels(COUNT, ROWS, COLUMNS) if masked else None
    write(tmp_path / "a", format, images, masks, first=998)
    got, got_masks = read_sample_folder(tmp_path / "a")
    assert got.dtype == images.dtype
    assert np.array_equal(got, images)
    assert (got_masks is None) == (masks is None)
    if masks is not None:
        assert np.array_equal(np.asarray(got_masks), masks)
