from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2

from medsynth.errors import FailedPreconditionError, NotFoundError, UnavailableError
from medsynth.gans import specification
from medsynth.platform.artifacts import GENERATORS, generator_message
from medsynth.sampler.deployment import Deployment
from medsynth.sampler.drawing import Batch, Drawing
from tests.sampler import graphs
from tests.triton_server import TritonServer

END = 2**63
WHOLE = 300


def drawing(deployment: Deployment, generator: str = "small", **changes: int) -> Drawing:
    numbers = {"seed": 1, "first": 0, "count": WHOLE, "in_flight": 3, **changes}
    return Drawing(deployment, generator, **numbers)


def images(batches: Iterable[Batch]) -> np.ndarray:
    return np.concatenate([batch.images for batch in batches])


def executed(deployment: Deployment, model: str) -> int:
    """Blocks that Triton has computed."""
    request = service_pb2.ModelStatisticsRequest(name=model)
    statistics = deployment.triton._stub.ModelStatistics(request)
    return sum(int(model.execution_count) for model in statistics.model_stats)


@pytest.mark.parametrize(("generator", "masked"), [("small", True), ("colour", False)])
@pytest.mark.parametrize(("first", "count"), [(0, 130), (37, 91), (END - 100, 100), (2**40, 1)])
def test_images_are_those_of_the_graph(
    shared: Deployment, generator: str, masked: bool, first: int, count: int
) -> None:
    batches = list(drawing(shared, generator, seed=END - 1, first=first, count=count))
    artifact = shared.find(generator)
    wanted = graphs.expected(artifact, generator_message(artifact), END - 1, first, count)
    np.testing.assert_array_equal(images(batches), wanted["image"])
    assert len(np.unique(wanted["image"])) > 100
    if masked:
        masks = np.concatenate([batch.masks for batch in batches if batch.masks is not None])
        np.testing.assert_array_equal(masks, wanted["mask"])
        assert set(np.unique(masks)) == {0, 1, 2}
    else:
        assert all(batch.masks is None for batch in batches)
    nexts = [batch.first_index + len(batch.images) for batch in batches]
    assert [batch.first_index for batch in batches] == [first, *nexts[:-1]]
    assert nexts[-1] == first + count


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_images_do_not_depend_on_how_they_are_asked_for(
    shared: Deployment, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, 10_000), label="first")
    cuts = sorted(data.draw(st.lists(st.integers(1, WHOLE - 1), max_size=4), label="cuts"))
    whole = images(drawing(shared, first=first))
    parts = []
    for begin, end in zip([0, *cuts], [*cuts, WHOLE], strict=True):
        in_flight = data.draw(st.integers(1, 6), label="in flight")
        if end > begin:
            changes = {"first": first + begin, "count": end - begin, "in_flight": in_flight}
            parts.append(images(drawing(shared, **changes)))
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_nothing_is_left_to_draw(shared: Deployment) -> None:
    assert list(drawing(shared, first=37, count=0)) == []


def test_seeds_and_generators_give_other_images(shared: Deployment) -> None:
    one = images(drawing(shared, count=64))
    assert not np.array_equal(one, images(drawing(shared, count=64, seed=2)))
    assert len({image.tobytes() for image in one}) == 64


def test_no_more_is_computed_than_is_taken_and_under_way(deployment: Deployment) -> None:
    graphs.publish(deployment.storage, "slow")
    slow = drawing(deployment, "slow", count=10**9, in_flight=3)
    batches = iter(slow)
    for taken in range(1, 6):
        next(batches)
        for _, inference in slow._pending:
            assert isinstance(inference.wait(), dict)
        assert executed(deployment, "slow") <= taken + 3
    batches.close()


def test_cancelling_ends_a_drawing_that_waits(shared: Deployment) -> None:
    endless = drawing(shared, count=10**9)
    taken: list[int] = []
    begun = threading.Event()

    def take() -> None:
        for batch in endless:
            taken.append(batch.first_index)
            begun.set()

    thread = threading.Thread(target=take)
    thread.start()
    assert begun.wait(30)
    endless.cancel()
    thread.join(30)
    assert not thread.is_alive()
    assert len(taken) < 10**9 // 64


def test_a_generator_that_does_not_exist(shared: Deployment) -> None:
    with pytest.raises(NotFoundError, match="generators/nobody does not exist"):
        drawing(shared, "nobody")


def test_a_model_that_was_unloaded_comes_back(shared: Deployment) -> None:
    whole = images(drawing(shared, count=2000))
    batches = iter(drawing(shared, count=2000))
    taken = [next(batches)]
    shared.triton.unload("small")
    np.testing.assert_array_equal(images([*taken, *batches]), whole)


def test_a_drawing_outlives_triton(shared: Deployment, triton_server: TritonServer) -> None:
    whole = images(drawing(shared, count=2000))
    batches = iter(drawing(shared, count=2000))
    taken = [next(batches), next(batches)]
    triton_server.kill()
    restart = threading.Thread(target=triton_server.start)
    restart.start()
    np.testing.assert_array_equal(images([*taken, *batches]), whole)
    restart.join()


def test_a_drawing_that_ends_says_where_to_resume(
    shared: Deployment, triton_server: TritonServer
) -> None:
    whole = images(drawing(shared, first=10, count=1000))
    batches = iter(
        Drawing(shared, "small", seed=1, first=10, count=1000, in_flight=2, patience=0.2)
    )
    taken = [next(batches)]
    triton_server.kill()
    try:
        with pytest.raises(UnavailableError, match="continue with first_index") as raised:
            taken.extend(batches)
    finally:
        triton_server.start()
    resume = int(raised.value.metadata["first_index"])
    assert resume == taken[-1].first_index + len(taken[-1].images)
    rest = drawing(shared, first=resume, count=1010 - resume)
    np.testing.assert_array_equal(images([*taken, *rest]), whole)


def test_a_generator_deleted_while_it_is_drawn(deployment: Deployment) -> None:
    graphs.publish(deployment.storage, "gone")
    batches = iter(drawing(deployment, "gone", count=2000, in_flight=1))
    next(batches)
    deployment.storage.delete(GENERATORS, "gone")
    deployment.withdraw("gone")
    with pytest.raises(NotFoundError, match="generators/gone does not exist"):
        list(batches)


def test_a_graph_that_does_not_make_what_it_says(deployment: Deployment) -> None:
    graphs.publish(deployment.storage, "liar", model=graphs.graph(1, 3, 16))
    with pytest.raises(FailedPreconditionError, match="generators/liar does not make"):
        list(drawing(deployment, "liar"))


@pytest.mark.slow
def test_an_exported_gan_is_served(deployment: Deployment, tmp_path: Path) -> None:
    from medsynth.gans.export import export_onnx
    from medsynth.gans.networks import build

    gan = specification("hinge", {"generator_filters": 8, "latent_dim": graphs.DIM})
    network, _ = build(gan, 32, channels=1, classes=3, seed=0)
    export_onnx(network.eval(), tmp_path / "model.onnx", channels=1, classes=3)
    model = (tmp_path / "model.onnx").read_bytes()
    artifact = graphs.publish(deployment.storage, "hinge", model=model)
    batches = list(drawing(deployment, "hinge", first=50, count=100))
    wanted = graphs.expected(artifact, generator_message(artifact), 1, 50, 100)
    difference = images(batches).astype(int) - wanted["image"]
    assert np.abs(difference).max() <= 1
    assert np.mean(difference != 0) < 0.01
