"""What clients were promised: every job that was acknowledged, and what may become of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from google.protobuf.message import Message


@dataclass
class Entry:
    """A job that a client asked for and was told the name of.

    Attributes:
        name: The job.
        sort: One of `schedule.JOBS`.
        kind: Name of its kind.
        request_id: What it was asked for with.
        specification: What was asked for, as it was sent.
        fails: Whether it is meant to fail.
        cancelled: Whether a client cancelled it.
    """

    name: str
    sort: str
    kind: str
    request_id: str
    specification: Message
    fails: bool = False
    cancelled: bool = False

    def allowed(self) -> set[str]:
        """States that the job may end in."""
        ends = {"FAILED"} if self.fails else {"SUCCEEDED"}
        # A cancellation may come too late.
        return ends | {"CANCELLED"} if self.cancelled else ends


@dataclass
class Ledger:
    """All promises and all faults of a run. May be used by many threads."""

    faults: Counter[str] = field(default_factory=Counter)
    idle: Counter[str] = field(default_factory=Counter)
    """Faults that found nothing to break."""
    _entries: dict[str, Entry] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, entry: Entry) -> None:
        """Notes an acknowledgement."""
        with self._lock:
            self._entries[entry.name] = entry

    def cancel(self, name: str) -> None:
        """Notes that a client is about to cancel a job."""
        with self._lock:
            self._entries[name].cancelled = True

    def get(self, name: str) -> Entry | None:
        """The entry of a job, if a client asked for it."""
        with self._lock:
            return self._entries.get(name)

    def __iter__(self) -> Iterator[Entry]:
        with self._lock:
            return iter(list(self._entries.values()))

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)
