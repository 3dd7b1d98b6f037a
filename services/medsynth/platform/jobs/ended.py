"""Finding the jobs that ended long ago, without reading all that there are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import redis

from medsynth.platform.jobs.connection import domain_errors
from medsynth.platform.jobs.scripts import PREFIX, job_key

_BATCH: Final = 500


def ended_before(
    client: redis.Redis, kind: str, state: str, time: datetime
) -> Iterator[tuple[str, datetime]]:
    """Names and ends of the jobs of a kind that reached a state before a time.

    The index is by order of creation, and no job ends before it is made: reading stops at the
    first that was made after the time.
    """
    index, after = f"{PREFIX}index:{kind}:{state}", "-inf"
    while True:
        with domain_errors():
            rows: Any = client.zrangebyscore(
                index, after, "+inf", start=0, num=_BATCH, withscores=True
            )
            pipeline = client.pipeline(transaction=False)
            for name, _ in rows:
                pipeline.hmget(job_key(name.decode()), "created", "ended")
            times = pipeline.execute()
        for (name, _), (created, ended) in zip(rows, times, strict=True):
            if created is not None and _time(created) >= time:
                return
            if ended is not None and _time(ended) < time:
                yield name.decode(), _time(ended)
        if len(rows) < _BATCH:
            return
        after = f"({rows[-1][1]:.0f}"


def _time(microseconds: bytes) -> datetime:
    return datetime.fromtimestamp(int(microseconds) / 1e6, UTC)
