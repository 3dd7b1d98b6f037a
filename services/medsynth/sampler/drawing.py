"""Drawing: images out of a served generator, in order, several batches under way at a time."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from medsynth.errors import FailedPreconditionError, MedsynthError, UnavailableError
from medsynth.gans.latents import latents
from medsynth.levels import array_type
from medsynth.sampler.blocks import Blocks
from medsynth.sampler.deployment import PATIENCE_SECONDS, Deployment
from medsynth.sampler.triton import Failure, Inference
from medsynth.v1 import types_pb2

FAILURES_IN_A_ROW: Final = 3
"""So often the same batch may fail, with Triton answering in between."""

RESUME_INDEX: Final = "first_index"
"""Name in an error's metadata under which the index to resume from is given."""


class Batch(NamedTuple):
    """Images of consecutive indexes.

    Attributes:
        first_index: Index of the first.
        images: uint8, or uint16 for 16 bits (n, channels, size, size).
        masks: uint8 labels (n, size, size), or None.
    """

    first_index: int
    images: np.ndarray
    masks: np.ndarray | None


class Drawing:
    """The images `first` to `first + count - 1` of a generator and a seed; iterate once.

    Image i depends on the generator's digest, the seed and i alone. At most `in_flight` batches
    are under way or wait to be taken, so a slow taker costs no memory. When Triton goes away the
    drawing waits for it, deploys the generator again and continues.

    Args:
        deployment: Where the generator is served; it is deployed there if need be.
        generator_id: Which generator.
        seed: Seed of the draw, 0 to 2^63 - 1.
        first: Index of the first image; `first + count` at most 2^63.
        count: Images, 0 and more.
        in_flight: Batches under way at the same time.
        patience: Seconds to wait for a Triton that went away after the drawing began.

    Raises:
        NotFoundError, DataError, FailedPreconditionError, UnavailableError: as
            `Deployment.ensure` at the beginning and while iterating. Errors while iterating name
            the index to resume from, also in their metadata under `first_index`.
    """

    def __init__(
        self,
        deployment: Deployment,
        generator_id: str,
        *,
        seed: int,
        first: int,
        count: int,
        in_flight: int,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.generator: types_pb2.Generator = deployment.ensure(generator_id)
        self.blocks = Blocks.of(self.generator)
        self._deployment = deployment
        self._model = generator_id
        self._seed, self._first, self._count = seed, first, count
        self._in_flight = in_flight
        self._patience = patience
        self._pending: deque[tuple[int, Inference]] = deque()
        self._lock = threading.Lock()
        self._cancelled = False

    def cancel(self) -> None:
        """Ends the drawing, from any thread: nothing more is sent, iterating ends at once."""
        with self._lock:
            self._cancelled = True
            for _, inference in list(self._pending):
                inference.cancel()

    def __iter__(self) -> Iterator[Batch]:
        starts = self.blocks.covering(self._first, self._count)
        failures = 0
        try:
            while self._fill(starts):
                start, inference = self._pending[0]
                outputs = inference.wait()
                if self._cancelled:
                    return
                if isinstance(outputs, Failure):
                    failures += 1
                    self._recover(outputs, failures, start)
                    starts = itertools.chain(self._take_back(), starts)
                    continue
                failures = 0
                self._pending.popleft()
                yield self._batch(start, outputs)
        finally:
            self.cancel()

    def _fill(self, starts: Iterator[int]) -> bool:
        while len(self._pending) < self._in_flight and (start := next(starts, None)) is not None:
            digest, dim = self.generator.weights_digest, self.generator.gan.latent_dim
            latent = latents(digest, self._seed, start, self.blocks.size, dim)
            with self._lock:
                if self._cancelled:
                    return False
                inference = self._deployment.triton.infer(self._model, {"latent": latent})
                self._pending.append((start, inference))
        return bool(self._pending)

    def _take_back(self) -> list[int]:
        starts = [start for start, _ in self._pending]
        for _, inference in self._pending:
            inference.cancel()
        self._pending.clear()
        return starts

    def _recover(self, failure: Failure, failures: int, start: int) -> None:
        try:
            if failures > FAILURES_IN_A_ROW:
                raise UnavailableError(f"Triton fails: {failure.message}")
            self._deployment.ensure(
                self._model, patience=self._patience, wanted=lambda: not self._cancelled
            )
        except MedsynthError as error:
            raise self._resumable(error, max(start, self._first)) from error

    def _resumable(self, error: MedsynthError, index: int) -> MedsynthError:
        return type(error)(
            f"{error.message}. Images before {index} were drawn: continue with first_index {index}",
            reason=error.reason,
            violations=error.violations,
            metadata={**error.metadata, RESUME_INDEX: str(index)},
        )

    def _batch(self, start: int, outputs: dict[str, np.ndarray]) -> Batch:
        shape = (self.blocks.size, self.generator.channels, *[self.generator.size] * 2)
        part = self.blocks.part(start, self._first, self._count)
        images, masks = outputs["image"], outputs.get("mask")
        kind = array_type(self.generator.bits)
        wrong = (images.dtype, images.shape) != (kind, shape)
        wrong |= (masks is not None) != bool(self.generator.classes)
        if wrong or (masks is not None and masks.shape != (shape[0], *shape[2:])):
            raise FailedPreconditionError(
                f"{self.generator.name} does not make what its manifest says: "
                f"{images.dtype} {images.shape}"
            )
        return Batch(start + part.start, images[part], None if masks is None else masks[part])
