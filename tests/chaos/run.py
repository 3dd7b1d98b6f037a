"""A run of chaos: start, break, let finish, check."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from medsynth.client import Client
from medsynth.client.connection import Retry
from medsynth.errors import MedsynthError
from medsynth.platform.jobs.record import state_name
from medsynth.platform.jobs.store import JobStore
from tests.chaos import checks
from tests.chaos.arena import Arena, send
from tests.chaos.injectors import Injector
from tests.chaos.ledger import Ledger
from tests.chaos.schedule import FAULTS, JOBS, PACE, Step, schedule
from tests.chaos.watchers import Watcher
from tests.chaos.work import Office, Order, order

_MAX_WATCHERS: Final = 12
_WATCHED: Final = ("training", "preparation", "drawing")
_LINE_SECONDS: Final = 5.0
_SETTLE_SECONDS: Final = 20.0

Say = Callable[[str], None]
"""Gets a line about how far the run is."""


@dataclass(frozen=True)
class Scenario:
    """What is to happen.

    Attributes:
        seconds: How long things are broken.
        seed: Of everything that is drawn.
        faults: What is broken.
        jobs: What goes on meanwhile.
        pace: Seconds from one fault to the next, on average.
        drain_seconds: How long everything may take to end after that.
    """

    seconds: float
    seed: int
    faults: Sequence[str] = FAULTS
    jobs: Sequence[str] = JOBS
    pace: float = PACE
    drain_seconds: float = 900.0

    @property
    def draws(self) -> bool:
        """Whether it needs a Triton."""
        return "drawing" in self.jobs

    def steps(self) -> tuple[Step, ...]:
        """What happens, and when."""
        return schedule(self.seed, self.seconds, self.faults, self.jobs, self.pace)


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Attributes:
        seed: Repeats it.
        seconds: How long things were broken.
        faults: How often each fault was injected.
        idle: How often each found nothing to break.
        jobs: Number of jobs by kind and state, the children of others included.
        acknowledged: Jobs that clients were promised.
        attempts: Attempts of all jobs together.
        lost: What was lost, one sentence each.
    """

    seed: int
    seconds: float
    faults: Counter[str]
    idle: Counter[str]
    jobs: Counter[tuple[str, str]]
    acknowledged: int
    attempts: int
    lost: tuple[str, ...]


def run(scenario: Scenario, home: Path, say: Say) -> Outcome:
    """Runs a scenario.

    Args:
        scenario: What happens.
        home: An empty folder for the stack.
        say: Told how it goes.
    """
    arena = Arena(home, triton=scenario.draws)
    say("starting the stack")
    arena.start()
    try:
        outcome = _Run(scenario, arena, say).carry()
    finally:
        arena.stop()
    left = _after_stop(arena)
    return Outcome(**{**outcome, "lost": (*outcome["lost"], *left)})


class _Run:
    def __init__(self, scenario: Scenario, arena: Arena, say: Say) -> None:
        self._scenario, self._arena, self._say = scenario, arena, say
        self._ledger, self._over = Ledger(), threading.Event()
        self._store = arena.store()
        self._watchers: list[Watcher] = []
        self._orders: dict[str, Order] = {}
        self._began = time.monotonic()

    def carry(self) -> dict[str, Any]:
        with ExitStack() as stack:
            client = stack.enter_context(closing(self._connect()))
            stack.callback(self._over.set)
            office = Office(self._store, client, self._ledger, self._over)
            injector = Injector(
                *(self._arena, self._store, self._ledger, office, self._watchers, self._over)
            )
            with self._lines():
                self._began = time.monotonic()
                self._break(self._scenario.steps(), office, injector)
                self._say("nothing is broken any more: everything may finish")
                injector.finish()
                self._references(office)
                endless = self._drain()
            for watcher in self._watchers:
                watcher.finish(_SETTLE_SECONDS)
            self._say("checking")
            return self._outcome([*endless, *self._check(office)])

    def _connect(self) -> Client:
        settings = self._arena.settings
        return Client(
            trainer=settings.trainer_address,
            sampler=settings.sampler_address,
            evaluator=settings.evaluator_address,
            timeout=10.0,
            retry=Retry(attempts=4, longest_pause=1.0, patience=20.0),
        )

    def _break(self, steps: Sequence[Step], office: Office, injector: Injector) -> None:
        """Orders in a thread of its own: clients wait for what is broken, faults do not."""
        orders = [step for step in steps if not step.is_fault]
        with ThreadPoolExecutor(1) as clerk, self._over_on_failure():
            ordered = clerk.submit(self._order, orders, office)
            for step in steps:
                self._wait_until(step.at)
                if step.is_fault and self._in_time():
                    injector.inject(step)
            self._wait_until(self._scenario.seconds)
            wait([ordered], self._scenario.drain_seconds)
            if not ordered.done():
                self._over.set()
            ordered.result()

    @contextmanager
    def _over_on_failure(self) -> Iterator[None]:
        """Neither the faults nor the orders go on without the others."""
        try:
            yield
        except BaseException:
            self._over.set()
            raise

    def _order(self, steps: Sequence[Step], office: Office) -> None:
        later: list[Order] = []
        with self._over_on_failure():
            for step in steps:
                self._wait_until(step.at)
                if step.at and not self._in_time():
                    break
                later = [asked for asked in later if not self._place(asked, office)]
                asked = order(step, self._scenario.seed)
                if not self._place(asked, office):
                    later.append(asked)
            while later and not self._over.wait(0.5):
                later = [asked for asked in later if not self._place(asked, office)]

    def _place(self, asked: Order, office: Office) -> bool:
        entry = office.place(asked)
        if entry is None:
            return False
        self._orders[asked.request_id] = asked
        following = sum(not watcher.done for watcher in self._watchers)
        if entry.sort in _WATCHED and following < _MAX_WATCHERS:
            self._watchers.append(Watcher(entry.name, self._connect))
        return True

    def _references(self, office: Office) -> None:
        """Each training once more, undisturbed."""
        trainings = [asked for asked in self._orders.values() if asked.sort == "training"]
        for preset in sorted({asked.fields["preset"] for asked in trainings}):
            request_id = f"chaos-{self._scenario.seed}-reference-{preset}"
            self._place(Order("training", "training", request_id, {"preset": preset}), office)

    def _drain(self) -> list[str]:
        """Waits until all jobs have ended. Returns what has not."""
        deadline = time.monotonic() + self._scenario.drain_seconds
        while True:
            active = [name for kind in self._store.kinds for name in self._store.active(kind)]
            if not active:
                return []
            if time.monotonic() > deadline:
                return [f"{job.name} is {state_name(job.state)} and does not end" for job in active]
            self._over.wait(0.5)

    def _check(self, office: Office) -> Iterator[str]:
        store, storage, ledger = self._store, self._arena.storage, self._ledger
        yield from checks.check_promises(store, ledger)
        yield from checks.check_histories(store)
        yield from checks.check_watchers(store, self._watchers)
        yield from checks.check_results(store, storage)
        yield from checks.check_artifacts(storage)
        yield from checks.check_weights(store)
        yield from checks.check_indexes(store)
        yield from checks.check_requests(
            store, ledger, lambda request_id: office.repeat(self._orders[request_id])
        )
        for pid in self._lasting_children():
            yield f"process {pid} of a job that has ended still runs"
        yield from checks.check_leftovers(store, storage)

    def _lasting_children(self) -> list[int]:
        """Children that do not end soon: one that has said its last word may still be ending."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while (left := self._arena.children()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return left

    def _outcome(self, lost: Sequence[str]) -> dict[str, Any]:
        every = list(checks.records(self._store))
        return {
            "seed": self._scenario.seed,
            "seconds": self._scenario.seconds,
            "faults": self._ledger.faults,
            "idle": self._ledger.idle,
            "jobs": Counter((job.kind.name, state_name(job.state)) for job in every),
            "acknowledged": len(self._ledger),
            "attempts": sum(job.attempt for job in every),
            "lost": tuple(lost),
        }

    def _in_time(self) -> bool:
        """Whether more may happen: what had to wait delays what comes after it."""
        over = time.monotonic() - self._began >= self._scenario.seconds
        return not over and not self._over.is_set()

    def _wait_until(self, at: float) -> None:
        self._over.wait(max(0.0, self._began + at - time.monotonic()))

    @contextmanager
    def _lines(self) -> Iterator[None]:
        """Says every few seconds how far the run is."""
        done = threading.Event()
        store = self._arena.store()

        def work() -> None:
            while not done.wait(_LINE_SECONDS):
                self._say(self._line(store))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _line(self, store: JobStore) -> str:
        seconds = int(time.monotonic() - self._began)
        head = f"{seconds // 60:02d}:{seconds % 60:02d}  {self._ledger.faults.total()} faults"
        try:
            counts: Counter[str] = Counter()
            for (_, state), number in store.counts().items():
                counts[state_name(state).lower()] += number
        except MedsynthError:
            return f"{head} · Redis is away"
        return f"{head} · " + " ".join(f"{n} {state}" for state, n in counts.items() if n)


def _after_stop(arena: Arena) -> Iterator[str]:
    """What outlived the stack."""
    for pid, command in arena.commands():
        yield f"still runs after the stack was stopped: {pid} {' '.join(command)}"
        send(pid, signal.SIGKILL)
    for folder in (arena.home / "tmp").glob("medsynth-*/worker-*"):
        yield f"{folder} is left"
