from __future__ import annotations

import pytest

from medsynth.data.readers.dicom.identities import Identities
from medsynth.data.readers.dicom.paths import scrubbed
from medsynth.data.readers.dicom.patients import pseudonym, series_code
from tests.data.dicom_files import item

PLACE = "17-of-300"


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
        ({"PatientName": "Müller^Jörg"}, "Scan_müller"),
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
        ({"PatientName": "Yamada^Tarou=山田^太郎"}, "山田太郎"),
        ({"PatientName": "Yamada^Tarou=山田^太郎"}, "山田"),
        ({"PatientName": "Li^Wu=李^武"}, "li-wu"),
        ({"PatientName": "Hong^Gildong=洪^吉洞=홍^길동"}, "길동_홍"),
    ],
)
def test_names_that_give_a_patient_away(elements: dict[str, object], name: str) -> None:
    identities, patient = known(**elements)
    for whose in (patient, ""):
        assert scrubbed(f"a/{name}/b", identities, PLACE, whose) == f"a/{patient}/file-{PLACE}"
        shown = scrubbed(f"a/{name}.dcm", identities, PLACE, whose)
        assert shown == f"a/file-{PLACE}.dcm"


@pytest.mark.parametrize(
    "path",
    ["IM000001", "series 2/slice_00017.dcm", "CT2/17136", "12", "a/b/x.DCM", "IM-0001-0001"]
)  # fmt: skip
def test_words_that_say_nothing_are_shown(path: str) -> None:
    identities, patient = known(PatientName="Zwirnhuber^Ed", PatientID="7712", StudyID="1")
    assert scrubbed(path, identities, PLACE, patient) == path
    assert scrubbed(path, identities, PLACE) == path


@pytest.mark.parametrize(
    "folder",
    ["Schmidt_Hans", "170523", "2017-5-23", "May 2017", "st-17-05-23", "ward 4711", "Müller",
     "山田太郎", "é", "a..b(1)", "-"]
)  # fmt: skip
def test_words_that_no_header_explains_are_not_shown(folder: str) -> None:
    shown = scrubbed(f"a/{folder}/IM0001.dcm", Identities(), PLACE)
    first, hidden, name = shown.split("/")
    assert (first, name) == ("a", f"file-{PLACE}.dcm")
    assert hidden.startswith("dir-")
    assert len(hidden) == len("dir-") + 8
    other = scrubbed(f"a/{folder}x/IM0001.dcm", Identities(), PLACE).split("/")[1]
    assert other != hidden


def test_the_name_of_a_file_that_says_too_much() -> None:
    identities = Identities()
    assert scrubbed("a/Schmidt_001.dcm", identities, "1-of-2") == "a/file-1-of-2.dcm"
    assert scrubbed("a/Schmidt_002.dcm", identities, "2-of-2") == "a/file-2-of-2.dcm"
    assert scrubbed("1234567.IMA", identities, "1-of-1") == "file-1-of-1.ima"


def test_uids_in_paths_are_hashed() -> None:
    uid = "1.2.826.0.1.3680043.8.498.77"
    identities, patient = known(PatientID="x")
    shown = scrubbed(f"{uid}/{uid}.dcm", identities, PLACE, patient)
    assert shown == f"uid-{series_code(uid)}/file-{PLACE}.dcm"


def test_names_of_other_patients_in_texts() -> None:
    identities, _ = known(PatientName="Ann^Liv=李^小明")
    other = item(PatientName="Oberwald^Do", PatientID="A2")
    identities.add(pseudonym(other), other)
    for words in ("of Ann", "tumourOberwald", "李小明肝脏", "liv"):
        assert identities.named_in(words), words
    for words in ("scanned", "liver", "olive", "小肝"):
        assert not identities.named_in(words), words
