"""`medsynth evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from medsynth.cli.flags import (
    Detach,
    Json,
    Seed,
    absolute,
    examples,
    int32,
    int64,
    is_local_folder,
    with_flag_groups,
)
from medsynth.cli.preparation_flags import PreparationFlags

if TYPE_CHECKING:
    from medsynth.v1.evaluator_pb2 import EvaluationJob

UnetSteps = Annotated[
    int | None,
    typer.Option(metavar="N", parser=int32, help="Optimisation steps of each U-Net. Default 1000."),
]
ReportFolder = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        file_okay=False,
        help="Where report.html and report.json go; those that are there are replaced.",
    ),
]
Repeats = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        parser=int32,
        help="U-Nets for each regime; several give intervals. Default 1.",
    ),
]


@examples(
    "medsynth evaluate generators/0a1b2c --out report",
    "medsynth evaluate ~/synthetic --data ~/acdc --size 128 --metrics dice --repeats 3",
)
@with_flag_groups
def evaluate(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="GENERATOR|DIR",
            help="generators/ID, its ID, syntheticDatasetJobs/ID, or a folder with images/ and "
            "masks/.",
        ),
    ],
    preparation: PreparationFlags,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="The real data; what the generator was trained on unless given. Needed for a "
            "folder.",
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(metavar="N", parser=int64, help="Synthetic images. Default 1000."),
    ] = None,
    metrics: Annotated[
        str,
        typer.Option(metavar="NAMES", help="Of fid, unet-fd and dice, with commas. Default all."),
    ] = "",
    regimes: Annotated[
        str,
        typer.Option(
            metavar="NAMES", help="For dice: of real, augmented, synthetic and mixed. Default all."
        ),
    ] = "",
    repeats: Repeats = None,
    unet_steps: UnetSteps = None,
    seed: Seed = None,
    out: ReportFolder = None,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Compare synthetic images with real ones: FID, its like in a U-Net's features, U-Net Dice."""
    from medsynth.cli.connect import connect
    from medsynth.cli.follow import follow
    from medsynth.cli.jobs import print_detached
    from medsynth.cli.output import remark
    from medsynth.cli.scores import print_report

    if detach and out is not None:
        raise typer.BadParameter(
            "--out with --detach: the report is there when the job has ended; "
            "`medsynth report JOB --out DIR` saves it then"
        )
    if data is None and is_local_folder(subject):
        raise typer.BadParameter(
            f"{subject} is a folder: --data says which real images to score it against"
        )
    if data is None and preparation.given():
        raise typer.BadParameter(
            f"{', '.join(preparation.given())} without --data: the generator's own data are used "
            "as they were prepared"
        )
    with connect() as client:
        job = client.evaluate(
            absolute(subject) if is_local_folder(subject) else subject,
            data=None if data is None else preparation.source(data),
            count=count,
            metrics=_words(metrics),
            regimes=_words(regimes),
            repeats=repeats,
            unet_steps=unet_steps,
            seed=seed,
        )
        if detach:
            print_detached(job, as_json)
            if not as_json:
                remark(f"save its report then:  medsynth report {job.name} --out DIR")
            return
        job = follow(client, job)
        print_report(client, job.report, out, as_json, job.name)


@examples(
    "medsynth report evaluationJobs/0a1b2c --out scored",
    "medsynth report reports/0a1b2c --json",
)
def report(
    name: Annotated[
        str,
        typer.Argument(metavar="REPORT|JOB", help="reports/ID, or the evaluation job it came of."),
    ],
    out: ReportFolder = None,
    as_json: Json = False,
) -> None:
    """Print the scores of an evaluation that has ended, or save its report."""
    from medsynth.cli.connect import connect
    from medsynth.cli.scores import print_report
    from medsynth.client.names import resource_name
    from medsynth.errors import FailedPreconditionError

    with connect() as client:
        if name.startswith("evaluationJobs/"):
            job = cast("EvaluationJob", client.job(name))
            if not job.report:
                raise FailedPreconditionError(f"{name} has made no report (yet)")
            name = job.report
        print_report(client, resource_name(name, "reports"), out, as_json)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
