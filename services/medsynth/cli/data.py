"""`medsynth data ...`: what sources hold, and prepared sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from medsynth.cli.delete import Force
from medsynth.cli.delete import delete as delete_resource
from medsynth.cli.flags import Data, Detach, Json, examples, with_flag_groups
from medsynth.cli.preparation_flags import InspectionFlags, PreparationFlags

if TYPE_CHECKING:
    from medsynth.v1.trainer_pb2 import InspectionJob
    from medsynth.v1.types_pb2 import Dataset

app = typer.Typer(
    no_args_is_help=True, help="Inspect data, and prepare slices of one form, split by patient."
)

Name = Annotated[str, typer.Argument(metavar="DATASET", help="datasets/ID, or the ID alone.")]


@app.command("inspect")
@examples(
    "medsynth data inspect ~/acdc --html acdc.html --split-out split.json",
    "medsynth data inspect ~/scans.zip --reader dicom --json",
    "medsynth data inspect inspectionJobs/0a1b2c --html scans.html",
)
@with_flag_groups
def inspect(
    data: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE|JOB",
            help="A folder, file, archive, bucket or phantom, or an inspection's job: it is waited "
            "for, and nothing is read again.",
        ),
    ],
    preparation: InspectionFlags,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="Where a page with thumbnails goes."),
    ] = None,
    split_out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            dir_okay=False,
            help="Where the patients of each split go, as --split-file takes them.",
        ),
    ] = None,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Say what a source holds before anything is trained on it. Reads every file of it."""
    from medsynth.cli.connect import connect
    from medsynth.cli.follow import follow
    from medsynth.cli.inspection import print_inspection, split_file
    from medsynth.cli.jobs import print_detached
    from medsynth.cli.output import emit, remark, say, to_json
    from medsynth.cli.scores import write_whole

    known = data.startswith("inspectionJobs/")
    if known and preparation.given():
        raise typer.BadParameter(f"{', '.join(preparation.given())}: the job has its own choices")
    files = {
        kind: place.expanduser().absolute()
        for kind, place in (("html", html), ("split", split_out))
        if place is not None
    }
    if detach and files:
        raise typer.BadParameter(
            "--html and --split-out with --detach: what they hold is there when the job has ended; "
            "`medsynth data inspect JOB --html FILE` saves it then"
        )
    for place in files.values():
        place.parent.mkdir(parents=True, exist_ok=True)
    with connect() as client:
        if known:
            job = cast("InspectionJob", client.job(data))
        else:
            job = client.inspect(preparation.source(data))
        if detach:
            print_detached(job, as_json)
            if not as_json:
                remark(f"see what was found then:  medsynth data inspect {job.name}")
            return
        job = follow(client, job)
        found = client.inspection(job.inspection)
        if "html" in files:
            write_whole(files["html"], client.inspection_html(found.name))
        if "split" in files:
            write_whole(files["split"], split_file(found))
    if as_json:
        emit({"job": job.name, **to_json(found), **{kind: str(f) for kind, f in files.items()}})
        return
    print_inspection(found)
    for file in files.values():
        say(str(file))


@app.command("prepare")
@examples(
    "medsynth data prepare --data ~/acdc --size 128 --crop foreground",
)
@with_flag_groups
def prepare(
    data: Data,
    preparation: PreparationFlags,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Prepare a data set and print its name; preparing the same twice is free."""
    from medsynth.cli.connect import connect
    from medsynth.cli.follow import follow
    from medsynth.cli.jobs import print_detached
    from medsynth.cli.output import emit, remark, say, to_json

    with connect() as client:
        job = client.prepare(preparation.source(data))
        if detach:
            print_detached(job, as_json)
            return
        job = follow(client, job)
        dataset = client.dataset(job.dataset)
    if as_json:
        emit({"job": job.name, "dataset": to_json(dataset)})
        return
    say(dataset.name)
    remark(describe(dataset))


@app.command("list")
@examples(
    "medsynth data list",
)
def list_datasets(as_json: Json = False) -> None:
    """List the prepared sets, newest first."""
    from medsynth.cli.connect import connect
    from medsynth.cli.output import emit, local_time, remark, table, to_json

    with connect() as client:
        found = list(client.datasets())
    if as_json:
        emit({"datasets": [to_json(dataset) for dataset in found]})
        return
    if not found:
        remark("no prepared sets yet: medsynth data prepare --data phantom://cardiac")
        return
    table(
        ("dataset", "source", "px", "channels", "patients", "slices", "created"),
        [
            (
                dataset.name,
                dataset.source.uri,
                str(dataset.size),
                str(dataset.channels),
                str(sum(split.patients for split in dataset.splits)),
                f"{sum(split.slices for split in dataset.splits):,}",
                local_time(dataset.create_time),
            )
            for dataset in found
        ],
        numbers=("px", "channels", "patients", "slices"),
    )


@app.command("show")
@examples(
    "medsynth data show datasets/0a1b2c",
)
def show(name: Name, as_json: Json = False) -> None:
    """Show a prepared set: its source, classes and splits."""
    from medsynth.cli.connect import connect
    from medsynth.cli.output import details, emit, to_json

    with connect() as client:
        document = to_json(client.dataset(name))
    if as_json:
        emit(document)
    else:
        details(document)


@app.command("delete")
@examples(
    "medsynth data delete datasets/0a1b2c",
)
def delete(name: Name, force: Force = False, as_json: Json = False) -> None:
    """Delete a prepared set. Refused while a job needs it or others cite it."""
    from medsynth.client.names import resource_name

    delete_resource(resource_name(name, "datasets"), force, as_json)


def describe(dataset: Dataset) -> str:
    """A prepared set in one line: size, classes and the splits."""
    splits = ", ".join(
        f"{split.name} {split.slices:,} slices of {split.patients} patients"
        for split in dataset.splits
    )
    classes = f", {', '.join(dataset.classes)}" if dataset.classes else ", no masks"
    passed_over = f"; {dataset.problems:,} scans passed over" if dataset.problems else ""
    return f"{dataset.size} px{classes}; {splits}{passed_over}"
