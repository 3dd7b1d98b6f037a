"""Samples cut into chunks, encoded on all cores, and recorded shard by shard."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from medsynth.data.writers.interface import SHARD, Format, Samples
from medsynth.data.writers.output import Output
from medsynth.data.writers.shards import Shard, Shards
from medsynth.levels import Labels, Pixels
from medsynth.manifest import FileEntry

_MOST_BYTES: Final = 2**22
"""Images and masks that wait to be encoded, unless a chunk for each thread has more. Where drawing
is faster than encoding so much more memory is held, however many images there are."""


@dataclass(frozen=True)
class _Written:
    """What became of a chunk."""

    entries: list[FileEntry]
    notes: str
    parts: list[bytes]


@dataclass
class _Open:
    """A shard that is not recorded yet."""

    first: int
    count: int = 0
    highest: int = 0
    chunks: list[Future[_Written]] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        return (self.first + self.count) % SHARD == 0


class Encoding:
    """Writes the files of consecutive samples.

    What waits to be encoded is bounded in bytes; whoever adds more waits as well. At most, that
    is one chunk which is filled beside those that wait.

    Args:
        format: Encodes.
        folder: Of the set.
        shards: Where shards are recorded when they are whole.
        threads: That encode.
        origin: What computed the samples.
    """

    def __init__(
        self,
        format: Format,
        folder: Path,
        shards: Shards,
        threads: int,
        origin: Mapping[str, Any],
    ) -> None:
        self._format = format
        self._folder = folder
        self._shards = shards
        self._origin = origin
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, "write")
        self._chunk: Samples | None = None
        self._filled = 0
        self._open: deque[_Open] = deque()
        self._running: deque[tuple[Future[_Written], int]] = deque()
        self._bytes = 0

    def add(self, index: int, images: Pixels, masks: Labels | None) -> None:
        """Takes copies of samples.

        Args:
            index: Of the first one; it follows those before.
            images: (N, channels, rows, columns).
            masks: (N, rows, columns), or None.

        Raises:
            OSError: A file, maybe of samples that were added before, cannot be written.
        """
        done = 0
        while done < len(images):
            room = self._room(index + done)
            part = slice(done, min(done + room, len(images)))
            self._fill(index + done, images[part], None if masks is None else masks[part])
            done = part.stop
            if part.stop - part.start == room:
                self._submit()

    def finish(self) -> None:
        """Writes what waits and records the last shard, full or not.

        Raises:
            OSError: A file cannot be written.
        """
        self._drain(last=True)

    def pause(self) -> None:
        """Records the shards that are whole; a chunk that is not full is not written.

        Raises:
            OSError: A file cannot be written.
        """
        self._drain()

    def stop(self) -> None:
        """Returns when no thread writes any more. What waits is not written."""
        self._pool.shutdown(cancel_futures=True)

    def _drain(self, last: bool = False) -> None:
        try:
            if last:
                self._submit()
            while self._running:
                self._wait()
            self._record(last)
        finally:
            self.stop()

    def _room(self, index: int) -> int:
        """Indexes from here to the end of the chunk."""
        return self._format.CHUNK - index % self._format.CHUNK

    def _fill(self, index: int, images: Pixels, masks: Labels | None) -> None:
        if self._chunk is None:
            length = self._room(index)
            self._chunk = Samples(
                index,
                np.empty((length, *images.shape[1:]), images.dtype),
                None if masks is None else np.empty((length, *masks.shape[1:]), np.uint8),
            )
        part = slice(self._filled, self._filled + len(images))
        self._chunk.images[part] = images
        if self._chunk.masks is not None and masks is not None:
            self._chunk.masks[part] = masks
        self._filled = part.stop

    def _submit(self) -> None:
        """Has the chunk encoded that was filled, as soon as there is room for it."""
        if self._chunk is None:
            return
        samples = self._chunk.head(self._filled)
        self._chunk, self._filled = None, 0
        size = samples.nbytes
        most = max(_MOST_BYTES, self._threads * size)
        while self._running and (self._running[0][0].done() or self._bytes + size > most):
            self._wait()
        self._record()
        if not self._open or self._open[-1].is_full:
            self._open.append(_Open(samples.first))
        shard = self._open[-1]
        shard.count += len(samples.images)
        shard.highest = max(shard.highest, samples.highest)
        future = self._pool.submit(self._encode, samples)
        shard.chunks.append(future)
        self._running.append((future, size))
        self._bytes += size

    def _encode(self, samples: Samples) -> _Written:
        output = Output(self._folder)
        notes = self._format.encode(samples, output)
        return _Written(output.entries, notes, output.parts)

    def _wait(self) -> None:
        future, size = self._running.popleft()
        self._bytes -= size
        future.result()

    def _record(self, last: bool = False) -> None:
        while self._open and (last or self._open[0].is_full):
            shard = self._open[0]
            if not all(chunk.done() for chunk in shard.chunks):
                return
            written = [chunk.result() for chunk in shard.chunks]
            output = Output(self._folder)
            parts = (content for part in written for content in part.parts)
            self._format.gather(shard.first, parts, output)
            entries = [entry for part in written for entry in part.entries]
            self._shards.add(
                Shard(
                    shard.first,
                    shard.count,
                    self._format.form,
                    shard.highest,
                    [*entries, *output.entries],
                    origin=self._origin,
                ),
                "".join(part.notes for part in written),
            )
            self._open.popleft()
