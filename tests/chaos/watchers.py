"""Clients that follow jobs, lose their connection, and go on after the last event they saw."""

from __future__ import annotations

import threading
from collections.abc import Callable

from medsynth.client import Client
from medsynth.errors import MedsynthError
from medsynth.v1 import jobs_pb2

_PAUSE = 0.2


class Watcher:
    """Follows a job to its end, whatever happens to its connection.

    Attributes:
        name: The job.
        events: What it saw.

    Args:
        name: The job.
        connect: Makes a client.
    """

    def __init__(self, name: str, connect: Callable[[], Client]) -> None:
        self.name = name
        self.events: list[jobs_pb2.JobEvent] = []
        self._connect = connect
        self._client = connect()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"watches {name}", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it saw the end."""
        return not self._thread.is_alive()

    def drop(self) -> None:
        """Loses the connection."""
        self._client.close()

    def finish(self, seconds: float) -> None:
        """Waits until it saw the job's end, so long at most."""
        self._thread.join(seconds)
        self._over.set()
        self._client.close()
        self._thread.join()

    def _work(self) -> None:
        while not self._over.is_set():
            last = self.events[-1].event_id if self.events else ""
            try:
                for event in self._client.watch(self.name, last):
                    self.events.append(event)
                return
            # A client that is closed in the middle of a call may say so in any way.
            except (MedsynthError, ValueError):
                self._over.wait(_PAUSE)
                self._client.close()
                self._client = self._connect()
