"""Mends what broke: takes back leases that ran out, and announces what waits unclaimed.

One runs in every service; any number may run at the same time. Parents are stepped in the same
script that ends their last child, whoever runs it, so there is nothing to mend for them: a parent
that became claimable waits unclaimed like any other job.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from medsynth.errors import MedsynthError
from medsynth.platform.jobs.announce import messages_waiting
from medsynth.platform.jobs.kinds import QUEUES
from medsynth.platform.jobs.store import JobStore
from medsynth.platform.telemetry import log_fields

_MAX_MESSAGES: Final = 100
"""No queue gets more hints than this from reconcilers; so that it does not grow while no worker
takes them."""

_log = logging.getLogger(__name__)


class Reconciler:
    """Reconciles in a thread of its own, every `reconcile_seconds`.

    Args:
        store: The jobs.
        on_expired: Told the kind of each job whose lease was taken back.
    """

    def __init__(
        self, store: JobStore, on_expired: Callable[[str], None] = lambda kind: None
    ) -> None:
        self._store = store
        self._on_expired = on_expired
        self._interval = store.settings.reconcile_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="reconciler", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends, and waits for it."""
        self._over.set()
        self._thread.join()

    def reconcile(self) -> None:
        """One round.

        Raises:
            UnavailableError: Redis does not answer.
        """
        for name in self._store.expire_leases():
            self._on_expired(self._store.kind_of(name).name)
            with log_fields(job=name):
                _log.warning("%s: its lease ran out", name)
        for queue in QUEUES:
            room = _MAX_MESSAGES - messages_waiting(self._store.redis, queue)
            if room <= 0:
                continue
            for name in self._store.waiting_unclaimed(queue, room):
                with log_fields(job=name):
                    _log.info("%s waits unclaimed and is announced again", name)
                self._store.announce(queue, name)

    def _work(self) -> None:
        while not self._over.wait(self._interval):
            try:
                self.reconcile()
            except MedsynthError as error:
                _log.warning("reconciling is tried again later: %s", error)
            except Exception:  # noqa: BLE001
                # Jobs depend on this thread: what nobody thought of must not end it either.
                _log.exception("reconciling failed and is tried again later")
