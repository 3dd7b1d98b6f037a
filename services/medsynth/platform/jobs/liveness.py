"""Whether a process still does anything."""

from __future__ import annotations

import sys
import time
from typing import Final

_BUSY: Final = 0.01
"""A process that used this part of one core was busy."""


class Liveness:
    """Signs of life of a thread, from one call to the next.

    A thread lives as long as it stands elsewhere in its Python code each time, or as its process
    computes (long calls into libraries, other threads that it waits for). What waits at one place
    while nothing is computed, such as a deadlock or a file system that does not answer, shows
    none, and a loop that does nothing but wait may show none either. A busy loop that never ends
    does: it cannot be told from work.

    Args:
        thread: Its `ident`.
    """

    def __init__(self, thread: int) -> None:
        self._thread = thread
        self._place = self._where()
        self._computed = time.process_time()
        self._time = time.monotonic()

    def seen(self) -> bool:
        """Whether there was a sign since the last call."""
        place, computed, now = self._where(), time.process_time(), time.monotonic()
        busy = computed - self._computed > _BUSY * (now - self._time)
        moved = place != self._place
        self._place, self._computed, self._time = place, computed, now
        return moved or busy

    def _where(self) -> tuple[int, int]:
        frame = sys._current_frames().get(self._thread)
        return (id(frame), frame.f_lasti) if frame is not None else (0, 0)
