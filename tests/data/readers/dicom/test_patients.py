from __future__ import annotations

import pytest

from medsynth.data import pseudonyms
from medsynth.data.readers.dicom.patients import pseudonym, series_code
from tests.data.dicom_files import item


def test_pseudonyms_follow_id_then_name_then_study() -> None:
    one = pseudonym(item(PatientID="1", PatientName="A"))
    assert one == pseudonym(item(PatientID="1 ", PatientName="B"))
    assert one != pseudonym(item(PatientID="2", PatientName="A"))
    named = pseudonym(item(PatientName="A^B", PatientBirthDate="19310417"))
    assert named == pseudonym(item(PatientName="a^b^^", PatientBirthDate="19310417", PatientID=""))
    assert named != pseudonym(item(PatientName="A^B", PatientBirthDate="19310418"))
    assert pseudonym(item(StudyInstanceUID="1.2")) != pseudonym(item(StudyInstanceUID="1.3"))
    assert len(one) == len("patient-") + 16


def test_one_patient_has_one_pseudonym_however_studies_spell_him() -> None:
    plain = pseudonym(item(PatientID="1"))
    assert plain == pseudonym(item(PatientID="1", IssuerOfPatientID="Sonnblickspital"))
    named = pseudonym(item(PatientName="Yamada^Tarou"))
    assert named == pseudonym(item(PatientName="YAMADA^TAROU=山田^太郎"))
    assert named == pseudonym(item(PatientName="Ｙａｍａｄａ^Tarou^^="))
    assert named != pseudonym(item(PatientName="=山田^太郎"))


def test_halves_of_characters_are_hashed_like_any_others() -> None:
    assert pseudonym(item(PatientID="\ud800")) != pseudonym(item(PatientID="\udcff"))


def test_another_key_gives_other_pseudonyms(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = item(PatientID="1")
    before = pseudonym(dataset), series_code("1.2")
    monkeypatch.setattr(pseudonyms, "_key", b"another key of tests")
    assert pseudonym(dataset) != before[0]
    assert series_code("1.2") != before[1]
