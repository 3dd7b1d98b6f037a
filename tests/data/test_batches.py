from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Any

from medsynth.data.batches import Preparing
from medsynth.data.files import open_files
from medsynth.data.preparation import Preparation
from medsynth.data.readers.interface import ReaderOptions, Scan
from medsynth.data.volume import Volume
from tests.data.made_scans import Form, Reader, scans


class Slow(Reader):
    """Does not read the second scan before it is told to."""

    def __init__(self) -> None:
        self.released = Event()

    def read(self, root: Path, scan: Scan, options: ReaderOptions) -> Volume:
        if scan.name == "scan1":
            assert self.released.wait(60)
        return super().read(root, scan, options)


def test_scans_are_counted_while_their_batch_is_prepared(tmp_path: Path) -> None:
    reader: Any = Slow()
    chosen = Preparation(size=32)
    preparing = Preparing(reader, open_files("phantom://"), ReaderOptions(), chosen, tmp_path)
    seen: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 1:
            reader.released.set()

    batches = list(preparing.batches(scans([Form()] * 140), 1, progress))
    assert [batch.scans for batch in batches] == [2] * 70
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == ((0, 140), (140, 140))
    assert (1, 140) in seen
