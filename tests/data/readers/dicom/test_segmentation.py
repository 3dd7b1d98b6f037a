from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from medsynth.data.readers import dicom
from medsynth.data.readers.interface import ReaderOptions
from medsynth.errors import DataError, InvalidArgumentError
from tests.data.dicom_files import (
    save,
    segmentation,
    series,
    write_series,
)
from tests.data.readers.dicom.segments import CYST, LIVER, VALUES, masks_of
from tests.data.readers.reading import read_all, survey


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_segments_become_labels_by_name(tmp_path: Path, images: list[Dataset], kind: str) -> None:
    cyst = CYST & ~LIVER
    save(segmentation(images, {"liver": LIVER, "cyst": cyst}, kind), tmp_path / "seg.dcm")
    assert survey(dicom, tmp_path).classes == ("background", "cyst", "liver")
    assert (masks_of(tmp_path) == 1 * cyst + 2 * LIVER).all()


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


def test_a_segmentation_that_names_its_coordinates_alone(
    tmp_path: Path, images: list[Dataset]
) -> None:
    made = segmentation(images, {"liver": LIVER})
    del made.ReferencedSeriesSequence
    for frame in made.PerFrameFunctionalGroupsSequence:
        del frame.DerivationImageSequence
    save(made, tmp_path / "seg.dcm")
    assert (masks_of(tmp_path) == LIVER).all()


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
