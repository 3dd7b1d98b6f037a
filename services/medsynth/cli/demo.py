"""`medsynth demo`: the whole path once, from medical files to a scored generator."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from medsynth.cli.evaluate import Repeats, UnetSteps
from medsynth.cli.flags import Json, Seed, examples, int64, with_flag_groups
from medsynth.cli.preparation_flags import PreparationFlags
from medsynth.cli.train import Assignments, Gan

if TYPE_CHECKING:
    from medsynth.client import Client, Job

J = TypeVar("J", bound="Job")

_GRID_IMAGES = 32


@examples(
    "medsynth demo",
    "medsynth demo --data ~/acdc --gan hinge --crop foreground --out acdc-report",
)
@with_flag_groups
def demo(
    preparation: PreparationFlags,
    data: Annotated[
        str,
        typer.Option(metavar="SOURCE", help="A folder, or phantom://cardiac."),
    ] = "phantom://cardiac",
    gan: Gan = "hinge",
    images: Annotated[
        int,
        typer.Option(
            metavar="N", parser=int64, help="Real images that the discriminator is shown."
        ),
    ] = 40_000,
    count: Annotated[
        int, typer.Option(metavar="N", parser=int64, help="Synthetic images to draw and score.")
    ] = 1_000,
    assignments: Assignments = None,
    seed: Seed = None,
    unet_steps: UnetSteps = None,
    repeats: Repeats = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", file_okay=False, help="Where the report goes.")
    ] = Path("out"),
    as_json: Json = False,
) -> None:
    """Run the whole path: prepare, train, serve, draw, evaluate; prints one table.

    Starts the stack on this machine unless it runs, and then stops it again. Each step is a call
    that the other commands make too.
    """
    from medsynth.cli.assignments import parse_assignments
    from medsynth.cli.connect import connect
    from medsynth.cli.data import describe
    from medsynth.cli.output import duration, emit, remark, say, to_json
    from medsynth.cli.scores import print_scores, save_report
    from medsynth.cli.stack import running_stack
    from medsynth.v1.types_pb2 import GanSpecification

    overrides = parse_assignments(assignments or [], GanSpecification, without=["preset"])
    source = preparation.source(data)
    begun = time.monotonic()

    def step(text: str) -> None:
        remark(f"[{duration(time.monotonic() - begun)}] {text}")

    with _terminated_like_interrupted(), running_stack(step) as started, connect() as client:
        steps = _Steps(client, cancels=started)

        step(f"preparing {source.uri}")
        dataset = client.dataset(steps.finish(client.prepare(source)).dataset)
        step(f"{dataset.name}: {describe(dataset)}")

        step(f"training {gan} for {images:,} images")
        specification = GanSpecification(preset=gan, **overrides)
        training = steps.finish(client.train(source, specification, images=images, seed=seed))
        step(f"{training.generator}: weights {training.weights_digest}")

        step("publishing it to Triton")
        generator = client.deploy(training.generator)

        step(f"drawing {count:,} images through it")
        drawn = steps.finish(
            client.create_synthetic_dataset(generator.name, count=count, seed=seed)
        )
        step(f"{drawn.name}: {drawn.uri}")

        step("evaluating them")
        evaluation = steps.finish(
            client.evaluate(
                drawn.name, count=count, repeats=repeats, unet_steps=unet_steps, seed=seed
            )
        )
        report = client.report(evaluation.report)
        page = save_report(client, report, out.expanduser().absolute())
        grid = _save_grid(client, generator.name, page.with_name("samples.png"))
        step("done")
    if as_json:
        emit(
            {
                "dataset": to_json(dataset),
                "generator": to_json(generator),
                "synthetic_dataset": to_json(drawn),
                "report": to_json(report),
                "files": {
                    "html": str(page),
                    "json": str(page.with_suffix(".json")),
                    "samples": str(grid),
                },
                "seconds": round(time.monotonic() - begun, 1),
            }
        )
        return
    print_scores(report)
    say(f"samples: {grid}")
    say(f"report:  {page}")


class _Steps:
    """Waits for the jobs of the demo.

    Args:
        client: Where they run.
        cancels: Whether a job that is not waited for to its end is cancelled: its stack is about
            to be stopped.
    """

    def __init__(self, client: Client, cancels: bool) -> None:
        self._client = client
        self._cancels = cancels

    def finish(self, job: J) -> J:
        """The job once it has succeeded."""
        from medsynth.cli.exits import InterruptedWaitError
        from medsynth.cli.follow import follow

        try:
            return follow(self._client, job)
        except InterruptedWaitError as interrupt:
            if not self._cancels:
                raise
            self._client.cancel(job.name)
            raise InterruptedWaitError([]) from interrupt


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Within the block SIGTERM does what Ctrl-C does, so that the stack is stopped then too."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before: Any = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _save_grid(client: Client, generator: str, path: Path) -> Path:
    """Draws the first images and saves them as one picture, bare and with their masks' outlines."""
    import numpy as np

    from medsynth.cli.scores import write_whole
    from medsynth.data.pictures import grid, png

    batches = list(client.sample(generator, _GRID_IMAGES))
    images = np.concatenate([batch.images for batch in batches])
    masks = _joined([batch.masks for batch in batches])
    write_whole(path, png(grid(images, masks)))
    return path


def _joined(parts: Sequence[Any]) -> Any:
    import numpy as np

    return None if any(part is None for part in parts) else np.concatenate(parts)
