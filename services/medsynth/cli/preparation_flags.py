"""Flags that say what data are and how they become slices, as data classes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medsynth.cli.flags import absolute, int32, int64

if TYPE_CHECKING:
    from medsynth.v1.types_pb2 import Assignment, DataSource


def pairs(text: str) -> dict[int, int]:
    """Whole numbers that become others: `1=0,3=1`."""
    found: dict[int, int] = {}
    for pair in text.split(","):
        old, equals, new = pair.partition("=")
        if not equals or not (old.strip().isdigit() and new.strip().isdigit()):
            raise typer.BadParameter(f"{pair!r} is not LABEL=LABEL, such as 1=0,3=1")
        if int32(old) in found:
            raise typer.BadParameter(f"{text!r} says twice what becomes of {old.strip()}")
        found[int32(old)] = int32(new)
    return found


def setting(help: str, **details: Any) -> Any:
    """A flag of the panel on the preparation of the data."""
    return typer.Option(help=help, rich_help_panel="Preparation of the data", **details)


@dataclass(frozen=True)
class InspectionFlags:
    """What the data are, and how patients are divided. None: the trainer's default."""

    reader: Annotated[
        str, setting("Name of a reader. Default: recognised from the data.", metavar="NAME")
    ] = ""
    patient_pattern: Annotated[
        str | None,
        setting("Regular expression: its first group in an image's path is the patient."),
    ] = None
    class_names: Annotated[
        list[str] | None, setting("Name of label 1, 2, ...; may be repeated.", metavar="NAME")
    ] = None
    structures: Annotated[
        list[str] | None,
        setting("A structure that becomes label 1, 2, ...; may be repeated.", metavar="NAME"),
    ] = None
    mask_values: Annotated[
        list[int] | None,
        setting(
            "A value in masks that means label 0, 1, ...; may be repeated.",
            metavar="N",
            parser=int32,
        ),
    ] = None
    channels: Annotated[
        int | None,
        setting(
            "Channels every image must have. Default: as the first.", metavar="N", parser=int32
        ),
    ] = None
    label_map: Annotated[
        dict[int, int] | None,
        setting("Labels that become others, such as 1=0,3=1.", metavar="PAIRS", parser=pairs),
    ] = None
    orientation: Annotated[
        str | None,
        setting("stored, or standard: axes turned as images are shown. Default stored."),
    ] = None
    slicing: Annotated[
        str | None, setting("stored, axial, coronal or sagittal slices. Default stored.")
    ] = None
    split: Annotated[
        str | None,
        setting(
            "Patients by ratio, official (the set's own test part), kfold, or assigned (by "
            "--split-file). Default ratio."
        ),
    ] = None
    split_file: Annotated[
        Path | None,
        setting(
            'JSON with the patients of each split, all of them once: {"train": [...], '
            '"validation": [...], "test": [...]}.',
            metavar="FILE",
        ),
    ] = None
    train_share: Annotated[
        float | None, setting("Patients for training. Default 0.6.", metavar="SHARE")
    ] = None
    validation_share: Annotated[
        float | None, setting("Patients for validation. Default 0.15.", metavar="SHARE")
    ] = None
    split_seed: Annotated[
        int | None,
        setting("Seed of the split by patients. Default 0.", metavar="N", parser=int64),
    ] = None
    folds: Annotated[
        int | None, setting("Folds, for --split kfold. Default 5.", metavar="N", parser=int32)
    ] = None
    fold: Annotated[
        int | None, setting("Which of them tests, from 0. Default 0.", metavar="N", parser=int32)
    ] = None

    def given(self) -> list[str]:
        """The flags that were used, as they are written."""
        return [
            "--" + field.name.replace("_", "-")
            for field in fields(self)
            if getattr(self, field.name) != field.default
        ]

    def source(self, data: str) -> DataSource:
        """The message for data that are prepared this way; local paths are made absolute.

        Raises:
            typer.BadParameter: The file of the split cannot be read.
        """
        from medsynth.v1.types_pb2 import DataSource, Preparation, ReaderOptions

        chosen = {field.name: getattr(self, field.name) for field in fields(self)}
        reader, file = chosen.pop("reader"), chosen.pop("split_file")
        names = ReaderOptions.DESCRIPTOR.fields_by_name
        options = {name: chosen.pop(name) for name in list(chosen) if name in names}
        source = DataSource(uri=absolute(data), reader=reader, preparation=Preparation(**chosen))
        if any(options.values()):
            source.options.MergeFrom(ReaderOptions(**options))
        if file is not None:
            source.preparation.assignment.MergeFrom(_assignment(file))
            source.preparation.split = source.preparation.split or "assigned"
        return source


@dataclass(frozen=True)
class PreparationFlags(InspectionFlags):
    """How slices are cut and scaled too. None: the trainer's default."""

    size: Annotated[
        int | None,
        setting("Side of the slices in pixels. Default 64.", metavar="N", parser=int32),
    ] = None
    crop: Annotated[
        str | None,
        setting(
            "none, centre, or foreground (about the labelled pixels). Default none.",
            metavar="WHAT",
        ),
    ] = None
    crop_share: Annotated[
        float | None,
        setting("Side of a crop, of the slice's shorter side. Default 0.6.", metavar="SHARE"),
    ] = None
    intensity: Annotated[
        str | None,
        setting("What the limits are: percentiles or window. Default percentiles.", metavar="WHAT"),
    ] = None
    intensity_low: Annotated[
        float | None,
        setting("What becomes 0: a percentile or a value. Default 0.5.", metavar="X"),
    ] = None
    intensity_high: Annotated[
        float | None,
        setting(
            "What becomes the brightest level: a percentile or a value. Default 99.5.", metavar="X"
        ),
    ] = None
    spacing: Annotated[
        float | None,
        setting("Resample rows and columns to it first. Default 0: as stored.", metavar="MM"),
    ] = None
    slice_spacing: Annotated[
        float | None, setting("Likewise the slices. Default 0: as stored.", metavar="MM")
    ] = None
    keep_empty_share: Annotated[
        float | None, setting("Of the slices without a label. Default 1: all.", metavar="SHARE")
    ] = None
    fit: Annotated[
        str | None, setting("How uncut slices become square: pad or stretch. Default pad.")
    ] = None
    bad_share: Annotated[
        float | None,
        setting(
            "Of the scans that may be unusable and are passed over. Default 0.", metavar="SHARE"
        ),
    ] = None
    bits: Annotated[
        int | None,
        setting("Of a pixel's levels, 8 or 16. Default 8.", metavar="N", parser=int32),
    ] = None
    foreground_share: Annotated[
        float | None,
        setting(
            "Of the images shown in training that have a label. Default 0: as they come.",
            metavar="SHARE",
        ),
    ] = None


def _assignment(file: Path) -> Assignment:
    from google.protobuf import json_format

    from medsynth.v1.types_pb2 import Assignment

    try:
        return json_format.Parse(file.expanduser().read_text(), Assignment())
    except (OSError, UnicodeDecodeError, json_format.ParseError) as error:
        raise typer.BadParameter(
            f"{file}: {error}. Expected JSON with lists of patients under train, validation and "
            "test",
            param_hint="--split-file",
        ) from None
