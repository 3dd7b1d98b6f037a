"""`Get...Job` and `List...Jobs` among 110,000 jobs over the same among ten."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import redis

from medsynth.local.probe import answers
from medsynth.platform.jobs.record import JobRecord
from medsynth.platform.jobs.scripts import PREFIX, job_key
from medsynth.platform.jobs.store import JobStore
from medsynth.settings import Settings
from medsynth.v1 import trainer_pb2, trainer_pb2_grpc, types_pb2
from tests.bench.measure import P99, Bar, Bench, Context, Row, interleaved, quantile
from tests.redis_server import RedisServer, free_port
from tests.support import eventually

KIND = "training"
_PAGE = 10
_CHUNK = 1000


@dataclass(frozen=True)
class Office:
    """A trainer over a Redis with some jobs.

    Attributes:
        stub: Calls it.
        names: Jobs to ask for, from the first to the last made.
    """

    stub: Any
    names: Sequence[str]


def measure(context: Context) -> Sequence[Row]:
    """Two services, each over a Redis of its own, asked in turn; pages of ten."""
    queued, ended = context.effort.pick((10_000, 100_000), (10_000, 100_000), (20, 30))
    many, few = f"{queued + ended:,} jobs", "10 jobs"
    with ExitStack() as stack:
        context.say(f"making {queued:,} queued and {ended:,} finished jobs")
        offices = {
            many: stack.enter_context(_office(context.folder / "many", queued, ended)),
            few: stack.enter_context(_office(context.folder / "few", 5, 5)),
        }
        return [
            _compared(context, offices, many, few, method, call)
            for method, call in (("GetTrainingJob", _get), ("ListTrainingJobs", _list))
        ]


def _compared(
    context: Context,
    offices: dict[str, Office],
    many: str,
    few: str,
    method: str,
    call: Callable[[Office, int], object],
) -> Row:
    calls = context.effort.pick(3000, 500, 3)
    times = interleaved(
        {
            label: partial(_milliseconds, call, office, iter(range(calls + 1)))
            for label, office in offices.items()
        },
        calls,
    )
    ours, other = (quantile(times[label], P99) for label in (many, few))
    context.say(f"{method}: {ours:.2f} ms among {many}, {other:.2f} ms among {few}")
    what = f"{method} among {many}, p99"
    return Row(what, ours, "ms", few, other, ours / other, Bar("at most", 1.25))


def _get(office: Office, number: int) -> object:
    name = office.names[number * 7919 % len(office.names)]
    return office.stub.GetTrainingJob(trainer_pb2.GetTrainingJobRequest(name=name))


def _list(office: Office, number: int) -> object:
    request = trainer_pb2.ListTrainingJobsRequest(page_size=_PAGE)
    response = office.stub.ListTrainingJobs(request)
    assert len(response.jobs) == _PAGE
    return response


def _milliseconds(
    call: Callable[[Office, int], object], office: Office, numbers: Iterator[int]
) -> float:
    number = next(numbers)
    began = time.perf_counter()
    call(office, number)
    return (time.perf_counter() - began) * 1e3


@contextmanager
def _office(home: Path, queued: int, ended: int) -> Iterator[Office]:
    home.mkdir()
    server = RedisServer(home)
    server.start()
    address = f"127.0.0.1:{free_port()}"
    environment = {
        **{name: value for name, value in os.environ.items() if name[:9] != "MEDSYNTH_"},
        "MEDSYNTH_HOME": str(home),
        "MEDSYNTH_REDIS_URL": server.url,
        "MEDSYNTH_LISTEN_ADDRESS": address,
    }
    with (home / "trainer.log").open("wb") as log:
        service = subprocess.Popen(
            [sys.executable, "-m", "medsynth.trainer.service"],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        settings = Settings(home=home, redis_url=server.url)
        names = fill(JobStore(server.url, settings, announce=_silent), queued, ended)
        eventually(lambda: answers(f"grpc://{address}"), timeout=120)
        with grpc.insecure_channel(address) as channel:
            yield Office(trainer_pb2_grpc.TrainerServiceStub(channel), names)
    finally:
        service.terminate()
        service.wait()
        server.stop()


def _silent(queue: str, name: str) -> None:
    """No worker is there to hear."""


def fill(store: JobStore, queued: int, ended: int) -> list[str]:
    """Makes jobs: one that waits and one that has succeeded by themselves, the rest as copies.

    Returns:
        Their names.
    """
    gan = types_pb2.GanSpecification(preset="hinge")
    source = types_pb2.DataSource(uri="phantom://cardiac")
    specification = trainer_pb2.TrainingSpecification(gan=gan, data=source, images=1000)
    done = store.create(KIND, specification)
    claim = store.claim(done.name, "bench")
    assert claim is not None
    store.succeed(claim, {"generator": "generators/none"})
    waiting = store.create(KIND, specification)
    return [
        *_copies(store.redis, store.get(done.name), "SUCCEEDED", ended, "e"),
        *_copies(store.redis, waiting, "QUEUED", queued, "f"),
    ]


def _copies(
    client: redis.Redis, original: JobRecord, state: str, count: int, letter: str
) -> Iterator[str]:
    """The original and copies of its record, events and places in the indexes."""
    yield original.name
    parts: dict[str, Any] = {
        part: client.dump(job_key(original.name, part)) for part in ("", "events")
    }
    announced = f"{PREFIX}unclaimed:{original.queue}"
    due = client.zscore(announced, original.name)
    for first in range(1, count, _CHUNK):
        pipeline = client.pipeline(transaction=False)
        made = range(first, min(first + _CHUNK, count))
        last: Any = client.incrby(f"{PREFIX}sequence", len(made))
        for number in made:
            name = f"{original.kind.collection}/{letter}{number:015x}"
            sequence = last - made[-1] + number
            for part, content in parts.items():
                pipeline.restore(job_key(name, part), 0, content)
            pipeline.hset(job_key(name), "sequence", sequence)
            pipeline.zadd(f"{PREFIX}index:{KIND}:{state}", {name: sequence})
            if due is not None:
                pipeline.zadd(announced, {name: due})
            yield name
        pipeline.execute()


BENCH = Bench("list", "Get and List among 110,000 jobs over the same among ten", measure)
