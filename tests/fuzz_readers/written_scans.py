"""Samples of volumes and series, written with nibabel, SimpleITK, pydicom and highdicom."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import SimpleITK as sitk  # noqa: N813
from pydicom import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from tests.data.acdc_files import acdc_folder
from tests.data.dicom_files import clip, compress, enhanced, segmentation, series, write_series
from tests.data.readers.volume_writing import AFFINE, image_of, mask_of, write
from tests.fuzz_readers.samples import Recipe

_PATIENTS = range(1, 4)
_VALUES = np.arange(3 * 8 * 8, dtype=np.int16).reshape(3, 8, 8)
_VOLUMES = (".nii", ".nii.gz", ".mha", ".mhd", ".nrrd", ".nhdr")


def _nifti(folder: Path) -> None:
    for number in _PATIENTS:
        write(folder / f"case{number}.nii", image_of(number))
        write(folder / f"case{number}_seg.nii", mask_of(1, 2))


def _orders_of_nifti(folder: Path) -> None:
    """NIfTI-2, and the other order of bytes."""
    values = image_of(9).transpose(2, 1, 0)
    nibabel.save(nibabel.Nifti2Image(values, AFFINE), folder / "case4.nii")
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(np.dtype(">f4"))
    nibabel.save(nibabel.Nifti1Image(values.astype(">f4"), AFFINE, header), folder / "case5.nii")


def _acdc(folder: Path) -> None:
    acdc_folder(folder, patients=3)


def _channels(folder: Path) -> None:
    for number in _PATIENTS:
        write(folder / f"images/case{number}.nii.gz", image_of(number, channels=2))
        write(folder / f"labels/case{number}.nii.gz", mask_of(1, 2))


def _nnunet(folder: Path) -> None:
    for number in _PATIENTS:
        for channel in range(2):
            file = folder / f"imagesTr/case_{number}_{channel:04d}.nii.gz"
            write(file, image_of(10 * number + channel))
        write(folder / f"labelsTr/case_{number}.nii.gz", mask_of(1, 2))
    labels = {"background": 0, "PZ": 1, "TZ": 2}
    _describe(folder, channel_names={"0": "T2", "1": "ADC"}, labels=labels, file_ending=".nii.gz")


def _decathlon(folder: Path) -> None:
    for number in _PATIENTS:
        write(folder / f"imagesTr/liver_{number}.nii.gz", image_of(number))
        write(folder / f"labelsTr/liver_{number}.nii.gz", mask_of(1, 2))
    training = [
        {"image": f"./imagesTr/liver_{n}.nii.gz", "label": f"./labelsTr/liver_{n}.nii.gz"}
        for n in _PATIENTS
    ]
    labels = {"0": "background", "1": "liver", "2": "cancer"}
    _describe(folder, name="Liver", modality={"0": "CT"}, labels=labels, training=training)


def _describe(folder: Path, **fields: Any) -> None:
    content: Mapping[str, Any] = {"numTraining": 3, **fields}
    (folder / "dataset.json").write_text(json.dumps(content))


def _by_itk(folder: Path, ending: str) -> None:
    """Packed and not, with a mask beside each image."""
    for number in _PATIENTS:
        for suffix, values in (("", image_of(number)), ("_seg", mask_of(1, 2))):
            file = folder / f"case{number}{suffix}{ending}"
            sitk.WriteImage(sitk.GetImageFromArray(values), file, useCompression=number > 1)


def _metaimage(folder: Path) -> None:
    _by_itk(folder, ".mha")


def _sliver07(folder: Path) -> None:
    for number in _PATIENTS:
        write(folder / f"scan/liver-orig{number:03d}.mhd", image_of(number))
        write(folder / f"label/liver-seg{number:03d}.mhd", mask_of(1))


def _nrrd(folder: Path) -> None:
    _by_itk(folder, ".nrrd")


def _nhdr(folder: Path) -> None:
    _by_itk(folder, ".nhdr")


def _patients(folder: Path, syntax: str = "") -> list[Dataset]:
    """A series of each patient, the same bytes every time."""
    images: list[Dataset] = []
    for number in _PATIENTS:
        uid = f"1.2.826.0.1.3680043.8.498.{number}"
        for place, image in enumerate(series(_VALUES + number, PatientID=f"P{number}")):
            image.StudyInstanceUID, image.SeriesInstanceUID = f"{uid}.1", f"{uid}.2"
            image.SOPInstanceUID = f"{uid}.3.{place}"
            images.append(compress(image, syntax) if syntax else image)
    write_series(folder, images)
    return images


def _several_syntaxes(folder: Path) -> None:
    images = series(_VALUES)
    for image, syntax in zip(
        images, (ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ""), strict=True
    ):
        image.file_meta.TransferSyntaxUID = UID(syntax or image.file_meta.TransferSyntaxUID)
    write_series(folder, images)


def _multi_frame(folder: Path) -> None:
    colours = np.arange(2 * 6 * 6 * 3, dtype=np.uint8).reshape(2, 6, 6, 3)
    write_series(folder, [enhanced(_VALUES, [2, 0, 1], [1, 2, 3]), clip(colours)])


def _segmented(kind: str) -> Recipe:
    def write_segmentation(folder: Path) -> None:
        images = _patients(folder)
        for number in _PATIENTS:
            own = images[3 * number - 3 : 3 * number]
            made = segmentation(own, {"liver": _VALUES > 90, "spleen": _VALUES < 20}, kind)
            write_series(folder, [made], [f"seg{number}.dcm"])

    return Recipe("DICOM SEG", kind.lower(), write_segmentation, (".dcm",))


def _compressed(name: str, syntax: str) -> Recipe:
    return Recipe("DICOM compressed", name, lambda folder: _patients(folder, syntax), ("",))


SCANS = (
    Recipe("NIfTI", "nii", _nifti, (".nii",)),
    Recipe("NIfTI", "kinds of NIfTI", _orders_of_nifti, (".nii",)),
    Recipe("NIfTI.gz", "ACDC", _acdc, (".nii.gz",)),
    Recipe("NIfTI.gz", "several channels", _channels, (".nii.gz",)),
    Recipe("NIfTI.gz", "nnU-Net", _nnunet, (".nii.gz",)),
    Recipe("MetaImage", "mha", _metaimage, (".mha",)),
    Recipe("MetaImage", "SLiver07", _sliver07, (".mhd", ".raw")),
    Recipe("NRRD", "nrrd", _nrrd, (".nrrd",)),
    Recipe("NRRD", "nhdr", _nhdr, (".nhdr", ".raw", ".raw.gz")),
    Recipe("DICOM", "series", _patients, ("",)),
    Recipe("DICOM", "several syntaxes", _several_syntaxes, ("",)),
    Recipe("DICOM", "multi-frame", _multi_frame, ("",)),
    _compressed("RLE", RLELossless),
    _compressed("JPEG 2000", JPEG2000Lossless),
    _compressed("JPEG-LS", JPEGLSLossless),
    _compressed("JPEG lossless", JPEGLosslessSV1),
    *(_segmented(kind) for kind in ("BINARY", "FRACTIONAL", "LABELMAP")),
    Recipe("zip", "ACDC", _acdc, _VOLUMES, archive="set.zip"),
    Recipe("zip", "DICOM", _patients, ("",), archive="set.zip"),
    Recipe("tar.gz", "ACDC", _acdc, _VOLUMES, archive="set.tgz"),
    Recipe("Info.cfg", "ACDC", _acdc, ("Info.cfg",)),
    Recipe("dataset.json", "nnU-Net", _nnunet, ("dataset.json",)),
    Recipe("dataset.json", "Decathlon", _decathlon, ("dataset.json",)),
)
