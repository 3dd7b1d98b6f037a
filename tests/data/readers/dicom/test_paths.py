from __future__ import annotations

import pytest

from medsynth.data.readers.dicom.paths import Identities, scrubbed
from medsynth.data.readers.dicom.patients import pseudonym, series_code
from tests.data.dicom_files import item


def known(**elements: object) -> tuple[Identities, str]:
    dataset = item(**elements)
    identities = Identities()
    identities.add(pseudonym(dataset), dataset)
    return identities, pseudonym(dataset)


@pytest.mark.parametrize(
    ("elements", "name"),
    [
        ({"PatientName": "Müller-Lüdenscheidt^Jörg"}, "mueller_scan"),
        ({"PatientName": "Müller^Jörg"}, "MULLER"),
        ({"PatientName": "Müller^Jörg"}, "Scan_müller.dcm"),
        ({"PatientName": "Li^Wu"}, "li_wu"),
        ({"PatientName": "Li^Wu"}, "WuLi2"),
        ({"PatientName": "O'Hara^Kim"}, "kim"),
        ({"PatientName": "O'Hara^Kim"}, "ohara"),
        ({"PatientID": "12-34-567"}, "x1234567y"),
        ({"PatientID": "00123"}, "IM000123"),
        ({"PatientID": "AB 12"}, "ab12"),
        ({"PatientID": "x", "PatientBirthDate": "19310417"}, "born 1931-04-17"),
        ({"PatientID": "x", "PatientBirthDate": "19310417"}, "17.04.1931"),
        ({"PatientID": "x", "AccessionNumber": "A-77"}, "acc_a77"),
        ({"PatientID": "x", "OtherPatientIDsSequence": [item(PatientID="Q881")]}, "q-881"),
        ({"PatientID": "x", "InstitutionName": "Klinik Oberwaldstein"}, "oberwaldstein"),
    ],
)
def test_names_that_give_a_patient_away(elements: dict[str, object], name: str) -> None:
    identities, patient = known(**elements)
    ending = ".dcm" if name.endswith(".dcm") else ""
    assert scrubbed(f"a/{name}/b", identities, patient) == f"a/{patient}{ending}/b"
    assert scrubbed(f"a/{name}/b", identities) == f"a/{patient}{ending}/b"


@pytest.mark.parametrize("name", ["IM000001", "series 2", "liver-axial.dcm", "12", "é"])
def test_names_that_give_nobody_away(name: str) -> None:
    identities, patient = known(PatientName="Zwirnhuber^Ed", PatientID="7712", StudyID="1")
    assert scrubbed(name, identities, patient) == name
    assert scrubbed(name, identities) == name


def test_uids_in_paths_are_hashed() -> None:
    uid = "1.2.826.0.1.3680043.8.498.77"
    identities, patient = known(PatientID="x")
    shown = f"uid-{series_code(uid)}"
    assert scrubbed(f"{uid}/{uid}.dcm", identities, patient) == f"{shown}/{shown}.dcm"


def test_another_patient_is_found_by_whole_words_only() -> None:
    identities, _ = known(PatientName="Ann^Bo", PatientID="A1")
    other = item(PatientName="Carl^Do", PatientID="A2")
    identities.add(pseudonym(other), other)
    assert scrubbed("scanned", identities, pseudonym(other)) == "scanned"
    assert scrubbed("of ann", identities, pseudonym(other)).startswith("patient-")
