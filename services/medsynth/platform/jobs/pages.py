"""Pages of jobs, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from medsynth.errors import InvalidArgumentError
from medsynth.platform.jobs.kinds import JobKind
from medsynth.platform.jobs.record import STATES, JobRecord, from_hash, state_name
from medsynth.platform.jobs.scripts import Scripts
from medsynth.platform.rpc.pages import MAX_BYTES, page_size, read_token, write_token
from medsynth.v1.jobs_pb2 import JobState


@dataclass(frozen=True)
class Page:
    """Some of the jobs of a kind, newest first.

    Attributes:
        jobs: The records.
        next_page_token: What the next page is asked for with; empty on the last.
    """

    jobs: tuple[JobRecord, ...]
    next_page_token: str


def read_page(
    scripts: Scripts, kind: JobKind, size: int, token: str, states: Iterable[JobState]
) -> Page:
    """One page, as the index had it at one moment.

    The token is a place in the order of creation: jobs that change their state, or are made,
    between two pages neither hide nor repeat others. A page is shorter than asked for where its
    jobs would be too large for a message.

    Args:
        scripts: Where the jobs are.
        kind: Their kind.
        size: 1 to 1000; 0 means 100.
        token: `Page.next_page_token` of the page before; empty: the first page.
        states: Only jobs in these; empty: in any.

    Raises:
        InvalidArgumentError: A size, token or state that there is not.
    """
    size = page_size(size)
    bound = _bound(kind, token)
    _, (rows, more) = scripts("list", kind.name, bound, size, MAX_BYTES, *_names(states))
    hashes = [
        (name.decode(), {k.decode(): v for k, v in zip(pairs[::2], pairs[1::2], strict=True)})
        for name, pairs in rows
    ]
    jobs = tuple(from_hash(name, kind, fields) for name, fields in hashes)
    if not more:
        return Page(jobs, "")
    return Page(jobs, write_token((hashes[-1][1]["sequence"].decode(),), kind.collection))


def _names(states: Iterable[JobState]) -> list[str]:
    wanted = sorted(set(states))
    for state in wanted:
        if state not in STATES:
            names = ", ".join(JobState.keys()[1:])
            raise InvalidArgumentError.field("states", int(state), f"any of {names}")
    return [state_name(state) for state in wanted or STATES]


def _bound(kind: JobKind, token: str) -> str:
    """The bound that the script takes: everything, or what is older than the token's place."""
    if not token:
        return "+inf"
    (sequence, *_) = read_token(token, kind.collection)
    if sequence.isascii() and sequence.isdigit() and len(sequence) < 16:
        return f"({sequence}"
    raise InvalidArgumentError.field(
        "page_token", token, "the `next_page_token` of the page before, or nothing"
    )
