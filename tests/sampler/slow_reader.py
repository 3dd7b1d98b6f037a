"""One reader is slow, others are not: what does the sampler hold meanwhile?

python -m tests.sampler.slow_reader [--messages N] [--between N]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import grpc

from medsynth.sampler.deployment import Deployment
from medsynth.sampler.repository import ModelRepository
from medsynth.sampler.triton import Triton
from medsynth.storage import Storage
from medsynth.v1 import sampler_pb2, sampler_pb2_grpc
from tests.redis_server import RedisServer
from tests.sampler import graphs
from tests.sampler.process import SamplerProcess, running_sampler
from tests.triton_server import TritonServer

GENERATOR = "slow-reader"


@dataclass(frozen=True)
class Point:
    """One moment.

    Attributes:
        seconds: Since the slow stream began.
        read_mib: What the slow reader has taken.
        others_mib: What passed through the sampler for a fast reader meanwhile.
        resident_mib: What the sampler holds.
    """

    seconds: float
    read_mib: float
    others_mib: float
    resident_mib: float


def slow_reading(
    deployment: Deployment, sampler: SamplerProcess, *, messages: int, between: int
) -> Iterator[Point]:
    """A reader that takes one message, and the next after another reader has taken many.

    Args:
        deployment: Where the generator is published.
        sampler: What is read from and watched.
        messages: That the slow reader takes.
        between: Messages that the fast reader takes between two of the slow one.
    """
    if deployment.storage.find("generators", GENERATOR) is None:
        graphs.publish(deployment.storage, GENERATOR, size=128)
    request = sampler_pb2.SampleRequest(generator=f"generators/{GENERATOR}", count=10**9)
    began, read, others = time.monotonic(), 0, 0
    with (
        grpc.insecure_channel(sampler.address) as one,
        grpc.insecure_channel(
            sampler.address, options=[("grpc.use_local_subchannel_pool", 1)]
        ) as other,
    ):
        slow = sampler_pb2_grpc.SamplerServiceStub(one).Sample(request, wait_for_ready=True)
        fast = sampler_pb2_grpc.SamplerServiceStub(other).Sample(request, wait_for_ready=True)
        for _ in range(messages):
            read += next(slow).ByteSize()
            others += sum(next(fast).ByteSize() for _ in range(between))
            elapsed = time.monotonic() - began
            yield Point(elapsed, read / 2**20, others / 2**20, sampler.resident_mib)
        slow.cancel()
        fast.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20, help="that the slow reader takes")
    parser.add_argument(
        "--between", type=int, default=100, help="that a fast reader takes between two of them"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("redis", "triton", "home"):
            (folder / part).mkdir()
        redis, triton = RedisServer(folder / "redis"), TritonServer(folder / "triton")
        redis.start()
        triton.start()
        repository = ModelRepository(triton.models, "python")
        deployment = Deployment(
            Storage(str(folder / "storage")), repository, Triton(triton.url), redis.client
        )
        try:
            with (
                closing(deployment),
                running_sampler(deployment, triton, redis.url, folder / "home") as sampler,
            ):
                print("seconds  slow reader MiB  fast reader MiB  sampler MiB")
                for point in slow_reading(
                    deployment, sampler, messages=options.messages, between=options.between
                ):
                    print(
                        f"{point.seconds:7.1f}  {point.read_mib:15.1f}  {point.others_mib:15.1f}"
                        f"  {point.resident_mib:11.1f}",
                        flush=True,
                    )
        finally:
            triton.stop()
            redis.stop()


if __name__ == "__main__":
    main()
