"""A job's events: decoding them, replaying and following them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

import redis

from medsynth.errors import InvalidArgumentError
from medsynth.platform.jobs.connection import domain_errors
from medsynth.platform.jobs.record import ENDED, state_value
from medsynth.v1 import jobs_pb2

_EVENT_ID: Final = re.compile(r"([0-9]{1,20})-([0-9]{1,20})")
_MAX_PART: Final = 2**64
_SLICE: Final = 1.0
_BATCH: Final = 200

_Entry = tuple[bytes, Mapping[bytes, bytes]]


def check_event_id(event_id: str) -> str:
    """The id, or the id before all others for an empty one.

    Raises:
        InvalidArgumentError: It is no id of an event.
    """
    match = _EVENT_ID.fullmatch(event_id or "0-0")
    if match is None or any(int(part) >= _MAX_PART for part in match.groups()):
        raise InvalidArgumentError.field(
            "after_event_id", event_id, "the `event_id` of an event, or nothing"
        )
    return match.group()


def decode_event(entry_id: str, fields: Mapping[bytes, bytes]) -> jobs_pb2.JobEvent:
    """The event that an entry of the stream holds.

    Args:
        entry_id: Milliseconds since 1970, `-`, and a counter.
        fields: `attempt` and one of `to` (with `from` and `reason`), `progress`, `message`.
    """
    event = jobs_pb2.JobEvent(event_id=entry_id, attempt=int(fields[b"attempt"]))
    event.time.FromMilliseconds(int(entry_id.partition("-")[0]))
    if b"to" in fields:
        # `from` is a keyword of Python.
        change: dict[str, Any] = {
            "from": state_value(fields[b"from"].decode()),
            "to": state_value(fields[b"to"].decode()),
            "reason": fields[b"reason"].decode(),
        }
        event.state_change.MergeFrom(jobs_pb2.StateChange(**change))
    elif b"progress" in fields:
        event.progress.MergeFromString(fields[b"progress"])
    else:
        event.message = fields[b"message"].decode()
    return event


def follow(
    client: redis.Redis,
    key: str,
    after: str,
    ended: Callable[[], bool],
    keep_going: Callable[[], bool],
) -> Iterator[jobs_pb2.JobEvent]:
    """Replays a stream of events and follows it until the job has ended.

    Args:
        client: Where the stream is.
        key: Its key.
        after: Events after this id.
        ended: Whether the job has ended; raises `NotFoundError` once it is gone.
        keep_going: Asked every second; False ends the iteration.

    Raises:
        NotFoundError: The job was deleted meanwhile.
        UnavailableError: Redis does not answer. Following may go on after the last event seen.
    """
    last_read = ended()
    while keep_going():
        block = None if last_read else int(_SLICE * 1000)
        with domain_errors():
            reply: Any = client.xread({key: after}, count=_BATCH, block=block)
        entries = cast("list[_Entry]", reply[0][1]) if reply else []
        for entry_id, fields in entries:
            after = entry_id.decode()
            event = decode_event(after, fields)
            yield event
            if event.state_change.to in ENDED:
                return
        if not entries:
            if last_read:
                return
            last_read = ended()
