"""Peak memory for preparing many images over that for few, each a file and a patient of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from medsynth.data.preparation import Preparation
from medsynth.data.preparing import prepare
from medsynth.data.source import Source
from medsynth.storage import Storage
from tests.bench.measure import Bar, Bench, Context, Row
from tests.processes import peak

_DIFFERENT: Final = 100
"""Images; the others are links to them."""


def measure(context: Context) -> Sequence[Row]:
    """Each in a process of its own that has loaded nothing else."""
    counts = context.effort.pick((1000, 20_000), (1000, 5000), (10, 20), (1000, 100_000))
    peaks = []
    for count in counts:
        context.say(f"preparing {count:,} images")
        peaks.append(_peak_of_child(_folder(context.folder / str(count), count)))
    (small, large), (before, after) = counts, peaks
    return [
        Row(
            f"peak memory of preparing {large:,} images over {small:,}",
            after,
            "MiB",
            f"{small:,} images",
            before,
            after / before,
            Bar("at most", 2.0),
        )
    ]


def _folder(root: Path, count: int) -> Path:
    """Single images of 32 px without masks."""
    images = root / "images"
    images.mkdir(parents=True)
    first: list[Path] = []
    for number in range(count):
        file = images / f"image{number:06d}.png"
        if number < _DIFFERENT:
            values = np.random.Generator(np.random.Philox(number)).integers(0, 256, (32, 32))
            Image.fromarray(values.astype(np.uint8)).save(file)
            first.append(file)
        else:
            os.link(first[number % _DIFFERENT], file)
    return root


def _peak_of_child(folder: Path) -> float:
    """MiB that a process needed to prepare the images of a folder."""
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(folder)], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def _prepare(folder: Path) -> None:
    source = Source(str(folder / "images"), preparation=Preparation(size=32))
    storage = Storage(str(folder / "storage"))
    prepare(source, storage, "a1", progress=lambda done, total: None, scratch=folder)


BENCH = Bench("prepare-memory", "peak memory for preparing many images over few", measure)

if __name__ == "__main__":
    _prepare(Path(sys.argv[1]))
    print(peak(os.getpid()))
