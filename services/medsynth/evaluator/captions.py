"""What a report says in words about the data that it compares with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from medsynth.data.preparation import Preparation
from medsynth.platform.sources import set_fields
from medsynth.v1 import types_pb2

_IN_SENTENCES: Final = frozenset(
    (
        *("size", "bits", "crop", "crop_share", "foreground_share"),
        *("intensity", "intensity_low", "intensity_high"),
        *("split", "train_share", "validation_share", "split_seed", "folds", "fold", "assignment"),
    )
)


def data_caption(dataset: types_pb2.Dataset) -> str:
    """How the slices of a prepared set were made and its patients divided.

    Every choice that is not the default is in it, so that a reader knows the protocol.
    """
    defaults = Preparation().to_mapping()
    chosen = {**defaults, **set_fields(dataset.source.preparation)}
    sentences = [
        f"{dataset.channels} channel(s), {dataset.size} x {dataset.size} pixels of "
        f"{dataset.bits} bits.",
        f"Crop: {_crop(chosen)}.",
        f"Intensity: {chosen['intensity']} from {chosen['intensity_low']:g} to "
        f"{chosen['intensity_high']:g}.",
        _split(chosen),
    ]
    others = {name: value for name, value in chosen.items() if value != defaults[name]}
    others |= {name: value for name, value in set_fields(dataset.source.options).items() if value}
    if said := "; ".join(_said(others)):
        sentences.append(f"Other choices: {said}.")
    if dataset.problems:
        sentences.append(f"Scans that could not be used and were passed over: {dataset.problems}.")
    if share := chosen["foreground_share"]:
        sentences.append(f"A training was shown {share:.0%} images with a label.")
    return " ".join(sentences)


def _crop(chosen: Mapping[str, Any]) -> str:
    if chosen["crop"] == "none":
        return "none"
    crop = f"{chosen['crop']}, {chosen['crop_share']:g} of the shorter side"
    if chosen["crop"] == "foreground":
        crop += ", placed by the masks (those of the test patients too)"
    return crop


def _split(chosen: Mapping[str, Any]) -> str:
    train, validation = chosen["train_share"], chosen["validation_share"]
    if chosen["split"] == "assigned":
        return "Split by patient, as a list of the patients assigns them."
    if chosen["split"] == "ratio":
        return (
            f"Split by patient with seed {chosen['split_seed']}: {train:.1%} for training, "
            f"{validation:.1%} for validation, the rest for the test."
        )
    test = "the set's official test part"
    if chosen["split"] == "kfold":
        test = f"fold {chosen['fold']} of 0 to {chosen['folds'] - 1}"
    return (
        f"Split by patient: the test is {test}; of the others, divided with seed "
        f"{chosen['split_seed']}, {validation / (train + validation):.1%} are for validation."
    )


def _said(choices: Mapping[str, Any]) -> Iterator[str]:
    for name, value in choices.items():
        if name in _IN_SENTENCES:
            continue
        if isinstance(value, Mapping):
            yield f"{name} {', '.join(f'{old}={new}' for old, new in sorted(value.items()))}"
        else:
            yield f"{name} {', '.join(map(str, value)) if isinstance(value, list) else value}"
