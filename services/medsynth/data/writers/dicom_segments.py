"""Masks as DICOM segmentations, and the codes of what their segments show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from medsynth.data.writers.description import SetDescription
from medsynth.data.writers.dicom_marks import (
    EPOCH,
    MAKER,
    add_marks,
    model_name,
    plain,
    serial_number,
    software_version,
)
from medsynth.levels import Labels

if TYPE_CHECKING:
    from pydicom import Dataset

Code = tuple[str, str, str]

ANATOMY: Final[Code] = ("91723000", "SCT", "Anatomical Structure")
TISSUE: Final[Code] = ("85756007", "SCT", "Tissue")
ABNORMAL: Final[Code] = ("49755003", "SCT", "Morphologically Abnormal Structure")

CODES: Final[dict[str, tuple[Code, Code]]] = {
    "rv cavity": (ANATOMY, ("53085002", "SCT", "Right ventricle")),
    "right ventricle": (ANATOMY, ("53085002", "SCT", "Right ventricle")),
    "lv cavity": (ANATOMY, ("87878005", "SCT", "Left ventricle")),
    "left ventricle": (ANATOMY, ("87878005", "SCT", "Left ventricle")),
    "myocardium": (ANATOMY, ("49848007", "SCT", "Left Ventricle Myocardium")),
    "left atrium": (ANATOMY, ("82471001", "SCT", "Left atrium")),
    "right atrium": (ANATOMY, ("73829009", "SCT", "Right atrium")),
    "heart": (ANATOMY, ("80891009", "SCT", "Heart")),
    "aorta": (ANATOMY, ("15825003", "SCT", "Aorta")),
    "vessel": (ANATOMY, ("59820001", "SCT", "Blood Vessel")),
    "liver": (ANATOMY, ("10200004", "SCT", "Liver")),
    "kidney": (ANATOMY, ("64033007", "SCT", "Kidney")),
    "spleen": (ANATOMY, ("78961009", "SCT", "Spleen")),
    "pancreas": (ANATOMY, ("15776009", "SCT", "Pancreas")),
    "prostate": (ANATOMY, ("41216001", "SCT", "Prostate")),
    "lung": (ANATOMY, ("39607008", "SCT", "Lung")),
    "brain": (ANATOMY, ("12738006", "SCT", "Brain")),
    "breast": (ANATOMY, ("76752008", "SCT", "Breast")),
    "optic disc": (ANATOMY, ("81016008", "SCT", "Optic nerve head")),
    "optic disk": (ANATOMY, ("81016008", "SCT", "Optic nerve head")),
    "tumour": (ABNORMAL, ("108369006", "SCT", "Tumor")),
    "tumor": (ABNORMAL, ("108369006", "SCT", "Tumor")),
    "cancer": (ABNORMAL, ("108369006", "SCT", "Tumor")),
    "cyst": (ABNORMAL, ("367643001", "SCT", "Cyst")),
    "lesion": (ABNORMAL, ("52988006", "SCT", "Lesion")),
    "edema": (ABNORMAL, ("79654002", "SCT", "Edema")),
    "haemorrhage": (ABNORMAL, ("50960005", "SCT", "Hemorrhage")),
    "hemorrhage": (ABNORMAL, ("50960005", "SCT", "Hemorrhage")),
    "nodule": (ABNORMAL, ("27925004", "SCT", "Nodule")),
}
"""Category and type of structures by their usual names."""

GENERIC: Final = (TISSUE, ANATOMY)
"""Of a structure whose name says nothing."""


def segment_codes(name: str) -> tuple[Code, Code]:
    """Category and type of a class by its name; of `haemorrhages`, say, as of `haemorrhage`."""
    words = " ".join(re.findall(r"[a-z]+", name.lower()))
    return CODES.get(words) or CODES.get(words.removesuffix("s")) or GENERIC


def segmentation_dataset(
    mask: Labels, source: Dataset, about: SetDescription, index: int, names: list[str],
    series: str, instance: str, dimensions: str,
) -> Dataset:  # fmt: skip
    """The data set of a mask.

    Args:
        mask: Labels (rows, columns), none above the number of names.
        source: The image that it belongs to.
        about: The set that it belongs to.
        index: Of the sample.
        names: Of the labels 1, 2, ...; each is a segment.
        series: UID of the series of the mask alone.
        instance: UID of the mask.
        dimensions: UID of the organisation of its frames.
    """
    import highdicom

    date = (about.date or EPOCH).replace("-", "")
    out: Any = highdicom.seg.Segmentation(
        source_images=[source],
        pixel_array=mask[None],
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=_descriptions(names, about),
        series_instance_uid=series,
        series_number=2,
        sop_instance_uid=instance,
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=model_name(about),
        software_versions=software_version(),
        device_serial_number=serial_number(about),
        content_description="Synthetic segmentation",
        content_label="SYNTHETIC",
        omit_empty_frames=False,
        series_description="Synthetic segmentation",
        content_date=date,
        content_time="000000",
        specific_character_set="ISO_IR 192",
    )
    del out.InstanceCreationDate, out.InstanceCreationTime
    for item in (*out.DimensionOrganizationSequence, *out.DimensionIndexSequence):
        item.DimensionOrganizationUID = dimensions
    if "FrameOfReferenceUID" not in out:
        out.PatientOrientation = ""
    add_marks(out, about, index)
    return out  # type: ignore[no-any-return]


def _descriptions(names: list[str], about: SetDescription) -> list[Any]:
    import highdicom
    from highdicom.seg import SegmentDescription
    from highdicom.sr.coding import CodedConcept
    from pydicom.sr.codedict import codes

    algorithm = highdicom.AlgorithmIdentificationSequence(
        name=model_name(about),
        family=codes.DCM.ArtificialIntelligence,
        version=serial_number(about),
    )
    return [
        SegmentDescription(
            segment_number=number,
            segment_label=plain(name) or f"label {number}",
            segmented_property_category=CodedConcept(*category),
            segmented_property_type=CodedConcept(*kind),
            algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm_identification=algorithm,
        )
        for number, name in enumerate(names, 1)
        for category, kind in [segment_codes(name)]
    ]
