"""The jobs of a run of chaos, asked for as clients do: again and again until acknowledged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from medsynth.client import Client
from medsynth.errors import MedsynthError, ResourceExhaustedError, UnavailableError
from medsynth.platform.jobs.store import JobStore
from medsynth.v1 import types_pb2
from tests.chaos.ledger import Entry, Ledger
from tests.chaos.schedule import Step
from tests.platform.jobs.echo import specification

T = TypeVar("T")

PRESETS: Final = ("hinge", "dcgan", "lsgan", "wgan", "wgan-gp")
DATA: Final = "phantom://cardiac?patients=6&slices=4&seed={seed}"
_PAUSE: Final = 0.25


def insist(act: Callable[[], T], over: threading.Event) -> T:
    """Repeats a call until it is answered, or the run is over."""
    while True:
        try:
            return act()
        except (UnavailableError, ResourceExhaustedError):
            if over.wait(_PAUSE):
                raise


@dataclass(frozen=True)
class Order:
    """What a client asks for.

    Attributes:
        sort: One of `schedule.JOBS`.
        kind: Name of the job's kind.
        request_id: What it is asked for with.
        fields: What the specification is made of.
    """

    sort: str
    kind: str
    request_id: str
    fields: Mapping[str, Any]


def order(step: Step, seed: int) -> Order:
    """The order that a step of the schedule stands for: always the same for the same step.

    - `training`: one of five GANs, so that equal ones come again
    - `preparation`: a data set of its own
    - `drawing`: a synthetic data set from the generator of the first training
    - `echo`: reports and takes a while, with a process of its own
    - `publishing`: publishes an artifact
    - `failing`: ends with a user error
    - `parent`: waits for jobs on both queues, of which parents share some
    """
    number, draw = step.number, step.draw
    request_id = f"chaos-{seed}-{number}"
    made: dict[str, tuple[str, dict[str, Any]]] = {
        "training": ("training", {"preset": PRESETS[int(draw * len(PRESETS))]}),
        "preparation": ("preparation", {"seed": 100 + number}),
        "drawing": ("synthetic_dataset", {"seed": number}),
        "echo": ("echo" if draw < 0.7 else "heavy", {"say": "echo", **_takes(draw)}),
        "publishing": ("echo", {"publish": f"chaos-{number}", **_takes(draw)}),
        "failing": ("echo", {"error": "DataError", "steps": 3}),
        "parent": ("echo", {"wait_for": _children(draw)}),
    }
    kind, fields = made[step.what]
    if step.what in ("echo", "publishing"):
        fields["number"] = number
    return Order(step.what, kind, request_id, fields)


def _takes(draw: float) -> dict[str, Any]:
    """Up to four seconds, for some with a process that would outlive the child."""
    return {"steps": 20, "seconds": round(4 * draw, 2), **({"spawn": True} if draw > 0.4 else {})}


def _children(draw: float) -> Sequence[Mapping[str, Any]]:
    return [
        {"kind": "heavy", **_takes(draw)},
        {"share_key": f"shared-{int(draw * 3)}", **_takes(1 - draw)},
        {"kind": "echo", "crash": "kill", **_takes(draw / 2)},
    ]


class Office:
    """Where clients order.

    Args:
        store: For jobs that no service makes.
        client: For those that one does.
        ledger: Where acknowledgements are noted.
        over: Set when the run is given up.
    """

    def __init__(
        self, store: JobStore, client: Client, ledger: Ledger, over: threading.Event
    ) -> None:
        self._store, self._client, self._ledger, self._over = store, client, ledger, over
        self._generator = ""
        self._first_training: str | None = None

    def place(self, asked: Order) -> Entry | None:
        """Orders, and notes the acknowledgement; None: not possible yet."""
        if asked.sort == "drawing" and not self._find_generator():
            return None
        name, message = insist(lambda: self._send(asked), self._over)
        entry = Entry(
            name, asked.sort, asked.kind, asked.request_id, message, asked.sort == "failing"
        )
        self._ledger.add(entry)
        if asked.sort == "training" and self._first_training is None:
            self._first_training = name
        return entry

    def repeat(self, asked: Order) -> str:
        """Orders once more. Returns the name of the job that answers."""
        return insist(lambda: self._send(asked), self._over)[0]

    def first_training(self) -> str | None:
        """The training whose generator is drawn from; it is never cancelled."""
        return self._first_training

    def _send(self, asked: Order) -> tuple[str, Message]:
        fields, request_id = asked.fields, asked.request_id
        job: Any
        if asked.kind == "training":
            job = self._client.train(
                DATA.format(seed=1),
                tiny(fields["preset"]),
                images=640,
                checkpoint_images=64,
                grid_images=320,
                size=32,
                request_id=request_id,
            )
        elif asked.kind == "preparation":
            uri = DATA.format(seed=fields["seed"])
            job = self._client.prepare(uri, size=32, request_id=request_id)
        elif asked.kind == "synthetic_dataset":
            job = self._client.create_synthetic_dataset(
                self._generator, count=96, seed=fields["seed"], request_id=request_id
            )
        else:
            job = self._store.create(asked.kind, specification(**fields), request_id=request_id)
        return job.name, job.specification

    def _find_generator(self) -> str:
        if not self._generator and self._first_training is not None:
            try:
                job: Any = self._client.job(self._first_training)
            except MedsynthError:
                return ""
            self._generator = job.generator
        return self._generator


def tiny(preset: str) -> types_pb2.GanSpecification:
    """A preset that trains in seconds."""
    return types_pb2.GanSpecification(
        preset=preset, generator_filters=8, discriminator_filters=8, batch_size=16
    )


def checkpoints(storage_root: str) -> list[Path]:
    """The newest checkpoint of every training that has one."""
    newest: dict[Path, Path] = {}
    for path in sorted(Path(storage_root).glob("jobs/*/checkpoints/*/checkpoint-*.pt")):
        newest[path.parent] = path
    return sorted(newest.values())
