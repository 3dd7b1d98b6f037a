from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import RLELossless

from medsynth.data.readers import dicom
from medsynth.data.readers.interface import ReaderOptions
from medsynth.errors import DataError
from tests.data.dicom_files import (
    compress,
    decimals,
    enhanced,
    save,
    segmentation,
    series,
    write_series,
)
from tests.data.readers.dicom.segments import CYST, LIVER, VALUES, masks_of, read_one
from tests.data.readers.reading import read_all, survey


def test_shares_of_a_half_count(tmp_path: Path, images: list[Dataset]) -> None:
    shares = np.where(LIVER, 0.51, np.where(CYST, 0.49, 0))
    save(segmentation(images, {"liver": shares}, "FRACTIONAL"), tmp_path / "seg.dcm")
    assert (masks_of(tmp_path) == LIVER).all()


def test_where_segments_overlap_the_later_label_stays(
    tmp_path: Path, images: list[Dataset]
) -> None:
    made = segmentation(images, {"liver": LIVER, "cyst": CYST})
    save(made, tmp_path / "seg.dcm")
    volume = read_one(tmp_path)
    assert volume.masks is not None
    assert (volume.masks == np.where(LIVER, 2, CYST)).all()
    assert "its segments overlap" in volume.remarks[-1]


def test_frames_follow_geometry_not_the_order_of_files(tmp_path: Path) -> None:
    images = series(VALUES)
    write_series(tmp_path, images[::-1])
    save(segmentation(images[::-1], {"liver": LIVER[::-1]}), tmp_path / "seg.dcm")
    volume = read_one(tmp_path)
    assert (volume.images[:, 0] == VALUES).all()
    assert volume.masks is not None
    assert (volume.masks == LIVER).all()


def test_of_two_volumes_in_a_series_each_takes_its_own_frames(tmp_path: Path) -> None:
    one = series(VALUES, EchoTime="1")
    two = series(VALUES, EchoTime="2")
    write_series(tmp_path, [*one, *two])
    save(segmentation(one, {"liver": LIVER}), tmp_path / "seg1.dcm")
    save(segmentation(two, {"liver": CYST}), tmp_path / "seg2.dcm")
    first, second = read_all(dicom, tmp_path)
    assert (first.masks == LIVER).all()
    assert (second.masks == CYST).all()


def test_frames_drawn_on_another_volume_of_the_series_are_passed_over(tmp_path: Path) -> None:
    one = series(VALUES, EchoTime="1")
    two = series(VALUES, EchoTime="2")
    write_series(tmp_path, [*one, *two])
    made = segmentation(one, {"liver": LIVER})
    instances = made.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    for each in two:
        instances.append(deepcopy(instances[0]))
        instances[-1].ReferencedSOPInstanceUID = each.SOPInstanceUID
    save(made, tmp_path / "seg.dcm")
    first, second = survey(dicom, tmp_path).scans
    volume = dicom.read(tmp_path, first, ReaderOptions())
    assert (volume.masks == LIVER).all()
    with pytest.raises(DataError, match="no frame of its series' segmentations is of this volume"):
        dicom.read(tmp_path, second, ReaderOptions())


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_a_segmentation_of_colour_images(tmp_path: Path, kind: str) -> None:
    grey = series(VALUES.astype(np.uint8))
    made = segmentation(grey, {"liver": LIVER}, kind)
    for each in grey:
        values = np.repeat(each.pixel_array[..., None], 3, axis=-1)
        each.SamplesPerPixel, each.PlanarConfiguration = 3, 0
        each.PhotometricInterpretation = "RGB"
        each.PixelData = values.tobytes() + b"\0" * (values.nbytes % 2)
    write_series(tmp_path, grey)
    save(made, tmp_path / "seg.dcm")
    volume = read_one(tmp_path)
    assert volume.images.shape[1] == 3
    assert volume.masks is not None
    assert (volume.masks == LIVER).all()


def test_a_label_map_with_a_palette(tmp_path: Path, images: list[Dataset]) -> None:
    made = segmentation(images, {"liver": LIVER}, "LABELMAP")
    made.PhotometricInterpretation = "PALETTE COLOR"
    for colour in ("Red", "Green", "Blue"):
        setattr(made, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(made, f"{colour}PaletteColorLookupTableData", bytes(512))
    save(made, tmp_path / "seg.dcm")
    assert (masks_of(tmp_path) == LIVER).all()


def test_a_segmentation_of_an_enhanced_image(tmp_path: Path) -> None:
    each = enhanced(VALUES, [3, 1, 0, 2])
    save(each, tmp_path / "e.dcm")
    save(segmentation([each], {"liver": LIVER[[3, 1, 0, 2]]}), tmp_path / "seg.dcm")
    assert (masks_of(tmp_path) == LIVER).all()


def test_a_compressed_segmentation(tmp_path: Path, images: list[Dataset]) -> None:
    shares = LIVER.astype(float)
    made = segmentation(images, {"liver": shares}, "FRACTIONAL")
    compress(made, RLELossless)
    save(made, tmp_path / "seg.dcm")
    assert (masks_of(tmp_path) == LIVER).all()


def move(made: Dataset) -> None:
    for frame in made.PerFrameFunctionalGroupsSequence:
        (position,) = frame.PlanePositionSequence
        x, y, z = position.ImagePositionPatient
        position.ImagePositionPatient = decimals((x + 4, y, z))


def lift(made: Dataset) -> None:
    for frame in made.PerFrameFunctionalGroupsSequence:
        (position,) = frame.PlanePositionSequence
        x, y, z = position.ImagePositionPatient
        position.ImagePositionPatient = decimals((x, y, z + 1.25))


def turn(made: Dataset) -> None:
    (shared,) = made.SharedFunctionalGroupsSequence
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = ["-1", "0", "0", "0", "-1", "0"]


def widen(made: Dataset) -> None:
    made.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = ["1", "1"]


@pytest.mark.parametrize("change", [move, lift, turn, widen])
def test_another_geometry_is_refused(tmp_path: Path, images: list[Dataset], change: object) -> None:
    made = segmentation(images, {"liver": LIVER})
    change(made)  # type: ignore[operator]
    save(made, tmp_path / "seg.dcm")
    with pytest.raises(DataError, match=r"seg\.dcm: .*(geometry|spacing or orientation)"):
        read_one(tmp_path)


def test_another_size_is_refused(tmp_path: Path, images: list[Dataset]) -> None:
    made = segmentation(images, {"liver": LIVER})
    made.Rows, made.Columns = made.Columns, made.Rows
    save(made, tmp_path / "seg.dcm")
    with pytest.raises(DataError, match=r"seg\.dcm: a segmentation of 7 rows and 5 columns"):
        read_one(tmp_path)


def test_images_without_geometry_are_found_by_reference(tmp_path: Path) -> None:
    images = series(VALUES)
    made = segmentation(images, {"liver": LIVER})
    for each in images:
        del each.ImagePositionPatient
    write_series(tmp_path, images)
    save(made, tmp_path / "seg.dcm")
    assert (masks_of(tmp_path) == LIVER).all()
    for frame in made.PerFrameFunctionalGroupsSequence:
        del frame.DerivationImageSequence
    save(made, tmp_path / "seg.dcm")
    with pytest.raises(DataError, match="does not say which image"):
        read_one(tmp_path)
