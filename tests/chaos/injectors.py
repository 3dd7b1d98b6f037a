"""Breaking things: each fault of the schedule, and what it needs to be there."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, TypeVar

from redis import ResponseError

from medsynth.errors import MedsynthError
from medsynth.platform.jobs.connection import domain_errors
from medsynth.platform.jobs.kinds import QUEUES
from medsynth.platform.jobs.record import state_value
from medsynth.platform.jobs.store import JobStore
from tests.chaos.arena import Arena, send
from tests.chaos.ledger import Ledger
from tests.chaos.schedule import Step
from tests.chaos.watchers import Watcher
from tests.chaos.work import Office, checkpoints, insist

T = TypeVar("T")

_PATIENCE: Final = 2.0
"""Seconds to wait for something to break, such as a job that recovers."""

_CHECKPOINT_PATIENCE: Final = 6.0
"""The same for a checkpoint: small trainings have one for moments only."""

_CELERY: Final = "medsynth:celery:"


def pick(choices: Sequence[T], draw: float) -> T | None:
    """One of the choices, by a number from 0 to 1; None if there are none."""
    return choices[min(int(draw * len(choices)), len(choices) - 1)] if choices else None


class Injector:
    """Breaks a stack.

    Args:
        arena: The stack.
        store: Its jobs.
        ledger: Where faults are counted and cancellations noted.
        office: Knows the job that others depend on.
        watchers: Those who follow jobs.
        over: Set when the run is given up.
    """

    def __init__(
        self,
        arena: Arena,
        store: JobStore,
        ledger: Ledger,
        office: Office,
        watchers: list[Watcher],
        over: threading.Event,
    ) -> None:
        self._arena, self._store, self._ledger = arena, store, ledger
        self._office, self._watchers, self._over = office, watchers, over
        self._passing: list[threading.Thread] = []

    def inject(self, step: Step) -> None:
        """Does what a step says, and counts it."""
        try:
            done = self._act(step.what)(step.draw)
        except (MedsynthError, ResponseError):
            # Redis is away, or reads its file: so is what was to be broken.
            done = False
        (self._ledger.faults if done else self._ledger.idle)[step.what] += 1

    def finish(self) -> None:
        """Returns once nothing is frozen or full any more."""
        for thread in self._passing:
            thread.join()

    def _act(self, what: str) -> Callable[[float], bool]:
        verb, _, rest = what.partition(" ")
        if verb == "cancel":
            return lambda draw: self._cancel(rest.upper(), draw)
        targeted = {
            "kill child": self._kill_child,
            "freeze child": self._freeze_child,
            "kill worker": lambda draw: self._hit_worker(draw, signal.SIGKILL),
            "stop worker": lambda draw: self._hit_worker(draw, signal.SIGTERM),
            "freeze worker": self._freeze_worker,
            "fill redis": self._fill_redis,
            "lose messages": self._lose_messages,
            "double messages": self._double_messages,
            "drop watchers": self._drop_watchers,
            "tear checkpoint": self._tear_checkpoint,
        }
        if what in targeted:
            return targeted[what]
        how = signal.SIGTERM if verb == "stop" else signal.SIGKILL
        return lambda _: self._arena.signal(rest, how)

    def _kill_child(self, draw: float) -> bool:
        pid = self._soon(lambda: pick(self._arena.children(), draw))
        return pid is not None and send(pid, signal.SIGKILL)

    def _freeze_child(self, draw: float) -> bool:
        """It never goes on: it is noticed that it hangs."""
        pid = self._soon(lambda: pick(self._arena.children(), draw))
        return pid is not None and send(pid, signal.SIGSTOP)

    def _hit_worker(self, draw: float, how: signal.Signals) -> bool:
        worker = pick(self._arena.workers(), draw)
        return worker is not None and self._arena.signal(worker, how)

    def _freeze_worker(self, draw: float) -> bool:
        """Until its lease has run out; its child lives on meanwhile."""
        worker = pick(self._arena.workers(), draw)
        pid = self._arena.pid(worker) if worker else None
        if pid is None or not send(pid, signal.SIGSTOP):
            return False

        self._pass(1.5, lambda: send(pid, signal.SIGCONT))
        return True

    def _fill_redis(self, draw: float) -> bool:
        """For up to one and a half leases it takes no writes. One that is started anew does."""
        redis = self._store.redis
        with domain_errors():
            redis.config_set("maxmemory-policy", "noeviction")
            redis.config_set("maxmemory", 1)

        def empty() -> None:
            # One that reads its file was started anew, and is not full.
            with domain_errors(), suppress(ResponseError):
                redis.config_set("maxmemory", 0)

        self._pass(1.5 * draw, lambda: insist(empty, self._over))
        return True

    def _pass(self, leases: float, undo: Callable[[], object]) -> None:
        """Undoes a fault some leases later."""

        def wait_and_undo() -> None:
            self._over.wait(leases * self._arena.settings.lease_seconds)
            undo()

        thread = threading.Thread(target=wait_and_undo)
        thread.start()
        self._passing.append(thread)

    def _lose_messages(self, draw: float) -> bool:
        keys = [_CELERY + queue for queue in QUEUES]
        return bool(self._soon(lambda: self._store.redis.delete(*keys) or None))

    def _double_messages(self, draw: float) -> bool:
        names = [(entry.kind, entry.name) for entry in self._ledger]
        for kind, name in names[-8:]:
            for _ in range(2):
                self._store.announce(self._store.kinds[kind].queue, name)
        return bool(names)

    def _drop_watchers(self, draw: float) -> bool:
        following = [watcher for watcher in self._watchers if not watcher.done]
        for watcher in following:
            watcher.drop()
        return bool(following)

    def _tear_checkpoint(self, draw: float) -> bool:
        """Cuts the newest checkpoint of a training in two, and kills the child that wrote it."""
        root = self._arena.settings.storage
        path = self._soon(lambda: pick(checkpoints(root), draw), _CHECKPOINT_PATIENCE)
        if path is None:
            return False
        try:
            with path.open("r+b") as file:
                file.truncate(path.stat().st_size // 2)
        except FileNotFoundError:
            return False
        job = path.parents[2].name
        for pid, command in self._arena.commands():
            if any(word.endswith(f"/{job}") for word in command):
                send(pid, signal.SIGKILL)
        return True

    def _cancel(self, state: str, draw: float) -> bool:
        name = self._soon(lambda: pick(self._in_state(state), draw))
        if name is None:
            return False
        self._ledger.cancel(name)
        self._store.cancel(name)
        return True

    def _in_state(self, state: str) -> list[str]:
        wanted = state_value(state)
        names = [
            record.name
            for kind in self._store.kinds
            for record in self._store.list(kind, 1000, "", [wanted]).jobs
        ]
        needed = self._office.first_training()
        return sorted(n for n in names if self._ledger.get(n) is not None and n != needed)

    def _soon(self, find: Callable[[], T | None], patience: float = _PATIENCE) -> T | None:
        """What there is to break, within a moment."""
        deadline = time.monotonic() + patience
        while (found := find()) is None and time.monotonic() < deadline:
            if self._over.wait(0.02):
                break
        return found
