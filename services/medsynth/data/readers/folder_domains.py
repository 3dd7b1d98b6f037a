"""Images of two domains in folders `A` and `B`, such as `trainA` and `trainB`; pairs or not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from medsynth.data.readers.folder_entries import Entry, Layout
from medsynth.data.readers.folder_paths import PART, ImagePath, Key, names_of, official_part
from medsynth.data.readers.interface import Problem

_DOMAIN: Final = re.compile(rf"(?:({PART})[ _-]*)?([AB])", re.IGNORECASE)
_PAIRED: Final = 0.9


def find_domains(files: Sequence[ImagePath]) -> Layout | None:
    """Images of two domains, paired or not; None if that is not the layout."""
    sides: dict[str, dict[Key, list[ImagePath]]] = {"A": {}, "B": {}}
    for file in files:
        side, rest, part = "", [], file.part
        for folder in file.rest:
            match = _DOMAIN.fullmatch(folder)
            if match is None:
                rest.append(folder)
                continue
            side, part = match[2].upper(), (match[1] or part).lower()
        if not side:
            return None
        file = replace(file, rest=tuple(rest), part=part)
        sides[side].setdefault(file.key, []).append(file)
    if not sides["A"] or not sides["B"]:
        return None
    shared = sides["A"].keys() & sides["B"].keys()
    if len(shared) >= _PAIRED * max(len(sides["A"]), len(sides["B"])):
        return _pairs(sides["A"], sides["B"])
    remarks = ["Images of A and B are not paired."]
    if shared:
        remarks = [f"{len(shared)} names are in A and in B, too few to take them for pairs."]
    return Layout(_unpaired(sides), (), remarks)


def _unpaired(sides: Mapping[str, Mapping[Key, Sequence[ImagePath]]]) -> list[Entry]:
    found = [(side, f) for side, keys in sides.items() for files in keys.values() for f in files]
    names = [n for n, _ in names_of([replace(f, rest=(side, *f.rest)) for side, f in found])]
    # The same name in A and in B is most likely the same patient.
    shared = [own for _, own in names_of([file for _, file in found])]
    entries = [
        Entry((file.path,), (), name, own, side, (), official_part(file.part))
        for (side, file), name, own in zip(found, names, shared, strict=True)
    ]
    return sorted(entries, key=lambda entry: entry.images)


def _pairs(
    first: Mapping[Key, Sequence[ImagePath]], second: Mapping[Key, Sequence[ImagePath]]
) -> Layout:
    problems = []
    pairs: list[tuple[ImagePath, ImagePath]] = []
    for key in sorted(first.keys() | second.keys()):
        of_a, of_b = first.get(key, ()), second.get(key, ())
        if len(of_a) == len(of_b) == 1:
            pairs.append((of_a[0], of_b[0]))
            continue
        reason = "there is no image in {} to pair it with"
        reason = reason.format("B" if of_a else "A")
        if of_a and of_b:
            reason = "several images of A or B have this name, so that pairs cannot be told"
        problems += [Problem(file.path, reason) for file in (*of_a, *of_b)]
    names = names_of([file for file, _ in pairs])
    return Layout(
        [
            Entry((a.path, b.path), (), name, own, "", (), official_part(a.part))
            for (a, b), (name, own) in zip(pairs, names, strict=True)
        ],
        problems,
        [
            "Images of A and B with the same name are pairs: the channels of A come first. In "
            "folders of other names they would be classes."
        ],
    )
