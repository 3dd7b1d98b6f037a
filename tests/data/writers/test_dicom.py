from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from highdicom._standard_utils import (
    get_iod_module_map,
    get_module_attribute_map,
    get_sop_class_iod_map,
)
from pydicom.pixels import apply_modality_lut, apply_windowing
from pydicom.sr.codedict import codes
from pydicom.uid import (
    CTImageStorage,
    MRImageStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    UltrasoundImageStorage,
    VLPhotographicImageStorage,
)

from medsynth.data.writers import SetDescription
from medsynth.data.writers.dicom_marks import plain
from medsynth.data.writers.dicom_segments import CODES, GENERIC, segment_codes
from tests.data.writers.samples import CLASSES, DIGEST, describe, labels, pixels, tree, write

PLANE = {"spacing": [1.5, 1.25], "slice_spacing": 8.0}
HOUNSFIELD = {"units": "HU", "intensities": [[-160.0, 240.0]]}
KINDS = [
    (1, 8, {"modality": "MR", **PLANE}, MRImageStorage),
    (1, 16, {"modality": "MR", **PLANE, "intensities": [[0.0, 900.0]]}, MRImageStorage),
    (1, 16, {"modality": "CT", **PLANE, **HOUNSFIELD}, CTImageStorage),
    (1, 8, {"modality": "CT", **PLANE}, CTImageStorage),
    (1, 8, {"modality": "CT"}, SecondaryCaptureImageStorage),
    (1, 8, {"modality": "US", **PLANE}, UltrasoundImageStorage),
    (3, 8, {"modality": "US"}, UltrasoundImageStorage),
    (1, 16, {"modality": "US"}, SecondaryCaptureImageStorage),
    (3, 8, {"modality": "fundus"}, VLPhotographicImageStorage),
    (1, 16, {}, SecondaryCaptureImageStorage),
    (3, 8, {"modality": "DX", **PLANE}, SecondaryCaptureImageStorage),
]
NOT_STANDARD = {"RescaleIntercept", "RescaleSlope", "RescaleType"}
"""What an MR image has beyond its definition, as those of scanners do."""


def read(folder: Path, kind: str, index: int = 0) -> Any:
    return pydicom.dcmread(folder / kind / f"{index:09d}.dcm")


def attributes(dataset: Any) -> list[dict[str, Any]]:
    """What the standard says of the attributes of its class, each with the module's usage."""
    modules = get_iod_module_map()[get_sop_class_iod_map()[dataset.SOPClassUID]]
    known = get_module_attribute_map()
    return [
        {**attribute, "usage": module["usage"]}
        for module in modules
        for attribute in known[module["key"]]
        if not attribute["path"]
    ]


def label_map(segmentation: Any) -> np.ndarray:
    frames = segmentation.pixel_array.reshape(-1, segmentation.Rows, segmentation.Columns)
    out = np.zeros(frames.shape[1:], np.uint8)
    groups = segmentation.PerFrameFunctionalGroupsSequence
    for frame, group in zip(frames, groups, strict=True):
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        out[frame > 0] = number
    return out


@pytest.mark.parametrize(("channels", "bits", "facts", "storage"), KINDS)
def test_pixel_for_pixel_and_complete(
    channels: int, bits: int, facts: dict[str, Any], storage: str, tmp_path: Path
) -> None:
    images, masks = pixels(2, channels, 5, 7, bits), labels(2, 5, 7)
    write(tmp_path / "a", "dicom", images, masks, describe(**facts))
    for index in range(2):
        image, mask = read(tmp_path / "a", "images", index), read(tmp_path / "a", "masks", index)
        assert (image.SOPClassUID, mask.SOPClassUID) == (storage, SegmentationStorage)
        values = image.pixel_array.reshape(5, 7, channels).transpose(2, 0, 1)
        assert np.array_equal(values, images[index])
        assert np.array_equal(label_map(mask), masks[index])
        for dataset in (image, mask):
            rules = attributes(dataset)
            needed = [rule for rule in rules if rule["usage"] == "M" and rule["type"] in "12"]
            assert [r["keyword"] for r in needed if r["keyword"] not in dataset] == []
            filled = {rule["keyword"] for rule in needed if rule["type"] == "1"}
            assert [name for name in filled if dataset[name].is_empty] == []
            known = {rule["keyword"] for rule in rules}
            assert {element.keyword for element in dataset} - known <= NOT_STANDARD


@pytest.mark.parametrize("bits", [8, 16])
def test_hounsfield_units_and_spacing_by_itk(bits: int, tmp_path: Path) -> None:
    images = pixels(1, bits=bits)
    write(tmp_path / "a", "dicom", images, None, describe(modality="CT", **PLANE, **HOUNSFIELD))
    image = sitk.ReadImage(tmp_path / "a" / "images" / "000000000.dcm")
    expected = -160 + images[0, 0] / (2**bits - 1) * 400
    assert np.allclose(sitk.GetArrayFromImage(image)[0], expected, atol=1e-3)
    assert image.GetSpacing()[:2] == pytest.approx((1.25, 1.5))
    dataset = read(tmp_path / "a", "images")
    slope, intercept = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
    assert np.allclose(dataset.pixel_array * slope + intercept, expected, atol=1e-9)
    assert (dataset.RescaleType, dataset.SliceThickness) == ("HU", 8)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    ("low", "width"), [(0, 1e-3), (1000, 1e-3), (0, 1), (-3, 8), (-160, 400), (-1000, 65535)]
)
def test_the_window_shows_every_level(bits: int, low: float, width: float, tmp_path: Path) -> None:
    images = np.linspace(0, 2**bits - 1, 256).round().astype(f"uint{bits}").reshape(1, 1, 16, 16)
    about = describe(modality="MR", **PLANE, intensities=[[low, low + width]])
    write(tmp_path / "a", "dicom", images, None, about)
    dataset = read(tmp_path / "a", "images")
    assert dataset.WindowWidth >= 1 or dataset.VOILUTFunction == "LINEAR_EXACT"
    shown = apply_windowing(apply_modality_lut(dataset.pixel_array, dataset), dataset)
    share = (shown - shown.min()) / (shown.max() - shown.min())
    expected = images[0, 0] / (2**bits - 1)
    np.testing.assert_allclose(share, expected, atol=1e-3)
    assert len(np.unique(shown)) == 256


def test_the_affine_of_the_training_set_in_dicom_axes(tmp_path: Path) -> None:
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = (0, 0, 8), (0, -1.5, 0), (-1.25, 0, 0)
    affine[:3, 3] = 10, -20, 30
    about = describe(modality="MR", affine=affine.tolist())
    write(tmp_path / "a", "dicom", pixels(1), labels(1), about)
    image, mask = read(tmp_path / "a", "images"), read(tmp_path / "a", "masks")
    assert image.ImageOrientationPatient == [1, 0, 0, 0, 1, 0]
    assert image.ImagePositionPatient == [-10, 20, 30]
    assert image.PixelSpacing == [1.5, 1.25]
    assert mask.FrameOfReferenceUID == image.FrameOfReferenceUID
    frame = mask.PerFrameFunctionalGroupsSequence[0]
    assert frame.PlanePositionSequence[0].ImagePositionPatient == [-10, 20, 30]


def test_every_mark_that_the_pixels_are_synthetic(tmp_path: Path) -> None:
    about = describe(intended_use="Teaching alone", licence="CC0-1.0")
    write(tmp_path / "a", "dicom", pixels(1), labels(1), about, first=123)
    for kind in ("images", "masks"):
        dataset = read(tmp_path / "a", kind, 123)
        assert dataset[0x0008, 0x001C].value == "YES"
        assert dataset.ContentQualification == "RESEARCH"
        assert dataset.ImageType[0] == "DERIVED"
        assert str(dataset.PatientName) == "SYNTHETIC^abc^123"
        assert dataset.PatientID.startswith("SYNTHETIC-")
        assert dataset.PatientIdentityRemoved == "YES"
        assert dataset.DeidentificationMethod
        assert not dataset.PatientBirthDate
        assert not dataset.PatientSex
        assert "research only" in dataset.DerivationDescription
        assert DIGEST in dataset.DerivationDescription
        assert "Teaching alone" in dataset.ImageComments
        assert "CC0-1.0" in dataset.ImageComments
        (equipment,) = dataset.ContributingEquipmentSequence
        assert equipment.PurposeOfReferenceCodeSequence[0].CodeValue == "109100"
        assert equipment.ManufacturerModelName == "generators/abc"
    image = read(tmp_path / "a", "images", 123)
    assert image.ImageType == ["DERIVED", "SECONDARY"]
    assert "BurnedInAnnotation" not in image
    assert "RecognizableVisualFeatures" not in image
    assert image.ConversionType == "SYN"


def test_a_sample_is_a_study_of_its_own_and_its_mask_refers_to_its_image(tmp_path: Path) -> None:
    write(tmp_path / "a", "dicom", pixels(2), labels(2), describe(modality="MR", **PLANE))
    uids: list[str] = []
    for index in range(2):
        image, mask = read(tmp_path / "a", "images", index), read(tmp_path / "a", "masks", index)
        assert (mask.StudyInstanceUID, mask.PatientID) == (image.StudyInstanceUID, image.PatientID)
        (series,) = mask.ReferencedSeriesSequence
        assert series.SeriesInstanceUID == image.SeriesInstanceUID
        (instance,) = series.ReferencedInstanceSequence
        assert instance.ReferencedSOPInstanceUID == image.SOPInstanceUID
        uids += [image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID]
        uids += [mask.SeriesInstanceUID, mask.SOPInstanceUID, image.FrameOfReferenceUID]
    assert len(set(uids)) == len(uids)
    assert all(uid.startswith("2.25.") and len(uid) <= 64 for uid in uids)
    assert all(pydicom.uid.UID(uid).is_valid for uid in uids)


def test_the_same_sample_has_the_same_uids_and_another_one_has_others(tmp_path: Path) -> None:
    images, masks = pixels(1), labels(1)
    write(tmp_path / "a", "dicom", images, masks)
    write(tmp_path / "b", "dicom", images, masks)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    changed = images.copy()
    changed[0, 0, 0, 0] += 1
    write(tmp_path / "c", "dicom", changed, masks)
    write(tmp_path / "d", "dicom", images, masks, describe(seed=8))
    found = {read(tmp_path / name, "images").SOPInstanceUID for name in "acd"}
    assert len(found) == 3


def test_no_uid_is_left_to_chance(tmp_path: Path) -> None:
    write(tmp_path / "a", "dicom", pixels(1), labels(1), describe(modality="MR", **PLANE))
    standard = "1.2.840.10008."
    for kind in ("images", "masks"):
        dataset = read(tmp_path / "a", kind)
        uids = [element.value for element in dataset.iterall() if element.VR == "UI"]
        assert all(uid.startswith((standard, "2.25.")) for uid in uids)
        assert "InstanceCreationDate" not in dataset
    assert (dataset.ContentDate, dataset.ContentTime) == ("19700101", "000000")


def test_segments_have_the_names_and_codes_of_the_classes(tmp_path: Path) -> None:
    write(tmp_path / "a", "dicom", pixels(1), np.zeros((1, 5, 6), np.uint8))
    mask = highdicom.seg.segread(tmp_path / "a" / "masks" / "000000000.dcm")
    assert mask.segmentation_type.value == "BINARY"
    assert mask.number_of_segments == 3
    liver, tumour, odd = (mask.get_segment_description(number) for number in (1, 2, 3))
    assert [s.segment_label for s in (liver, tumour, odd)] == list(CLASSES[1:])
    assert liver.segmented_property_type == codes.SCT.Liver
    assert tumour.segmented_property_category == codes.SCT.MorphologicallyAbnormalStructure
    assert odd.segmented_property_category == codes.SCT.Tissue
    assert liver.algorithm_type.value == "AUTOMATIC"
    assert liver.SegmentAlgorithmName == "generators/abc"
    assert not mask.pixel_array.any()


@pytest.mark.parametrize("code", [code for pair in (*CODES.values(), GENERIC) for code in pair])
def test_codes_are_those_of_the_terminology(code: tuple[str, str, str]) -> None:
    value, scheme, meaning = code
    found = [
        concept
        for concept in (getattr(codes.SCT, name) for name in codes.SCT.dir(meaning.split()[0]))
        if (concept.value, concept.scheme_designator) == (value, scheme)
    ]
    assert found


@pytest.mark.parametrize(
    ("name", "meaning"),
    [("Haemorrhages", "Hemorrhage"), ("LV cavity", "Left ventricle"), ("stuff", "Anatomical")],
)
def test_codes_by_names_as_people_write_them(name: str, meaning: str) -> None:
    assert segment_codes(name)[1][2].startswith(meaning)


def test_masks_without_names(tmp_path: Path) -> None:
    masks = labels(1)
    write(tmp_path / "a", "dicom", pixels(1), masks, SetDescription())
    mask = read(tmp_path / "a", "masks")
    assert np.array_equal(label_map(mask), masks[0])
    assert [segment.SegmentLabel for segment in mask.SegmentSequence] == [
        "label 1", "label 2", "label 3",
    ]  # fmt: skip


@pytest.mark.filterwarnings("error")
def test_names_that_dicom_has_no_room_for(tmp_path: Path) -> None:
    odd = "a\\b^c=d\n\0\x1bé" + "x" * 500
    about = describe(
        title=odd, generator=odd, generator_digest=odd, licence=odd * 19, units=odd,
        intensities=[[0.0, 1e-7]], classes=["background", odd], modality="MR", **PLANE,
    )  # fmt: skip
    write(tmp_path / "a", "dicom", pixels(1), labels(1) % 2, about, first=2**62)
    for kind in ("images", "masks"):
        dataset = read(tmp_path / "a", kind, 2**62)
        stream = io.BytesIO()
        dataset.save_as(stream)
        assert len(dataset.StudyDescription.encode()) <= 64
        assert len(dataset.PatientID) <= 64
        controls = {c for c in dataset.ImageComments if not c.isprintable()}
        assert controls <= set("\r\n\t")


def test_plain_text() -> None:
    assert plain(" a\\b\t^c \n") == "a b c"
    assert plain("x" * 64) == "x" * 64
    assert plain("é" * 40) == "é" * 30 + "..."


def test_distances_of_ultrasound_are_in_its_regions(tmp_path: Path) -> None:
    write(tmp_path / "a", "dicom", pixels(1), None, describe(modality="US", **PLANE))
    (region,) = read(tmp_path / "a", "images").SequenceOfUltrasoundRegions
    assert (region.PhysicalDeltaX, region.PhysicalDeltaY) == pytest.approx((0.125, 0.15))
    assert (region.RegionLocationMaxX1, region.RegionLocationMaxY1) == (5, 4)
