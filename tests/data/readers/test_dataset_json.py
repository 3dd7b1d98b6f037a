from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medsynth.data.files import open_files
from medsynth.data.readers.dataset_json import (
    FILE,
    channels_of,
    labels_of,
    modality_of,
    read_dataset_json,
    units_of,
)
from medsynth.errors import DataError


def classes(labels: Any) -> tuple[str, ...]:
    return labels_of({"labels": labels}, FILE).classes


def write(folder: Path, content: Any) -> None:
    (folder / FILE).write_text(json.dumps(content))


def test_channels_are_named_in_either_version() -> None:
    assert channels_of({"channel_names": {"1": "ADC", "0": "T2"}}, FILE) == ("T2", "ADC")
    assert channels_of({"modality": {"0": "CT"}}, FILE) == ("CT",)
    assert channels_of({}, FILE) == ()


def test_what_made_the_images_and_their_units() -> None:
    for names, modality, units in (
        (("CT",), "CT", "HU"), (("ct", "CT "), "CT", "HU"), (("MRI",), "MR", ""),
        (("MR", "mri"), "MR", ""), (("T2",), "", ""), (("CT", "PET"), "", ""), ((), "", ""),
    ):  # fmt: skip
        assert (modality_of(names), units_of(names)) == (modality, units)


@pytest.mark.parametrize(
    "names", [{}, {"1": "CT"}, ["CT"], {"0": 5}, {str(n): "MR" for n in range(9)}]
)
def test_channels_that_are_none(names: Any) -> None:
    with pytest.raises(DataError, match=r"^dataset\.json: channel_names is .* at most 8 channels"):
        channels_of({"channel_names": names}, FILE)


@pytest.mark.parametrize(
    "labels",
    [
        {"background": 0, "liver": 1, "tumour": 2},
        {"tumour": 2, " liver ": 1},
        {"0": "background", "2": "tumour", "1": "liver"},
        {" 1": "liver", "2 ": "tumour"},
        {"liver": "1", "tumour": "2"},
        {"liver": [1], "tumour": [2]},
    ],
)
def test_labels_are_named_by_value_or_have_values_by_name(labels: Any) -> None:
    found = labels_of({"labels": labels}, FILE)
    assert found.classes == ("background", "liver", "tumour")
    assert (found.stored, found.remarks) == ((), ())


def test_regions_name_labels_by_all_they_lie_in() -> None:
    regions = {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "enhancing": 3}
    found = labels_of({"labels": regions}, FILE)
    assert found.classes == ("background", "whole", "whole & core", "whole & core & enhancing")
    assert found.remarks[0].startswith("Its classes are regions that overlap")
    assert classes({"background": 0, "both": [1, 2]}) == ("background", "both (1)", "both (2)")


def test_names_of_many_regions_are_cut_and_told_apart() -> None:
    regions = {f"region {number} {'x' * 90}": [1, 2] for number in range(200)}
    names = classes({**regions, "last": 2})
    assert max(map(len, names)) <= 110
    assert len({*names}) == 3


def test_the_value_to_ignore_is_no_label() -> None:
    found = labels_of({"labels": {"background": 0, "PZ": 1, "ignore": 2}}, FILE)
    assert found.classes == ("background", "PZ")
    assert "2 marks pixels that nobody labelled" in found.remarks[0]


def test_values_with_gaps_become_labels_without() -> None:
    found = labels_of({"labels": {"background": 0, "TZ": 7, "PZ": 3}}, FILE)
    assert (found.classes, found.stored) == (("background", "PZ", "TZ"), (0, 3, 7))
    assert found.remarks == ("The values 0, 3, 7 of its masks become 0, 1, ...",)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (None, "labels is"),
        ({}, "labels is"),
        (["background"], "labels is"),
        ({"background": 0}, "none but the background"),
        ({"background": 0, " ": 1}, "has no name"),
        *(
            ({"background": 0, "a": value}, "whole numbers from 0 to 255")
            for value in ("x", 256, -1, 1.5, True, [], [1, 1], {"b": 1}, None)
        ),
    ],
)
def test_labels_that_are_none(labels: Any, reason: str) -> None:
    with pytest.raises(DataError) as caught:
        classes(labels)
    assert caught.value.message.startswith(f"{FILE}: ")
    assert reason in caught.value.message


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"\xff\xfe\x00", b"[" * 100_000, b"9" * 10_000, b"{} {}"),
        b'{"labels": {"a": 1, "b": 2, "a": 3}}',
        b'{"labels": {}, "labels": {}}',
    ],
)
def test_files_that_are_no_object(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_dataset_json(open_files(str(tmp_path)))
    assert caught.value.message.startswith(f"{tmp_path / FILE}: ")


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4),
    kept=st.floats(0.3, 1),
)
def test_whatever_it_holds_it_is_understood_or_refused(
    tmp_path: Path, changes: list[tuple[int, int]], kept: float
) -> None:
    write(tmp_path, {"channel_names": {"0": "T2"}, "labels": {"background": 0, "PZ": 1, "TZ": 2}})
    file = tmp_path / FILE
    content = bytearray(file.read_bytes())
    for place, value in changes:
        content[place % len(content)] = value
    file.write_bytes(content[: int(len(content) * kept)])
    message = f"{file}: "
    try:
        found = read_dataset_json(open_files(str(tmp_path)))
        channels_of(found, f"{file}")
        names = labels_of(found, f"{file}").classes
    except DataError as error:
        message = error.message
    else:
        assert len(names) > 1
    assert message.startswith(f"{file}: ")
