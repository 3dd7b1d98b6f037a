"""What an inspection found, for a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from medsynth.cli.output import number, say, table
from medsynth.errors import DataError

if TYPE_CHECKING:
    from medsynth.v1.trainer_pb2 import Inspection

_SHOWN = 10


def print_inspection(found: Inspection) -> None:
    """Prints it: what was recognised, what it holds, what is wrong with it."""
    say(f"{found.source.uri}: read as {found.reader}")
    channels = " or ".join(map(str, sorted(found.channels))) or "no"
    say(
        f"{found.patients:,} patients, {found.volumes:,} volumes, {found.slices:,} slices, "
        f"{channels} channel(s)"
    )
    _print_sizes(found)
    _print_intensities(found)
    _print_classes(found)
    for title, groups in (
        ("group", found.groups), ("part", found.parts), ("would be split as", found.splits)
    ):  # fmt: skip
        if groups:
            table(
                (title, "patients", "slices"),
                [(group.name, f"{group.patients:,}", f"{group.slices:,}") for group in groups],
                numbers=("patients", "slices"),
            )
    _print_duplicates(found)
    _print_problems(found)
    for remark in found.remarks[:_SHOWN]:
        say(f"note: {remark}")
    _print_more(len(found.remarks), "remarks")


def split_file(found: Inspection) -> bytes:
    """The patients of each split as `--split-file` takes them.

    Patients whose scans cannot be read are named in the training split: those who prepare the set
    with `--bad-share` pass them over.

    Raises:
        DataError: Patients cannot be divided as asked, or are too many to be listed.
    """
    uri, listed = found.source.uri, len(found.listed_patients)
    if not found.splits:
        raise DataError(f"{uri}: its patients cannot be divided as asked, see its notes")
    if listed < found.patients:
        raise DataError(
            f"{uri}: {listed:,} of its {found.patients:,} patients are listed; more do not fit "
            "into an inspection"
        )
    names: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for patient in found.listed_patients:
        names[patient.split or "train"].append(patient.name)
    return (json.dumps(names, indent=1, ensure_ascii=False) + "\n").encode()


def _print_sizes(found: Inspection) -> None:
    table(
        ("rows x columns", "slices", "volumes"),
        [
            (f"{size.rows} x {size.columns}", str(size.slices), f"{size.volumes:,}")
            for size in found.sizes
        ],
        numbers=("slices", "volumes"),
    )
    if found.spacings:
        table(
            ("mm between", "smallest", "median", "largest"),
            [
                (range.axis, number(range.low), number(range.median), number(range.high))
                for range in found.spacings
            ],
            numbers=("smallest", "median", "largest"),
        )
    else:
        say("spacing: the files say nothing")


def _print_intensities(found: Inspection) -> None:
    units = f" ({found.units})" if found.units else ""
    for channel in found.intensities:
        below = dict(zip(channel.percents, channel.percentiles, strict=True))
        say(
            f"intensities{units}, channel {channel.channel}: {number(channel.low)} to "
            f"{number(channel.high)}, half of them within {number(below[25])} to "
            f"{number(below[75])}, 99 % within {number(below[0.5])} to {number(below[99.5])}"
        )


def _print_classes(found: Inspection) -> None:
    if not found.classes:
        say("masks: none")
        return
    pixels = max(1, sum(label.pixels for label in found.classes))
    table(
        ("label", "name", "share of pixels", "slices", "volumes"),
        [
            (
                str(label.label),
                label.name,
                f"{100 * label.pixels / pixels:.2f} %",
                f"{label.slices:,}",
                f"{label.volumes:,}",
            )
            for label in found.classes
        ],
        numbers=("label", "share of pixels", "slices", "volumes"),
    )
    say(f"slices without any label: {found.empty_slices:,}")


def _print_duplicates(found: Inspection) -> None:
    across = sum(pair.first_split != pair.second_split for pair in found.duplicates)
    say(
        f"suspected duplicates across patients: {len(found.duplicates):,}, "
        f"{across:,} of them across the split"
    )
    for pair in found.duplicates[:_SHOWN]:
        turned = ", turned" if pair.turned else ""
        say(f"  {pair.first} and {pair.second} (correlation {pair.correlation:.3f}{turned})")
    _print_more(len(found.duplicates), "pairs")


def _print_problems(found: Inspection) -> None:
    say(f"files that cannot be used: {found.problem_count:,}")
    for problem in found.problems[:_SHOWN]:
        say(f"  {problem.file}: {problem.reason}")
    _print_more(found.problem_count, "files")


def _print_more(count: int, what: str) -> None:
    if count > _SHOWN:
        say(f"  ... and {count - _SHOWN:,} more {what}; --json has them")
