from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from medsynth.data.writers import SetDescription
from tests.data.writers.samples import CLASSES, describe, labels, pixels, write

SETS = [
    (1, 8, {"modality": "MR", "spacing": [1.5, 1.25], "slice_spacing": 8.0}),
    (1, 16, {"modality": "CT", "units": "HU", "intensities": [[-160.0, 240.0]]}),
    (3, 8, {"modality": "fundus"}),
    (4, 16, {"modality": "MR", "spacing": [1.5, 1.25], "slice_spacing": 0.5}),
]


def dataset(folder: Path) -> dict[str, Any]:
    (file,) = folder.glob("*/dataset.json")
    fields: dict[str, Any] = json.loads(file.read_text())
    return fields


@pytest.mark.parametrize(("channels", "bits", "facts"), SETS)
def test_what_the_integrity_check_asks_for(
    channels: int, bits: int, facts: dict[str, Any], tmp_path: Path
) -> None:
    images, masks = pixels(3, channels, bits=bits), labels(3)
    write(tmp_path / "a", "nnunet", images, masks, describe(**facts), first=9)
    top = tmp_path / "a" / "Dataset900_LiversDrawn"
    fields = dataset(tmp_path / "a")
    assert len(fields["channel_names"]) == channels
    assert sorted(fields["labels"].values()) == list(range(len(fields["labels"])))
    files = sorted((top / "labelsTr").iterdir())
    assert fields["numTraining"] == len(files) == 3
    assert len(list((top / "imagesTr").iterdir())) == 3 * channels
    for place, file in enumerate(files):
        mask = sitk.ReadImage(file)
        values = sitk.GetArrayFromImage(mask)
        assert np.array_equal(values[0], masks[place])
        assert set(np.unique(values)) <= set(fields["labels"].values())
        case = file.name.removesuffix(fields["file_ending"])
        for channel in range(channels):
            image = sitk.ReadImage(top / "imagesTr" / f"{case}_{channel:04d}.nii.gz")
            for about in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
                assert getattr(image, about)() == getattr(mask, about)()
            slope, intercept = describe(**facts).scale(channel, 2**bits - 1)
            expected = intercept + slope * images[place, channel]
            assert np.allclose(sitk.GetArrayFromImage(image)[0], expected, atol=1e-4)


@pytest.mark.parametrize(("distance", "written"), [(8.0, 8.0), (0.5, 1.5), (None, 1.5)])
def test_the_largest_distance_is_across_slices(
    distance: float | None, written: float, tmp_path: Path
) -> None:
    about = describe(spacing=[1.5, 1.25], slice_spacing=distance)
    write(tmp_path / "a", "nnunet", pixels(1), labels(1), about)
    for file in (tmp_path / "a").rglob("*.nii.gz"):
        assert sitk.ReadImage(file).GetSpacing() == pytest.approx((1.25, 1.5, written))


@pytest.mark.parametrize(
    ("channels", "facts", "names"),
    [
        (1, {"modality": "MR"}, ["MRI"]),
        (1, {"modality": "CT", "units": "HU"}, ["CT"]),
        (1, {"modality": "CT"}, ["CT without units"]),
        (3, {"modality": "fundus"}, ["R", "G", "B"]),
        (2, {"modality": "MR"}, ["MRI 0", "MRI 1"]),
        (1, {}, ["intensity"]),
    ],
)
def test_names_of_channels(
    channels: int, facts: dict[str, Any], names: list[str], tmp_path: Path
) -> None:
    write(tmp_path / "a", "nnunet", pixels(1, channels), labels(1), describe(**facts))
    assert list(dataset(tmp_path / "a")["channel_names"].values()) == names


def test_labels_have_the_names_of_the_classes(tmp_path: Path) -> None:
    write(tmp_path / "a", "nnunet", pixels(1), labels(1), describe(licence="CC0-1.0", number=7))
    fields = dataset(tmp_path / "a")
    assert fields["labels"] == {name: label for label, name in enumerate(CLASSES)}
    assert (fields["licence"], fields["seed"]) == ("CC0-1.0", 7)
    assert fields["name"] == "Dataset007_LiversDrawn"
    assert "research only" in fields["description"]


def test_labels_without_names(tmp_path: Path) -> None:
    write(tmp_path / "a", "nnunet", pixels(2), labels(2), SetDescription())
    assert dataset(tmp_path / "a")["labels"] == {
        "background": 0, "label 1": 1, "label 2": 2, "label 3": 3,
    }  # fmt: skip
    assert (tmp_path / "a" / "Dataset900_Synthetic").is_dir()
