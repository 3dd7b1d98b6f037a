"""A patient whose header tells everything, and a search for it in what is said."""

from __future__ import annotations

import numpy as np
from pydicom import Dataset

from tests.data.dicom_files import series

VALUES = np.arange(3 * 8 * 8, dtype=np.int16).reshape(3, 8, 8)

IDENTITY = {
    "PatientName": "Zwirnhuber^Xaverius^Q",
    "PatientID": "KX-7731904",
    "IssuerOfPatientID": "Sonnblickspital",
    "OtherPatientIDs": "ALT55512",
    "PatientBirthDate": "19310417",
    "PatientAddress": "Holzgasse 77",
    "InstitutionName": "Klinik Oberwaldstein",
    "InstitutionAddress": "Marktplatz 3, Oberwaldstein",
    "ReferringPhysicianName": "Pfefferkorn^Adelheid",
    "OperatorsName": "Blumentritt^R",
    "AccessionNumber": "ACC9900817",
    "StudyDate": "20170523",
    "StudyID": "STU4455",
    "StudyDescription": "Kontrolle nach Holzfuchs",
    "SeriesDescription": "Leber Zwirnhuber",
    "StationName": "WALDSTATION4",
    "DeviceSerialNumber": "SER-00991177",
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.7771",
    "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.7772",
    "FrameOfReferenceUID": "1.2.826.0.1.3680043.8.498.7773",
}
"""Values as they stand in headers; none of them may be found in what the reader gives."""

TELLING = [
    *IDENTITY.values(), "Zwirnhuber", "Xaverius", "Pfefferkorn", "Adelheid", "Blumentritt",
    "Oberwaldstein", "Sonnblick", "7731904", "3680043",
]  # fmt: skip


def untold(said: str) -> None:
    """Fails if a text tells anything of the patient."""
    found = [value for value in TELLING if value.lower() in said.lower()]
    assert found == [], found


def identified(code: str, **changes: object) -> list[Dataset]:
    """Images of the patient; the series of a code."""
    uid = f"{IDENTITY['SeriesInstanceUID']}.{code}"
    return series(VALUES, **{**IDENTITY, "SeriesInstanceUID": uid, **changes})
