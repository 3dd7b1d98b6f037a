"""The words of a report about its data: which split was made, and every choice."""

from __future__ import annotations

import pytest

from medsynth.evaluator.captions import data_caption
from medsynth.platform.sources import fill_source
from medsynth.v1 import types_pb2

ASSIGNED = types_pb2.Assignment(train=["Anna"], validation=["Berta"], test=["Carla"])


def caption(**preparation: object) -> str:
    source = types_pb2.DataSource(
        uri="phantom://cardiac", preparation=types_pb2.Preparation(**preparation)
    )
    return data_caption(
        types_pb2.Dataset(source=fill_source(source, ()), channels=1, size=64, bits=8)
    )


def test_the_defaults_are_said_and_nothing_else() -> None:
    assert caption() == (
        "1 channel(s), 64 x 64 pixels of 8 bits. Crop: none. Intensity: percentiles from 0.5 to "
        "99.5. Split by patient with seed 0: 60.0% for training, 15.0% for validation, the rest "
        "for the test."
    )


@pytest.mark.parametrize(
    ("preparation", "said"),
    [
        (
            {"split": "official", "split_seed": 3},
            "the test is the set's official test part; of the others, divided with seed 3, 20.0% "
            "are for validation.",
        ),
        (
            {"split": "kfold", "fold": 2, "validation_share": 0.1},
            "the test is fold 2 of 0 to 4; of the others, divided with seed 0, 14.3% are for",
        ),
        ({"train_share": 0.5, "split_seed": 7}, "with seed 7: 50.0% for training, 15.0% for"),
        ({"split": "assigned", "assignment": ASSIGNED}, "as a list of the patients assigns them"),
    ],
)
def test_the_split_is_the_one_that_was_made(preparation: dict[str, object], said: str) -> None:
    text = caption(**preparation)
    assert said in text
    assert text.count("Split by patient") == 1
    assert ("official" in text, "fold " in text) == (
        preparation.get("split") == "official",
        preparation.get("split") == "kfold",
    )


def test_names_of_patients_are_not_among_the_words() -> None:
    text = caption(split="assigned", assignment=ASSIGNED)
    assert [name for name in ("Anna", "Berta", "Carla") if name in text] == []


CHOICES: dict[str, tuple[object, str]] = {
    "crop": ("centre", "Crop: centre, 0.6 of the shorter side."),
    "intensity_low": (1.0, "percentiles from 1 to 99.5"),
    "intensity_high": (98.0, "percentiles from 0.5 to 98."),
    "train_share": (0.5, "50.0% for training"),
    "validation_share": (0.2, "20.0% for validation"),
    "split_seed": (9, "seed 9"),
    "orientation": ("standard", "orientation standard"),
    "slicing": ("coronal", "slicing coronal"),
    "spacing": (1.5, "spacing 1.5"),
    "slice_spacing": (5.0, "slice_spacing 5.0"),
    "keep_empty_share": (0.25, "keep_empty_share 0.25"),
    "fit": ("stretch", "fit stretch"),
    "channels": (1, "channels 1"),
    "label_map": ({3: 1, 1: 0}, "label_map 1=0, 3=1"),
    "bad_share": (0.1, "bad_share 0.1"),
    "foreground_share": (0.5, "50% images with a label"),
}


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_is_said(name: str) -> None:
    value, said = CHOICES[name]
    assert said in caption(**{name: value})
    assert said not in caption()


def test_no_choice_is_forgotten() -> None:
    """What is left is said by the set itself, or with the split or the window."""
    of_their_own = {"size", "bits", "crop_share", "intensity", "split", "folds", "fold"}
    fields = set(types_pb2.Preparation.DESCRIPTOR.fields_by_name)
    assert set(CHOICES) == fields - of_their_own - {"assignment"}


def test_what_the_reader_was_told_and_what_was_passed_over() -> None:
    source = types_pb2.DataSource(uri="/scans", options={"class_names": ["disc", "cup"]})
    text = data_caption(types_pb2.Dataset(source=source, problems=12))
    assert "Other choices: class_names disc, cup." in text
    assert "passed over: 12." in text
