from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsynth.errors import DataError, FailedPreconditionError
from medsynth.sampler.blocks import LARGEST_BLOCK, LARGEST_IMAGE, LARGEST_MESSAGE, Blocks
from medsynth.v1 import sampler_pb2, types_pb2

END = 2**63


def generator(size: int, channels: int, classes: int, bits: int = 8) -> types_pb2.Generator:
    return types_pb2.Generator(
        name="generators/g",
        size=size,
        channels=channels,
        bits=bits,
        classes=[str(i) for i in range(classes)],
        gan=types_pb2.GanSpecification(latent_dim=8),
    )


@given(
    st.sampled_from([1, 2, 4, 8, 16, 32, 64]),
    st.integers(0, END - 500),
    st.integers(0, 500),
)
def test_blocks_cover_every_index_once_and_in_order(size: int, first: int, count: int) -> None:
    blocks = Blocks(size)
    covered = []
    for start in blocks.covering(first, count):
        assert start % size == 0
        assert 0 <= start <= END - size
        part = blocks.part(start, first, count)
        covered += range(start, start + size)[part]
    assert covered == list(range(first, first + count))


@pytest.mark.parametrize("size", [32, 64, 128, 256])
@pytest.mark.parametrize("channels", [1, 3, 8])
@pytest.mark.parametrize("classes", [0, 4])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_block_fits_a_message(size: int, channels: int, classes: int, bits: int) -> None:
    block = Blocks.of(generator(size, channels, classes, bits)).size
    assert 1 <= block <= LARGEST_BLOCK
    assert block & (block - 1) == 0
    pixels = block * size * size
    message = sampler_pb2.SampleBatch(
        first_index=END - 1,
        count=block,
        channels=channels,
        height=size,
        width=size,
        bits=bits,
        images=bytes(pixels * channels * bits // 8),
        masks=bytes(pixels if classes else 0),
    )
    assert message.ByteSize() < (LARGEST_MESSAGE if block > 1 else LARGEST_IMAGE)


def test_images_beyond_a_message_are_refused() -> None:
    with pytest.raises(FailedPreconditionError, match="can be sent"):
        Blocks.of(generator(512, 8, 2))


def test_a_manifest_without_shapes_is_refused() -> None:
    with pytest.raises(DataError, match="generators/g lacks"):
        Blocks.of(generator(0, 1, 2))
