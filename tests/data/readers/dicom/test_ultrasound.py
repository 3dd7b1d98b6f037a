from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)

from medsynth.data.geometry import orient, resample
from medsynth.data.inspecting import inspect
from medsynth.data.preparation import Preparation
from medsynth.data.readers import dicom
from medsynth.data.source import Source
from medsynth.data.volume import Volume
from medsynth.errors import DataError
from tests.data.dicom_files import clip, image, item, save, segmentation, series, write_series
from tests.data.readers.reading import read_all
from tests.data.writers.samples import describe, write

ROWS, COLUMNS = 24, 30
VALUES = np.arange(ROWS * COLUMNS, dtype=np.uint16).reshape(ROWS, COLUMNS).astype(np.uint8)
TWO_DIMENSIONAL, M_MODE, TISSUE, CENTIMETRES, SECONDS = 1, 2, 1, 3, 4


def region(
    bounds: tuple[int, int, int, int] = (0, 0, ROWS - 1, COLUMNS - 1), **changes: Any
) -> Dataset:
    top, left, bottom, right = bounds
    return item(
        **{
            "RegionSpatialFormat": TWO_DIMENSIONAL,
            "RegionDataType": TISSUE,
            "RegionFlags": 0,
            "RegionLocationMinX0": left,
            "RegionLocationMinY0": top,
            "RegionLocationMaxX1": right,
            "RegionLocationMaxY1": bottom,
            "PhysicalUnitsXDirection": CENTIMETRES,
            "PhysicalUnitsYDirection": CENTIMETRES,
            "PhysicalDeltaX": 0.03,
            "PhysicalDeltaY": 0.02,
            **changes,
        }
    )


def still(regions: list[Dataset], **changes: Any) -> Dataset:
    return image(
        VALUES,
        SOPClassUID=UltrasoundImageStorage,
        Modality="US",
        SequenceOfUltrasoundRegions=regions or None,
        **changes,
    )


def read_one(folder: Path) -> Volume:
    (volume,) = read_all(dicom, folder)
    return volume


def read_still(folder: Path, regions: list[Dataset], **changes: Any) -> Volume:
    save(still(regions, **changes), folder / "x.dcm")
    return read_one(folder)


def in_plane(volume: Volume) -> tuple[float, ...] | None:
    assert not volume.oriented
    return None if volume.spacing is None else volume.spacing[1:]


LEFT, RIGHT = (0, 0, ROWS - 1, 14), (0, 15, ROWS - 1, COLUMNS - 1)
TIME = region(RIGHT, RegionSpatialFormat=M_MODE, PhysicalUnitsXDirection=SECONDS)


@pytest.mark.parametrize(
    "regions",
    [
        [region()],
        [region(PhysicalDeltaX=-0.03, PhysicalDeltaY=-0.02)],
        [region((0, 0, ROWS, COLUMNS))],
        [region(LEFT), region(RIGHT)],
        [region(LEFT), TIME],
        [region(LEFT), region(RIGHT, RegionDataType=5, PhysicalDeltaX=1.0)],
    ],
)
def test_centimetres_of_a_region_are_the_scale(tmp_path: Path, regions: list[Dataset]) -> None:
    volume = read_still(tmp_path, regions)
    assert in_plane(volume) == pytest.approx((0.2, 0.3))
    assert "not where they lie" in volume.remarks[0]


@pytest.mark.parametrize(
    ("regions", "remark"),
    [
        ([], "no regions say where"),
        ([TIME], ""),
        ([region(PhysicalUnitsXDirection=SECONDS)], ""),
        ([region(PhysicalDeltaX=0.0)], ""),
        ([region(PhysicalDeltaX=float("nan"))], ""),
        ([region(LEFT), region(RIGHT, PhysicalDeltaX=0.05)], "its regions have different scales"),
        ([region((0, 0, 500, 700))], "its regions reach beyond it"),
        ([region((5, 5, 5, 9))], "its regions reach beyond it"),
    ],
)
def test_regions_without_one_scale(tmp_path: Path, regions: list[Dataset], remark: str) -> None:
    volume = read_still(tmp_path, regions)
    assert volume.spacing is None
    assert remark in " ".join(volume.remarks)


@pytest.mark.parametrize("name", ["examples_palette.dcm", "examples_ybr_color.dcm"])
def test_real_images_that_were_shrunk_or_cropped_have_no_scale(tmp_path: Path, name: str) -> None:
    path = get_testdata_file(name, download=False)
    (tmp_path / name).write_bytes(Path(str(path)).read_bytes())
    volume = read_one(tmp_path)
    assert volume.spacing is None
    assert "its regions reach beyond it: their scale cannot be trusted" in volume.remarks
    assert any("no regions say where" in remark for remark in volume.remarks)
    assert (volume.images != 0).any(axis=(0, 1))[:20].any()


def test_a_spacing_in_conflict(tmp_path: Path) -> None:
    volume = read_still(tmp_path, [region()], PixelSpacing=["7", "7"])
    assert in_plane(volume) == pytest.approx((0.2, 0.3))
    assert any("its regions and its PixelSpacing differ" in remark for remark in volume.remarks)
    volume = read_still(tmp_path, [], PixelSpacing=["7", "8"])
    assert in_plane(volume) == (7, 8)


def test_stills_of_different_depths_are_volumes_of_their_own(tmp_path: Path) -> None:
    one, two, three = (still([region(PhysicalDeltaX=x)]) for x in (0.03, 0.05, 0.03))
    write_series(tmp_path, [one, two, three])
    volumes = read_all(dicom, tmp_path)
    assert [len(volume.images) for volume in volumes] == [2, 1]
    assert in_plane(volumes[1]) == pytest.approx((0.2, 0.5))


def test_a_clip_can_be_resampled_in_its_plane_alone(tmp_path: Path) -> None:
    frames = np.random.Generator(np.random.Philox(1)).integers(0, 255, (3, ROWS, COLUMNS, 3))
    made = clip(frames.astype(np.uint8))
    made.SequenceOfUltrasoundRegions = [region()]
    save(made, tmp_path / "x.dcm")
    volume = read_one(tmp_path)
    smaller = resample(volume, Preparation(spacing=0.4))
    assert smaller.images.shape == (3, 3, 12, 22)
    with pytest.raises(DataError, match="not say how far its slices are apart"):
        resample(volume, Preparation(spacing=0.4, slice_spacing=1.0))
    with pytest.raises(DataError, match="not say which way its axes lead"):
        orient(volume, Preparation(slicing="coronal"))


def test_an_inspection_shows_no_distance_of_slices_that_no_file_says(tmp_path: Path) -> None:
    made = clip(np.zeros((3, ROWS, COLUMNS, 3), np.uint8))
    made.SequenceOfUltrasoundRegions = [region()]
    save(made, tmp_path / "x.dcm")
    found, _ = inspect(Source(str(tmp_path)), progress=lambda done, total: None)
    shown = {spacing.axis: spacing.median for spacing in found.spacings}
    assert shown == {"rows": pytest.approx(0.2), "columns": pytest.approx(0.3)}


def test_pixels_outside_the_regions_are_blank(tmp_path: Path) -> None:
    bounds = (4, 5, 19, 24)
    one = still([region(bounds), region((0, 27, 3, 29), RegionSpatialFormat=M_MODE)])
    one.BurnedInAnnotation = "YES"
    save(one, tmp_path / "x.dcm")
    drawn = series(VALUES[None], SeriesInstanceUID=one.SeriesInstanceUID)[0]
    drawn.SOPInstanceUID = one.SOPInstanceUID
    made = segmentation([drawn], {"cyst": np.ones((1, ROWS, COLUMNS), bool)})
    save(made, tmp_path / "seg.dcm")
    volume = read_one(tmp_path)
    inside = np.zeros((ROWS, COLUMNS), bool)
    inside[4:20, 5:25] = True
    inside[0:4, 27:30] = True
    assert (volume.images[0, 0] == np.where(inside, VALUES, 0)).all()
    assert volume.masks is not None
    assert (volume.masks[0] == inside).all()


@pytest.mark.parametrize(
    ("elements", "spacing", "remark"),
    [
        ({"PixelSpacing": ["0.2", "0.3"], "ImagerPixelSpacing": ["1", "1"]}, (0.2, 0.3), ""),
        ({"ImagerPixelSpacing": ["0.2", "0.3"]}, (0.2, 0.3), "those at the detector"),
        (
            {
                "ImagerPixelSpacing": ["0.2", "0.3"],
                "EstimatedRadiographicMagnificationFactor": "1.25",
            },
            (0.16, 0.24),
            "by the magnification",
        ),
        ({"NominalScannedPixelSpacing": ["0.2", "0.3"]}, (0.2, 0.3), ""),
        ({"SequenceOfUltrasoundRegions": [region()]}, None, ""),
    ],
)
def test_scales_of_other_images_without_a_place(
    tmp_path: Path, elements: dict[str, Any], spacing: tuple[float, float] | None, remark: str
) -> None:
    storage = DigitalXRayImageStorageForPresentation
    save(image(VALUES, SOPClassUID=storage, Modality="DX", **elements), tmp_path / "x.dcm")
    volume = read_one(tmp_path)
    assert in_plane(volume) == (None if spacing is None else pytest.approx(spacing))
    assert remark in " ".join(volume.remarks)


@pytest.mark.parametrize(
    ("modality", "storage"), [("US", UltrasoundImageStorage), ("OT", SecondaryCaptureImageStorage)]
)
def test_what_the_writer_says_of_scale_is_read_back(
    tmp_path: Path, modality: str, storage: str
) -> None:
    write(tmp_path, "dicom", VALUES[None, None], None, describe(modality=modality, spacing=[2, 3]))
    (file,) = (tmp_path / "images").iterdir()
    assert dcmread(file).SOPClassUID == storage
    volume = read_one(tmp_path)
    assert in_plane(volume) == pytest.approx((2, 3))
    assert (volume.images[0, 0] == VALUES).all()
    assert not any("may name the patient" in remark for remark in volume.remarks)
