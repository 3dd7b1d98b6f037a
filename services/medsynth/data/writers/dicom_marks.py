"""What every DICOM file of a set says: that its pixels are synthetic, by what, and of nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from medsynth.data.writers.description import RESEARCH, SetDescription
from medsynth.errors import shorten

if TYPE_CHECKING:
    from pydicom import Dataset

MAKER: Final = "medsynth"
EPOCH: Final = "1970-01-01"
"""Stands for a date that is unknown where DICOM wants one."""

_UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class Identity:
    """What tells a sample from all others.

    Attributes:
        index: Of the sample.
        patient_id: Of nobody.
        study: UID.
        series: UID of the series of the image alone.
        instance: UID of the image.
        frame_of_reference: UID.
    """

    index: int
    patient_id: str
    study: str
    series: str
    instance: str
    frame_of_reference: str


def add_patient_and_study(out: Dataset, about: SetDescription, identity: Identity) -> None:
    """Nobody's identity, and a study of a sample's own."""
    generator = plain(about.generator.rpartition("/")[2], 30) or _UNKNOWN
    out.PatientName = f"SYNTHETIC^{generator}^{identity.index}"
    out.PatientID = identity.patient_id
    out.TypeOfPatientID = "TEXT"
    out.PatientBirthDate = None
    out.PatientSex = None
    out.StudyInstanceUID = identity.study
    out.StudyDate = about.date.replace("-", "") or None
    out.StudyTime = None
    out.StudyID = None
    out.StudyDescription = plain(about.name)
    out.AccessionNumber = None
    out.ReferringPhysicianName = None


def add_equipment(out: Dataset, about: SetDescription) -> None:
    """The generator as a piece of equipment."""
    out.Manufacturer = MAKER
    out.ManufacturerModelName = model_name(about)
    out.DeviceSerialNumber = serial_number(about)
    out.SoftwareVersions = software_version()


def add_marks(out: Dataset, about: SetDescription, index: int) -> None:
    """Says in every place that the standard has for it that the pixels are synthetic."""
    from pydicom import Dataset
    from pydicom.sr.codedict import codes

    out.SyntheticData = "YES"
    out.ContentQualification = "RESEARCH"
    out.PatientIdentityRemoved = "YES"
    out.DeidentificationMethod = "Synthetic: there is no patient"
    out.PatientComments = "Synthetic: there is no patient"
    out.DerivationDescription = (
        f"Synthetic image {index} of seed {_stated(about.seed)}, drawn from the generator "
        f"{plain(about.generator, 200) or _UNKNOWN} "
        f"({plain(about.generator_digest, 100) or 'no digest'}). "
        f"{RESEARCH}"
    )
    out.ImageComments = _printable(
        f"{RESEARCH} Intended use: {about.intended_use}. Licence: {about.licence}."
    )[:10_000]
    equipment = Dataset()
    purpose = Dataset()
    purpose.CodeValue = codes.DCM.SynthesizingEquipment.value
    purpose.CodingSchemeDesignator = codes.DCM.SynthesizingEquipment.scheme_designator
    purpose.CodeMeaning = codes.DCM.SynthesizingEquipment.meaning
    equipment.PurposeOfReferenceCodeSequence = [purpose]
    add_equipment(equipment, about)
    equipment.ContributionDescription = RESEARCH
    out.ContributingEquipmentSequence = [equipment]


def plain(text: str, length: int = 64) -> str:
    """Text as short DICOM values have it: one line, no separators of values or of names.

    Args:
        text: Any.
        length: Bytes, at most.
    """
    kept = "".join(c if c.isprintable() and c not in "\\^=" else " " for c in text)
    return shorten(" ".join(kept.split()), length)


def _printable(text: str) -> str:
    """Text as long DICOM values have it: of control characters the ends of lines alone."""
    return "".join(c if c.isprintable() or c in "\r\n\t" else " " for c in text)


def software_version() -> str:
    """Of this project."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(MAKER)
    except PackageNotFoundError:
        return _UNKNOWN


def serial_number(about: SetDescription) -> str:
    """The digits of the generator's digest, which are as long as the value may be."""
    return plain(about.generator_digest.removeprefix("sha256:")) or _UNKNOWN


def model_name(about: SetDescription) -> str:
    """The generator's name."""
    return plain(about.generator) or "unknown generator"


def _stated(value: int | None) -> str:
    return _UNKNOWN if value is None else str(value)
