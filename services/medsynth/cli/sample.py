"""`medsynth sample`."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from medsynth.cli.flags import Json, examples, int64

if TYPE_CHECKING:
    from medsynth.client import Client
    from medsynth.v1.types_pb2 import Generator


class Format(StrEnum):
    """How images are stored."""

    PNG = "png"
    NPZ = "npz"


@examples(
    "medsynth sample generators/0a1b2c --count 100 --out samples",
    "medsynth sample 0a1b2c --count 100 --first 100 --format npz --out more",
)
def sample(
    generator: Annotated[
        str, typer.Argument(metavar="GENERATOR", help="generators/ID, or the ID alone.")
    ],
    count: Annotated[int, typer.Option(metavar="N", parser=int64, help="Images.")],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="A folder that is empty or not there yet.")
    ],
    seed: Annotated[int, typer.Option(metavar="N", parser=int64, help="Seed of the draw.")] = 0,
    first: Annotated[
        int, typer.Option(metavar="N", parser=int64, help="Index of the first image.")
    ] = 0,
    format: Annotated[
        Format, typer.Option("--format", help="png: one file an image; npz: shards of 1,000.")
    ] = Format.PNG,
    as_json: Json = False,
) -> None:
    """Draw images with their masks into a folder: images/, masks/ (labels), manifest.json.

    Image i depends on the generator's weights, the seed and i alone: the same command gives the
    same images, and --first goes on where another draw ended.
    """
    from medsynth.cli.connect import connect
    from medsynth.cli.output import emit, say

    target = out.expanduser().absolute()
    with empty_folder(target) as folder, connect() as client:
        found = client.generator(generator)
        digest = draw(client, found, folder, count, seed, first, format)
    if as_json:
        emit(
            {
                "out": str(target),
                "manifest": str(target / "manifest.json"),
                "manifest_digest": digest,
                "generator": found.name,
                "generator_digest": found.digest,
                "count": count,
                "seed": seed,
                "first": first,
                "format": format.value,
            }
        )
    else:
        say(str(target))


def draw(
    client: Client,
    generator: Generator,
    folder: Path,
    count: int,
    seed: int,
    first: int,
    format: Format,
) -> str:
    """Streams images into a folder and shows the progress.

    Args:
        client: Where the generator is.
        generator: What to draw from.
        folder: Empty.
        count: Images.
        seed: Seed of the draw.
        first: Index of the first image.
        format: How they are stored.

    Returns:
        `sha256:...` of the folder's manifest.
    """
    from medsynth.cli.progress import make_display
    from medsynth.data.writers import SampleWriter, SetDescription
    from medsynth.v1.jobs_pb2 import JobEvent, Progress

    facts = {
        "generator": generator.name,
        "generator_digest": generator.digest,
        "weights_digest": generator.weights_digest,
        "classes": list(generator.classes),
        "count": count,
        "seed": seed,
        "first_index": first,
    }
    description = SetDescription(
        generator=generator.name,
        generator_digest=generator.digest,
        seed=seed,
        classes=tuple(generator.classes),
    )
    begun, done = time.monotonic(), 0
    with (
        SampleWriter(folder, format.value, facts, description) as writer,
        closing(make_display()) as display,
    ):
        display.add(generator.name, "sampling", "RUNNING")
        for batch in client.sample(generator.name, count, seed=seed, first=first):
            writer.write(batch.first_index, batch.images, batch.masks)
            done += len(batch.images)
            rate = done / max(time.monotonic() - begun, 1e-3)
            progress = Progress(
                done=done, total=count, unit="images", rate=rate, seconds_left=(count - done) / rate
            )
            display.event(generator.name, JobEvent(progress=progress))
    return writer.close()


@contextmanager
def empty_folder(target: Path) -> Iterator[Path]:
    """A folder that takes the target's place when the block has ended well, and else vanishes.

    Raises:
        InvalidArgumentError: The target has something in it, or is a file.
    """
    from medsynth.errors import InvalidArgumentError

    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InvalidArgumentError.field(
            "--out", str(target), "a folder that is empty or does not exist"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")
    beside.mkdir()
    try:
        yield beside
        # Replaces an empty folder, and refuses one that was filled meanwhile.
        os.rename(beside, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
