"""Sources to be changed: what a sample is, which there are, and how they are gathered."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz_readers.cases import Tree, read_tree

SOURCES = ("inspect", "volumes", "prepare")
"""Ways to read a data source."""

SAMPLES = ("samples",)
"""Ways to read a folder of drawn samples."""


@dataclass(frozen=True)
class Sample:
    """A source that can be read as it is.

    Attributes:
        format: Whose reader it is for.
        name: Of its own, for people.
        tree: Its files.
        targets: Paths of the files whose bytes are changed.
        ways: In which it can be read.
        archive: Name of the archive that its files are packed into; empty: none.
        real: Whether it comes from a scanner or a published set.
    """

    format: str
    name: str
    tree: Tree
    targets: Sequence[str]
    ways: Sequence[str] = SOURCES
    archive: str = ""
    real: bool = False


@dataclass(frozen=True)
class Recipe:
    """How a sample is written.

    Attributes:
        format: As in `Sample`.
        name: As in `Sample`.
        write: Writes its files into an empty folder.
        endings: Of the files whose bytes are changed.
        ways: As in `Sample`.
        archive: As in `Sample`.
    """

    format: str
    name: str
    write: Callable[[Path], object]
    endings: tuple[str, ...]
    ways: Sequence[str] = SOURCES
    archive: str = ""

    def sample(self) -> Sample:
        """Writes it, and takes it into memory."""
        with tempfile.TemporaryDirectory(prefix="medsynth-fuzz-") as name:
            self.write(Path(name))
            tree = read_tree(Path(name))
        targets = [path for path in tree if path.endswith(self.endings)]
        assert targets, f"{self.format}, {self.name}: nothing to change"
        return Sample(self.format, self.name, tree, targets, self.ways, self.archive)


def gather(data: Path | None) -> list[Sample]:
    """Every sample: those that are written, pydicom's own files, and real sets.

    Args:
        data: Folder of real sets, such as `../shared/data`; None: none.
    """
    from tests.fuzz_readers.real_samples import dicom_samples, set_samples
    from tests.fuzz_readers.written_images import IMAGES
    from tests.fuzz_readers.written_scans import SCANS

    return [*_written((*IMAGES, *SCANS)), *dicom_samples(), *(set_samples(data) if data else ())]


def _written(recipes: Sequence[Recipe]) -> Iterator[Sample]:
    for recipe in recipes:
        yield recipe.sample()
