"""Scans that are made as they are read, each of a form of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medsynth.data.readers.interface import ReaderOptions, Scan
from medsynth.data.volume import Volume
from medsynth.errors import DataError


@dataclass(frozen=True)
class Form:
    """What a scan is: how many slices with a label, how many without, channels, masks."""

    labelled: int = 1
    empty: int = 1
    channels: int = 1
    masked: bool = True
    broken: bool = False


class Reader:
    """Reads ramps with a label on their first slices."""

    def read(self, root: Path, scan: Scan, options: ReaderOptions) -> Volume:
        form: Form = scan.detail
        if form.broken:
            raise DataError(f"{scan.name}: torn")
        shape = (form.labelled + form.empty, form.channels, 40, 40)
        images = np.linspace(0, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
        masks = np.zeros((shape[0], 40, 40), np.uint8)
        masks[: form.labelled, 10:20, 10:20] = 1
        return Volume(scan.patient, scan.name, "", images, masks if form.masked else None, None)


def scans(forms: Sequence[Form], parts: Sequence[str] = ()) -> list[Scan]:
    """One of each patient."""
    named = [*parts, *[""] * len(forms)]
    return [Scan(f"p{k}", f"scan{k}", (), named[k], form) for k, form in enumerate(forms)]
