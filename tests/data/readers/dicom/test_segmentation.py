from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import RLELossless

from medsynth.data.readers import dicom
from medsynth.data.readers.interface import ReaderOptions
from medsynth.data.volume import Volume
from medsynth.errors import DataError, InvalidArgumentError
from tests.data.dicom_files import (
    compress,
    decimals,
    enhanced,
    save,
    segmentation,
    series,
    write_series,
)
from tests.data.readers.reading import read_all, survey

VALUES = np.arange(4 * 5 * 7, dtype=np.int16).reshape(4, 5, 7)
LIVER = np.zeros(VALUES.shape, bool)
LIVER[:2, 1:4, 1:5] = True
CYST = np.zeros(VALUES.shape, bool)
CYST[1:, 2:3, 2:6] = True


@pytest.fixture
def images(tmp_path: Path) -> list[Dataset]:
    images = series(VALUES)
    write_series(tmp_path / "images", images)
    return images


def read_one(folder: Path, options: ReaderOptions | None = None) -> Volume:
    (volume,) = read_all(dicom, folder, options)
    return volume


def masks_of(folder: Path, options: ReaderOptions | None = None) -> np.ndarray:
    volume = read_one(folder, options)
    assert volume.masks is not None
    assert volume.masks.dtype == np.uint8
    return volume.masks


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_segments_become_labels_by_name(tmp_path: Path, images: list[Dataset], kind: str) -> None:
    cyst = CYST & ~LIVER
    save(segmentation(images, {"liver": LIVER, "cyst": cyst}, kind), tmp_path / "seg.dcm")
    assert survey(dicom, tmp_path).classes == ("background", "cyst", "liver")
    assert (masks_of(tmp_path) == 1 * cyst + 2 * LIVER).all()


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


def test_names_are_numbered_over_the_whole_set(tmp_path: Path, images: list[Dataset]) -> None:
    other = series(VALUES, SeriesInstanceUID="1.2.3.4", PatientID="P2")
    write_series(tmp_path / "other", other)
    save(segmentation(images, {"liver": LIVER}), tmp_path / "seg1.dcm")
    save(segmentation(other, {"cyst": CYST}), tmp_path / "seg2.dcm")
    found = {
        int(volume.masks.max()) for volume in read_all(dicom, tmp_path) if volume.masks is not None
    }
    assert survey(dicom, tmp_path).classes == ("background", "cyst", "liver")
    assert found == {1, 2}


def test_several_segmentations_of_one_series(tmp_path: Path, images: list[Dataset]) -> None:
    save(segmentation(images, {"liver": LIVER}), tmp_path / "seg1.dcm")
    save(segmentation(images, {"cyst": CYST}), tmp_path / "seg2.dcm")
    assert (masks_of(tmp_path) == np.where(LIVER, 2, CYST)).all()


def test_class_names_choose_segments_and_their_order(tmp_path: Path, images: list[Dataset]) -> None:
    save(segmentation(images, {"liver": LIVER, "cyst": CYST & ~LIVER}), tmp_path / "seg.dcm")
    chosen = ReaderOptions(class_names=("liver",))
    assert survey(dicom, tmp_path, chosen).classes == ("background", "liver")
    assert (masks_of(tmp_path, chosen) == LIVER).all()
    turned = ReaderOptions(class_names=("liver", "cyst"))
    assert (masks_of(tmp_path, turned) == np.where(LIVER, 1, 2 * CYST)).all()
    with pytest.raises(InvalidArgumentError, match="names of segments: cyst, liver"):
        survey(dicom, tmp_path, ReaderOptions(class_names=("spleen",)))


def test_class_names_without_segmentations(tmp_path: Path, images: list[Dataset]) -> None:
    with pytest.raises(InvalidArgumentError, match="class_names"):
        survey(dicom, tmp_path, ReaderOptions(class_names=("liver",)))


def test_a_series_without_segmentation_among_others(tmp_path: Path, images: list[Dataset]) -> None:
    save(segmentation(images, {"liver": LIVER}), tmp_path / "seg.dcm")
    write_series(tmp_path / "b", series(VALUES, SeriesInstanceUID="1.2.3.4"))
    found = survey(dicom, tmp_path)
    assert len(found.scans) == 1
    (problem,) = found.problems
    assert problem.file == "b/IM000000"
    assert "has no segmentation" in problem.reason


def test_a_segmentation_without_its_images(tmp_path: Path, images: list[Dataset]) -> None:
    save(segmentation(images, {"liver": LIVER}), tmp_path / "seg.dcm")
    save(segmentation(series(VALUES), {"cyst": CYST}), tmp_path / "s.dcm")
    (problem,) = survey(dicom, tmp_path).problems
    assert (problem.file, problem.reason) == ("s.dcm", "refers to none of the images")


def test_frames_follow_geometry_not_the_order_of_files(tmp_path: Path) -> None:
    images = series(VALUES)
    write_series(tmp_path, images[::-1])
    save(segmentation(images[::-1], {"liver": LIVER[::-1]}), tmp_path / "seg.dcm")
    volume = read_one(tmp_path)
    assert (volume.images[:, 0] == VALUES).all()
    assert volume.masks is not None
    assert (volume.masks == LIVER).all()


def test_a_segmentation_that_names_its_coordinates_alone(
    tmp_path: Path, images: list[Dataset]
) -> None:
    made = segmentation(images, {"liver": LIVER})
    del made.ReferencedSeriesSequence
    for frame in made.PerFrameFunctionalGroupsSequence:
        del frame.DerivationImageSequence
    save(made, tmp_path / "seg.dcm")
    assert (masks_of(tmp_path) == LIVER).all()


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


def test_classes_that_a_volume_lacks_are_said(tmp_path: Path, images: list[Dataset]) -> None:
    other = series(VALUES, SeriesInstanceUID="1.2.3.4")
    write_series(tmp_path / "b", other)
    save(segmentation(images, {"liver": LIVER, "cyst": CYST}), tmp_path / "seg1.dcm")
    save(segmentation(other, {"liver": LIVER}), tmp_path / "seg2.dcm")
    said = [volume.remarks for volume in read_all(dicom, tmp_path)]
    assert sum("do not name cyst" in " ".join(remarks) for remarks in said) == 1


def test_masks_of_a_class_that_is_not_chosen_are_empty_but_known(
    tmp_path: Path, images: list[Dataset]
) -> None:
    save(segmentation(images, {"liver": LIVER}), tmp_path / "seg1.dcm")
    other = series(VALUES, SeriesInstanceUID="1.2.3.4")
    write_series(tmp_path / "b", other)
    save(segmentation(other, {"cyst": CYST}), tmp_path / "seg2.dcm")
    volumes = read_all(dicom, tmp_path, ReaderOptions(class_names=("cyst",)))
    assert sorted(int((volume.masks > 0).sum()) for volume in volumes) == [0, CYST.sum()]


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


def test_names_fall_back_and_are_tidied(tmp_path: Path, images: list[Dataset]) -> None:
    made = segmentation(images, {"a": LIVER, "b": CYST})
    made.SegmentSequence[0].SegmentLabel = " right \t liver\x07 "
    made.SegmentSequence[1].SegmentLabel = ""
    made.SegmentSequence[1].SegmentedPropertyTypeCodeSequence[0].CodeMeaning = "Cyst"
    save(made, tmp_path / "seg.dcm")
    assert survey(dicom, tmp_path).classes == ("background", "Cyst", "right liver")


def test_a_label_with_the_name_of_the_patient_is_not_told(tmp_path: Path) -> None:
    images = series(VALUES, PatientName="Quixwold^Anna")
    write_series(tmp_path, images)
    made = segmentation(images, {"Tumour of Mrs. QUIXWOLD": LIVER})
    save(made, tmp_path / "seg.dcm")
    assert survey(dicom, tmp_path).classes == ("background", "Liver")


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


def test_a_segmentation_without_segments(tmp_path: Path, images: list[Dataset]) -> None:
    made = segmentation(images, {"liver": LIVER})
    del made.SegmentSequence
    save(made, tmp_path / "seg.dcm")
    (problem,) = survey(dicom, tmp_path).problems
    assert problem.reason == "a segmentation without segments"


def test_too_many_segments(tmp_path: Path, images: list[Dataset]) -> None:
    made = segmentation(images, {"liver": LIVER})
    made.SegmentSequence = [deepcopy(made.SegmentSequence[0]) for _ in range(299)]
    for number, segment in enumerate(made.SegmentSequence, 1):
        segment.SegmentNumber, segment.SegmentLabel = number, f"part {number}"
    save(made, tmp_path / "seg.dcm")
    with pytest.raises(DataError, match="name 299 segments"):
        survey(dicom, tmp_path)
    chosen = ReaderOptions(class_names=("part 1",))
    assert (masks_of(tmp_path, chosen) == LIVER).all()
