from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsynth import errors
from medsynth.client import Client
from medsynth.client.connection import Retry
from medsynth.v1 import sampler_pb2, sampler_pb2_grpc, types_pb2
from tests.client.servers import refuse, serving

QUICK = Retry(attempts=3, first_pause=0.001, longest_pause=0.001, patience=5.0)
BATCH = 7


class Sampler(sampler_pb2_grpc.SamplerServiceServicer):
    """Image i is filled with i modulo 256; streams break off after the given numbers of batches."""

    def __init__(self, breaks: list[int] | None = None, masks: bool = True) -> None:
        self.breaks = list(breaks or [])
        self.masks = masks
        self.requests: list[sampler_pb2.SampleRequest] = []

    def Sample(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        self.requests.append(request)
        left = self.breaks.pop(0) if self.breaks else None
        end = request.first_index + request.count
        for first in range(request.first_index, end, BATCH):
            if left == 0:
                context.abort(grpc.StatusCode.UNAVAILABLE, "the connection breaks")
            left = None if left is None else left - 1
            indexes = np.arange(first, min(first + BATCH, end), dtype=np.uint64)
            images = np.broadcast_to(
                indexes.astype(np.uint8)[:, None, None, None], (len(indexes), 2, 3, 4)
            )
            yield sampler_pb2.SampleBatch(
                first_index=first,
                count=len(indexes),
                channels=2,
                height=3,
                width=4,
                bits=8,
                images=images.tobytes(),
                masks=images[:, 0].tobytes() if self.masks else b"",
            )

    def GetGenerator(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        if request.name != "generators/heart":
            refuse(context, errors.NotFoundError(f"{request.name} does not exist"))
        return types_pb2.Generator(name=request.name)

    def CreateSyntheticDatasetJob(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return sampler_pb2.SyntheticDatasetJob(
            name=f"syntheticDatasetJobs/{request.request_id}", specification=request.specification
        )


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 60),
    first=st.integers(0, 10**12),
    breaks=st.lists(st.integers(0, 4), max_size=2),
)
def test_each_image_comes_once_and_in_order_whatever_breaks(
    count: int, first: int, breaks: list[int]
) -> None:
    servicer = Sampler(breaks)
    with serving(sampler=servicer) as address, Client(sampler=address, retry=QUICK) as client:
        batches = list(client.sample("heart", count, seed=3, first=first))
    images = np.concatenate([batch.images for batch in batches])
    masks = np.concatenate([batch.masks for batch in batches if batch.masks is not None])
    expected = np.arange(first, first + count, dtype=np.uint64).astype(np.uint8)
    assert images.shape == (count, 2, 3, 4)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images[:, 0, 0, 0], expected)
    np.testing.assert_array_equal(masks[:, 2, 3], expected)
    assert batches[0].first_index == first
    for request in servicer.requests:
        assert (request.generator, request.seed) == ("generators/heart", 3)
        assert request.first_index + request.count == first + count


def test_levels_of_16_bits() -> None:
    class Fine(Sampler):
        def Sample(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
            levels = np.arange(24, dtype="<u2") * 2000
            yield sampler_pb2.SampleBatch(
                count=1, channels=2, height=3, width=4, bits=16, images=levels.tobytes()
            )

    with serving(sampler=Fine()) as address, Client(sampler=address) as client:
        (batch,) = client.sample("heart", 1)
    assert batch.images.dtype == np.uint16
    assert batch.images.ravel().tolist() == list(range(0, 48_000, 2000))


def test_a_generator_without_masks() -> None:
    with serving(sampler=Sampler(masks=False)) as address, Client(sampler=address) as client:
        assert [batch.masks for batch in client.sample("heart", 3)] == [None]


def test_a_sampler_that_stops_short_is_an_error() -> None:
    class Short(Sampler):
        def Sample(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
            yield next(super().Sample(request, context))

    with (
        serving(sampler=Short()) as address,
        Client(sampler=address, retry=QUICK) as client,
        pytest.raises(errors.UnavailableError, match="image 7"),
    ):
        list(client.sample("heart", 20))


def test_a_sampler_that_stays_away_is_given_up() -> None:
    with (
        serving(sampler=Sampler([0] * 20)) as address,
        Client(sampler=address, retry=QUICK) as client,
        pytest.raises(errors.UnavailableError, match=address),
    ):
        list(client.sample("heart", 20))


def test_a_refusal_is_not_tried_again() -> None:
    class Refusing(Sampler):
        def Sample(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
            self.requests.append(request)
            refuse(context, errors.NotFoundError("generators/heart does not exist"))
            yield  # Makes it a stream.

    servicer = Refusing()
    with (
        serving(sampler=servicer) as address,
        Client(sampler=address, retry=QUICK) as client,
        pytest.raises(errors.NotFoundError),
    ):
        list(client.sample("heart", 20))
    assert len(servicer.requests) == 1


@pytest.mark.parametrize("name", ["heart", "generators/heart"])
def test_a_generator_by_name_and_by_id(name: str) -> None:
    with serving(sampler=Sampler()) as address, Client(sampler=address) as client:
        assert client.generator(name).name == "generators/heart"


@pytest.mark.parametrize("name", ["", "datasets/heart", "generators/", "generators/a/b"])
def test_a_name_of_another_kind_never_leaves_the_client(name: str) -> None:
    with (
        Client(sampler="127.0.0.1:1") as client,
        pytest.raises(errors.InvalidArgumentError, match="generators/"),
    ):
        client.generator(name)


def test_a_synthetic_dataset_leaves_to_the_server_what_was_not_given() -> None:
    with serving(sampler=Sampler()) as address, Client(sampler=address) as client:
        job = client.create_synthetic_dataset("heart", count=5, request_id="mine")
    assert job.name == "syntheticDatasetJobs/mine"
    assert job.specification == sampler_pb2.SyntheticDatasetSpecification(
        generator="generators/heart", count=5
    )
