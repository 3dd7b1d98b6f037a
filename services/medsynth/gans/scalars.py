"""The training curve as TensorBoard scalars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class ScalarLog:
    """Writes points of a curve, by images.

    A training that resumes removes what earlier attempts wrote and writes the points of its
    checkpoint again, so that the folder shows the one curve that leads to the weights. (The step
    from which TensorBoard drops older events does not do: it reads files in the order of their
    names, and two attempts within a second can be named in the wrong order.)

    Args:
        folder: Of this training alone; made if missing. None: nothing is written.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._writer: SummaryWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def begin(self, points: Iterable[Mapping[str, float]]) -> None:
        """Begins the log with the points so far."""
        if self._folder is None:
            return
        for old in self._folder.glob("events.out.tfevents.*"):
            old.unlink()
        for point in points:
            self.write(point)

    def write(self, point: Mapping[str, float]) -> None:
        """Adds one point."""
        if self._folder is None:
            return
        if self._writer is None:
            self._writer = self._open(self._folder)
        for name, value in point.items():
            if name != "images":
                self._writer.add_scalar(name, value, int(point["images"]))
        self._writer.flush()

    @staticmethod
    def _open(folder: Path) -> SummaryWriter:
        # TensorBoard takes a second to import: not before there is something to write.
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(folder))
