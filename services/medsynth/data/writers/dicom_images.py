"""A synthetic slice as a DICOM image, with every standard mark that it is synthetic.

With a distance of rows and columns, MR and CT are images of these modalities; ultrasound and
photographs (XC) of 8 bits always are. Everything else is Secondary Capture, which claims no
geometry; so are photographs of the eye (OP), whose own class has to say which eye it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from medsynth.data.writers.description import SetDescription, spacings
from medsynth.data.writers.dicom_marks import (
    Identity,
    add_equipment,
    add_marks,
    add_patient_and_study,
    plain,
)
from medsynth.data.writers.interface import Form
from medsynth.levels import Pixels

if TYPE_CHECKING:
    from pydicom import Dataset

_MR: Final = "1.2.840.10008.5.1.4.1.1.4"
_CT: Final = "1.2.840.10008.5.1.4.1.1.2"
_US: Final = "1.2.840.10008.5.1.4.1.1.6.1"
_PHOTOGRAPH: Final = "1.2.840.10008.5.1.4.1.1.77.1.4"
_SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"

_PATIENT_AXES: Final = np.array([-1.0, -1.0, 1.0])
"""From the axes of NIfTI-1 to those of DICOM."""

_NARROW: Final = 256
"""Windows below this width say how they are meant: some viewers know the usual way alone."""

_CENTIMETRES, _TWO_DIMENSIONAL, _TISSUE = 3, 1, 1


def image_dataset(image: Pixels, form: Form, about: SetDescription, identity: Identity) -> Dataset:
    """The data set of an image.

    Args:
        image: (channels, rows, columns), one channel or three of 8 bits.
        form: Of the image.
        about: The set that it belongs to.
        identity: Of the sample.
    """
    from pydicom import Dataset

    modality, storage = _storage(form, about)
    out = Dataset()
    out.SpecificCharacterSet = "ISO_IR 192"
    out.SOPClassUID = storage
    out.SOPInstanceUID = identity.instance
    out.Modality = modality
    add_patient_and_study(out, about, identity)
    out.SeriesInstanceUID = identity.series
    out.SeriesNumber = 1
    out.Laterality = ""
    out.SeriesDescription = "Synthetic image"
    out.InstanceNumber = 1
    add_equipment(out, about)
    add_marks(out, about, identity.index)
    out.ImageType = ["DERIVED", "SECONDARY"]
    out.LossyImageCompression = "00"
    if storage in (_MR, _CT):
        _add_plane(out, about, identity)
    else:
        out.PatientOrientation = None
    _SPECIFIC[storage](out, form, about)
    _add_intensities(out, form, about, storage)
    _add_pixels(out, image, form, wide=storage in (_MR, _CT))
    return out


def _storage(form: Form, about: SetDescription) -> tuple[str, str]:
    """Modality and class of the image."""
    modality = about.modality_term
    if form.channels == 1 and modality in ("MR", "CT") and about.geometry is not None:
        return modality, _MR if modality == "MR" else _CT
    if form.bits == 8 and modality in ("US", "XC"):
        return modality, _US if modality == "US" else _PHOTOGRAPH
    return modality, _SECONDARY_CAPTURE


def _add_plane(out: Dataset, about: SetDescription, identity: Identity) -> None:
    affine = about.geometry
    assert affine is not None
    slices, rows, columns = spacings(affine)
    across, down = affine[:3, 2] / columns, affine[:3, 1] / rows
    down = down - (down @ across) * across
    down /= np.linalg.norm(down)
    directions = np.concatenate([across * _PATIENT_AXES, down * _PATIENT_AXES])
    out.FrameOfReferenceUID = identity.frame_of_reference
    out.PositionReferenceIndicator = None
    out.PatientPosition = None
    out.ImageOrientationPatient = [_decimal(value) for value in directions.tolist()]
    position = (affine[:3, 3] * _PATIENT_AXES).tolist()
    out.ImagePositionPatient = [_decimal(value) for value in position]
    out.PixelSpacing = [_decimal(rows), _decimal(columns)]
    known = about.affine is not None or about.slice_spacing is not None
    out.SliceThickness = _decimal(slices) if known else None


def _add_intensities(out: Dataset, form: Form, about: SetDescription, storage: str) -> None:
    """How levels become intensities, and the window that shows all of them."""
    if form.channels > 1 or storage in (_US, _PHOTOGRAPH):
        return
    slope, intercept = about.scale(0, form.levels)
    if about.intensities or storage == _CT:
        out.RescaleSlope = _decimal(slope)
        out.RescaleIntercept = _decimal(intercept)
        out.RescaleType = plain(about.units, 16) or "US"
    _add_window(out, intercept, slope * form.levels)


def _add_window(out: Dataset, low: float, width: float) -> None:
    """From the darkest to the brightest level (PS3.3, C.11.2.1.2)."""
    if width < _NARROW:
        out.WindowCenter, out.WindowWidth = _decimal(low + width / 2), _decimal(width)
        out.VOILUTFunction = "LINEAR_EXACT"
    else:
        out.WindowCenter, out.WindowWidth = _decimal(low + (width + 1) / 2), _decimal(width + 1)


def _add_pixels(out: Dataset, image: Pixels, form: Form, wide: bool) -> None:
    """Pixels as levels. MR and CT have 16 bits each, of which 12 are told to be used for 8."""
    bits = 16 if wide else form.bits
    stored = 12 if wide and form.bits == 8 else form.bits
    out.SamplesPerPixel = form.channels
    out.PhotometricInterpretation = "MONOCHROME2" if form.channels == 1 else "RGB"
    if form.channels > 1:
        out.PlanarConfiguration = 0
    out.Rows, out.Columns = form.rows, form.columns
    out.BitsAllocated, out.BitsStored, out.HighBit = bits, stored, stored - 1
    out.PixelRepresentation = 0
    content = image.transpose(1, 2, 0).astype(f"<u{bits // 8}").tobytes()
    out.PixelData = content + bytes(len(content) % 2)
    out["PixelData"].VR = "OW" if bits == 16 else "OB"


def _make_mr(out: Dataset, form: Form, about: SetDescription) -> None:
    out.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    out.ScanningSequence = "RM"  # Research mode.
    out.SequenceVariant = "NONE"
    for name in ("ScanOptions", "MRAcquisitionType", "RepetitionTime", "EchoTime"):
        setattr(out, name, None)
    out.EchoTrainLength = None


def _make_ct(out: Dataset, form: Form, about: SetDescription) -> None:
    out.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    out.KVP = None
    out.AcquisitionNumber = None


def _make_us(out: Dataset, form: Form, about: SetDescription) -> None:
    if about.geometry is None:
        return
    from pydicom import Dataset

    _, rows, columns = spacings(about.geometry)
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType = _TWO_DIMENSIONAL, _TISSUE
    region.RegionFlags = 0
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 0
    region.RegionLocationMaxX1 = form.columns - 1
    region.RegionLocationMaxY1 = form.rows - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = _CENTIMETRES
    region.PhysicalDeltaX, region.PhysicalDeltaY = columns / 10, rows / 10
    out.SequenceOfUltrasoundRegions = [region]


def _make_photograph(out: Dataset, form: Form, about: SetDescription) -> None:
    out.AcquisitionContextSequence = []


def _make_secondary_capture(out: Dataset, form: Form, about: SetDescription) -> None:
    out.ConversionType = "SYN"  # Synthetic image.
    if about.geometry is not None:
        _, rows, columns = spacings(about.geometry)
        out.PixelSpacing = [_decimal(rows), _decimal(columns)]


_SPECIFIC: Final = {
    _MR: _make_mr,
    _CT: _make_ct,
    _US: _make_us,
    _PHOTOGRAPH: _make_photograph,
    _SECONDARY_CAPTURE: _make_secondary_capture,
}


def _decimal(value: float) -> Any:
    from pydicom.valuerep import format_number_as_ds

    return format_number_as_ds(value + 0.0)
