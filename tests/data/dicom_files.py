"""Small DICOM files, written with pydicom and highdicom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    SegmentationStorage,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

KEY = b"a key that only tests know"

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def image(values: NDArray[Any], **elements: Any) -> Dataset:
    """An image of grey values (rows, columns), CT unless elements say otherwise."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for keyword, value in {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": generate_uid(),
        "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.1",
        "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.2",
        "FrameOfReferenceUID": "1.2.826.0.1.3680043.8.498.3",
        "Modality": "CT",
        "PatientName": "",
        "PatientID": "P1",
        "PatientBirthDate": "",
        "PatientSex": "O",
        "StudyDate": "",
        "StudyTime": "",
        "StudyID": "",
        "AccessionNumber": "",
        "ReferringPhysicianName": "",
        "SeriesNumber": 1,
        "InstanceNumber": 1,
        "Rows": values.shape[-2],
        "Columns": values.shape[-1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 8 * values.dtype.itemsize,
        "BitsStored": 8 * values.dtype.itemsize,
        "HighBit": 8 * values.dtype.itemsize - 1,
        "PixelRepresentation": int(values.dtype.kind == "i"),
        "PixelData": values.tobytes() + b"\0" * (values.nbytes % 2),
        **elements,
    }.items():
        if value is not None:
            setattr(dataset, keyword, value)
    dataset["PixelData"].VR = "OB" if values.dtype.itemsize == 1 else "OW"
    return dataset


def save(dataset: Dataset, file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(file, enforce_file_format=True)
    return file


def series(
    values: NDArray[Any],
    *,
    origin: Sequence[float] = (-10.0, -20.0, 30.0),
    orientation: Sequence[float] = AXIAL,
    spacing: Sequence[float] = (2.5, 0.75, 0.5),
    step: Sequence[float] | None = None,
    **elements: Any,
) -> list[Dataset]:
    """Images of a volume (slices, rows, columns).

    Args:
        values: Stored.
        origin: Centre of the first pixel, in DICOM's axes.
        orientation: Cosines.
        spacing: Of slices, rows and columns.
        step: From a slice to the next; along the normal unless given.
        elements: Of every image.
    """
    normal = np.cross(orientation[:3], orientation[3:])
    step = np.multiply(normal, spacing[0]) if step is None else step
    return [
        image(
            plane,
            **{
                "ImagePositionPatient": decimals(np.add(origin, np.multiply(step, number))),
                "ImageOrientationPatient": decimals(orientation),
                "PixelSpacing": decimals(spacing[1:]),
                "SliceThickness": f"{spacing[0]:.6g}",
                "InstanceNumber": number + 1,
                "RescaleSlope": "1",
                "RescaleIntercept": "0",
                **elements,
            },
        )
        for number, plane in enumerate(values)
    ]


def compress(dataset: Dataset, syntax: str) -> Dataset:
    """Compresses a grey image without loss, not by GDCM, which ends the process over small ones."""
    import imagecodecs

    frames = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
    if syntax == RLELossless:
        dataset.compress(syntax, encoding_plugin="pydicom")
        return dataset
    unsigned = frames.view(f"u{frames.itemsize}")
    sources = {
        JPEG2000Lossless: lambda: [imagecodecs.jpeg2k_encode(f, codecformat="j2k") for f in frames],
        JPEGLSLossless: lambda: [imagecodecs.jpegls_encode(frame) for frame in unsigned],
        JPEGLosslessSV1: lambda: [imagecodecs.ljpeg_encode(frame) for frame in unsigned],
    }[syntax]()
    dataset.PixelData = encapsulate(sources)
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    return dataset


def decimals(numbers: Iterable[float]) -> list[str]:
    """As DICOM's decimal strings, of at most 16 characters."""
    return [f"{number:.9f}"[:16] for number in numbers]


def write_series(folder: Path, images: Sequence[Dataset], names: Sequence[str] = ()) -> list[Path]:
    names = names or [f"IM{number:06d}" for number in range(len(images))]
    return [save(each, folder / name) for each, name in zip(images, names, strict=True)]


def affine_of(
    origin: Sequence[float],
    orientation: Sequence[float],
    spacing: Sequence[float],
    step: Sequence[float] | None = None,
) -> NDArray[np.float64]:
    """The affine of `Volume` that `series` means."""
    affine = np.eye(4)
    normal = np.cross(orientation[:3], orientation[3:])
    affine[:3, 0] = np.multiply(normal, spacing[0]) if step is None else step
    affine[:3, 1] = np.multiply(orientation[3:], spacing[1])
    affine[:3, 2] = np.multiply(orientation[:3], spacing[2])
    affine[:3, 3] = origin
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def item(**elements: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def enhanced(values: NDArray[Any], order: Sequence[int], slopes: Sequence[float] = ()) -> Dataset:
    """A multi-frame MR image of a volume (slices, rows, columns), 3 mm apart.

    Args:
        values: Stored.
        order: Which slice each frame is.
        slopes: Of each slice; 1 unless given.
    """
    frames = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=decimals((0, 0, 3.0 * place)))],
            PixelValueTransformationSequence=[
                item(
                    RescaleIntercept="0",
                    RescaleSlope=str(slopes[place] if slopes else 1),
                    RescaleType="US",
                )
            ],
        )
        for place in order
    ]
    shared = item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=decimals(AXIAL))],
        PixelMeasuresSequence=[item(PixelSpacing=["0.5", "0.5"], SliceThickness="3")],
    )
    return image(
        values[list(order)],
        SOPClassUID=EnhancedMRImageStorage,
        Modality="MR",
        NumberOfFrames=len(order),
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=frames,
    )


def clip(values: NDArray[Any]) -> Dataset:
    """A colour ultrasound clip (frames, rows, columns, 3) without geometry."""
    return image(
        values[..., 0],
        SOPClassUID=UltrasoundMultiFrameImageStorage,
        Modality="US",
        NumberOfFrames=len(values),
        SamplesPerPixel=3,
        PlanarConfiguration=0,
        PhotometricInterpretation="RGB",
        PixelData=values.tobytes() + b"\0" * (values.nbytes % 2),
    )


def segmentation(
    images: Sequence[Dataset],
    segments: Mapping[str, NDArray[Any]],
    kind: str = "BINARY",
    **elements: Any,
) -> Dataset:
    """A segmentation of images, by highdicom.

    Args:
        images: In the order of the masks.
        segments: Mask of each segment (slices, rows, columns): bits, or shares from 0 to 1.
        kind: `BINARY`, `FRACTIONAL` or `LABELMAP`.
        elements: What is changed in it.
    """
    import highdicom as hd
    from pydicom.sr.codedict import codes

    described = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=codes.SCT.Organ,
            segmented_property_type=codes.SCT.Liver,
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, name in enumerate(segments, 1)
    ]
    stacked = np.stack(list(segments.values()), axis=-1)
    if kind == "LABELMAP":
        stacked = (stacked * np.arange(1, len(segments) + 1)).max(axis=-1).astype(np.uint8)
    made = hd.seg.Segmentation(
        source_images=list(images),
        pixel_array=stacked,
        segmentation_type=kind,
        segment_descriptions=described,
        series_instance_uid=generate_uid(),
        series_number=9,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="none",
        manufacturer_model_name="none",
        software_versions="1",
        device_serial_number="1",
    )
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    assert kind == "LABELMAP" or made.SOPClassUID == SegmentationStorage
    return made
