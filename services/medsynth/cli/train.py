"""`medsynth train`."""

from __future__ import annotations

from typing import Annotated

import typer

from medsynth.cli.flags import (
    Data,
    Detach,
    Json,
    Seed,
    examples,
    int64,
    with_flag_groups,
)
from medsynth.cli.preparation_flags import PreparationFlags

Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="FIELD=VALUE",
        help="Override a field of the preset; may be repeated. `medsynth presets NAME` lists them.",
    ),
]
Images = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        parser=int64,
        help="Length: real images that the discriminator is shown. Default 100000.",
    ),
]
Gan = Annotated[
    str, typer.Option("--gan", metavar="PRESET", help="dcgan, lsgan, wgan, wgan-gp or hinge.")
]


@examples(
    "medsynth train --data phantom://cardiac --gan hinge --images 50000",
    "medsynth train --data ~/acdc --gan wgan-gp --size 128 --crop foreground",
    "medsynth train --data ~/acdc --gan hinge --set batch_size=32 --detach",
)
@with_flag_groups
def train(
    data: Data,
    gan: Gan,
    preparation: PreparationFlags,
    images: Images = None,
    assignments: Assignments = None,
    seed: Seed = None,
    precision: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="auto, float32, bfloat16 or float16. Default auto."),
    ] = None,
    checkpoint_images: Annotated[
        int | None,
        typer.Option(metavar="N", parser=int64, help="Images between checkpoints. Default 20000."),
    ] = None,
    grid_images: Annotated[
        int | None,
        typer.Option(metavar="N", parser=int64, help="Images between sample grids. Default 10000."),
    ] = None,
    request_id: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Makes a repeated command answer with the same job."),
    ] = None,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Train a GAN on images and masks; waits and prints the generator's name.

    The data are prepared first unless they are already. Progress is in real images shown.
    """
    from medsynth.cli.assignments import parse_assignments
    from medsynth.cli.connect import connect
    from medsynth.cli.follow import follow
    from medsynth.cli.jobs import print_detached
    from medsynth.cli.output import emit, remark, say, to_json
    from medsynth.v1.types_pb2 import GanSpecification

    overrides = parse_assignments(assignments or [], GanSpecification, without=["preset"])
    with connect() as client:
        job = client.train(
            preparation.source(data),
            GanSpecification(preset=gan, **overrides),
            images=images,
            seed=seed,
            precision=precision,
            checkpoint_images=checkpoint_images,
            grid_images=grid_images,
            request_id=request_id,
        )
        if detach:
            print_detached(job, as_json)
            return
        job = follow(client, job)
    if as_json:
        emit(
            {
                "job": job.name,
                "generator": job.generator,
                "weights_digest": job.weights_digest,
                "images": job.specification.images,
                "metrics": to_json(job.status.progress)["metrics"],
            }
        )
        return
    say(job.generator)
    remark(f"weights {job.weights_digest}")
    remark(f"draw from it:  medsynth sample {job.generator} --count 16 --out samples")
    remark(f"score it:      medsynth evaluate {job.generator} --out report")
