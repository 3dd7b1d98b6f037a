"""Draws cases: a sample, what is changed in it, and how it is read."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Sequence
from random import Random
from typing import Any, Final

from medsynth.data import readers
from tests.fuzz_readers.cases import Case, Tree
from tests.fuzz_readers.mutations import mutate
from tests.fuzz_readers.samples import Sample
from tests.fuzz_readers.shapes import rename, reshape

_REAL: Final = 0.4
"""Share of the cases of a format that change a real file, where there is one."""

_NAMED_READER: Final = 0.05
_READERS: Final = tuple(name for name in readers.NAMES if name != "phantom")

_PREPARATIONS: Final[tuple[dict[str, Any], ...]] = (
    {"size": 32},
    {"size": 32, "bits": 16, "crop": "foreground", "bad_share": 1.0},
    {"size": 32, "orientation": "standard", "slicing": "coronal", "keep_empty_share": 0.3},
    {"size": 32, "spacing": 2.0, "slice_spacing": 3.0, "fit": "stretch"},
    {"size": 32, "intensity": "window", "intensity_low": -100, "intensity_high": 300},
    {"size": 32, "slicing": "sagittal", "spacing": 0.7, "bad_share": 1.0, "split": "official"},
)


def draw(samples: Sequence[Sample], seed: int, number: int) -> tuple[Case, Tree, bool]:
    """One case; formats take turns.

    Args:
        samples: Of every format.
        seed: Of the run.
        number: Of the case within the run.

    Returns:
        The case, what lies in its folder, and whether it was a real file.
    """
    random = Random(f"{seed}/{number}")
    formats = list(dict.fromkeys(sample.format for sample in samples))
    chosen = formats[number % len(formats)]
    sample = _choose(random, [sample for sample in samples if sample.format == chosen])
    tree = _changed(random, sample, [other.tree for other in samples])
    case = Case(
        sample.format,
        sample.name,
        seed,
        number,
        random.choice(sample.ways),
        sample.archive,
        random.choice(_READERS) if random.random() < _NAMED_READER else "",
        random.choice(_PREPARATIONS),
    )
    return case, tree, sample.real


def _choose(random: Random, samples: Sequence[Sample]) -> Sample:
    real = [sample for sample in samples if sample.real]
    written = [sample for sample in samples if not sample.real]
    if not written or (real and random.random() < _REAL):
        return random.choice(real)
    return random.choice(written)


def _changed(random: Random, sample: Sample, strangers: Sequence[Tree]) -> Tree:
    """Mostly bytes, at times names, the shape of the folder, or all of it."""
    tree = dict(sample.tree)
    kind = random.random()
    if kind < 0.8:
        for path in random.sample(
            sample.targets, min(random.choice((1, 1, 1, 2)), len(sample.targets))
        ):
            content = tree[path]
            assert isinstance(content, bytes)
            tree[path] = mutate(random, path if "." in path else "x.dcm", content)
    if not 0.05 < kind < 0.9:
        tree = rename(random, tree)
    if 0.03 < kind < 0.08 or kind > 0.9:
        tree = reshape(random, tree, strangers)
    if sample.archive:
        packed = pack(sample.archive, tree)
        if random.random() < 0.7:
            packed = mutate(random, sample.archive, packed)
        return {sample.archive: packed}
    return tree


def pack(name: str, tree: Tree) -> bytes:
    """An archive with the regular files of a source."""
    out = io.BytesIO()
    contents = {path: content for path, content in tree.items() if isinstance(content, bytes)}
    if name.endswith(".zip"):
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
            for path, content in contents.items():
                info = zipfile.ZipInfo(path.encode(errors="replace").decode())
                zipped.writestr(info, content, zipfile.ZIP_DEFLATED)
        return out.getvalue()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as packed:
        for path, content in contents.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    return out.getvalue()
