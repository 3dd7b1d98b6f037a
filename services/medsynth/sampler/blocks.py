"""Blocks: the fixed batches in which the images of a draw are computed.

Floating-point results may differ in the last bit with the size of a batch and with the place in
it. So image i is always computed in block i // size at place i % size, whoever asks for however
many images from wherever, and comes out bit-equal on the same backend and hardware.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from medsynth.errors import DataError, FailedPreconditionError
from medsynth.v1 import types_pb2

LARGEST_BLOCK: Final = 64
LARGEST_MESSAGE: Final = 2**20
"""Messages of a stream stay below so many bytes, unless a single image has more."""
LARGEST_IMAGE: Final = 2**21
"""What an image with its mask may have, well below what gRPC receives unless told otherwise."""
_HEADER = 2**10


@dataclass(frozen=True)
class Blocks:
    """How the indexes 0, 1, 2, ... are cut into blocks.

    Attributes:
        size: Images in a block: a power of two, so that the last index of 63 bits ends one.
    """

    size: int

    @classmethod
    def of(cls, generator: types_pb2.Generator) -> Blocks:
        """The blocks of a generator: as large as one message holds, 1 to 64 images.

        Raises:
            DataError: The generator does not say what its images are.
            FailedPreconditionError: An image is too large to be sent.
        """
        known = generator.channels, generator.size, generator.bits, generator.gan.latent_dim
        if min(known) < 1:
            raise DataError(
                f"the manifest of {generator.name} lacks channels, size, bits or latent dimensions"
            )
        planes = generator.channels * generator.bits // 8 + bool(generator.classes)
        image = planes * generator.size**2
        if image > LARGEST_IMAGE:
            raise FailedPreconditionError(
                f"{generator.name} makes images of {generator.channels} x {generator.size} x "
                f"{generator.size} with {generator.bits} bits: {image} bytes with the mask, at "
                f"most {LARGEST_IMAGE} can be sent"
            )
        fitting = max(1, (LARGEST_MESSAGE - _HEADER) // image)
        return cls(min(LARGEST_BLOCK, 2 ** (fitting.bit_length() - 1)))

    def covering(self, first: int, count: int) -> Iterator[int]:
        """First indexes of the blocks that hold `count` images from index `first`; none for 0."""
        begin = first - first % self.size if count else first
        yield from range(begin, first + count, self.size)

    def part(self, start: int, first: int, count: int) -> slice:
        """What of the block from `start` belongs to `count` images from index `first`."""
        return slice(max(first - start, 0), min(first + count - start, self.size))
