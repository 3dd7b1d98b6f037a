"""`medsynth draw`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medsynth.cli.flags import Detach, Json, Seed, examples, int32, int64, with_flag_groups

if TYPE_CHECKING:
    from medsynth.v1.sampler_pb2 import SetStatement


def _said(help: str, metavar: str = "TEXT", **details: Any) -> Any:
    """A flag of the panel on the set's words about itself."""
    return typer.Option(metavar=metavar, help=help, rich_help_panel="What the set says", **details)


@dataclass(frozen=True)
class StatementFlags:
    """What the set says about itself. None: that it is not stated."""

    title: Annotated[str | None, _said("Its name.")] = None
    licence: Annotated[str | None, _said("Text, name or URL of its licence.")] = None
    intended_use: Annotated[str | None, _said("What it is meant for.")] = None
    citation: Annotated[str | None, _said("How to cite it.")] = None
    creator: Annotated[str | None, _said("Person or organisation that made it.")] = None
    url: Annotated[str | None, _said("Its page.", "URL")] = None
    date: Annotated[str | None, _said("When it was made.", "YYYY-MM-DD")] = None
    number: Annotated[
        int | None,
        _said("Among nnU-Net's data sets, 1 to 999. Default 900.", "N", parser=int32),
    ] = None

    def message(self) -> SetStatement | None:
        """The message, or None where nothing is stated."""
        from medsynth.v1.sampler_pb2 import SetStatement

        given = {name: value for name, value in asdict(self).items() if value is not None}
        return SetStatement(**given) if given else None


@examples(
    "medsynth draw generators/0a1b2c --count 10000 --format nnunet",
    "medsynth draw 0a1b2c --format dicom --licence CC-BY-4.0 --intended-use teaching",
)
@with_flag_groups
def draw(
    generator: Annotated[
        str, typer.Argument(metavar="GENERATOR", help="generators/ID, or the ID alone.")
    ],
    statement: StatementFlags,
    count: Annotated[
        int | None, typer.Option(metavar="N", parser=int64, help="Images. Default 10000.")
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="png, npz, nifti, nnunet, dicom, webdataset or coco. Default png.",
        ),
    ] = None,
    seed: Seed = None,
    first: Annotated[
        int | None,
        typer.Option(metavar="N", parser=int64, help="Index of the first image. Default 0."),
    ] = None,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Draw a whole synthetic data set into the services' storage; prints its folder.

    A job that breaks off goes on where it was. `medsynth sample` draws a few images into a folder
    of this machine instead.
    """
    from medsynth.cli.connect import connect
    from medsynth.cli.follow import follow
    from medsynth.cli.jobs import print_detached
    from medsynth.cli.output import emit, remark, say

    with connect() as client:
        job = client.create_synthetic_dataset(
            generator,
            count=count,
            seed=seed,
            first_index=first,
            format=format,
            statement=statement.message(),
        )
        if detach:
            print_detached(job, as_json)
            return
        job = follow(client, job)
    if as_json:
        emit({"job": job.name, "uri": job.uri, "digest": job.digest})
        return
    say(job.uri)
    if job.specification.format in ("png", "npz"):
        remark(f"score it:  medsynth evaluate {job.name} --out report")
