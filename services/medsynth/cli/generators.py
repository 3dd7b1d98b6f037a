"""`medsynth generators ...`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from medsynth.cli.delete import Force
from medsynth.cli.delete import delete as delete_resource
from medsynth.cli.flags import Json, examples

if TYPE_CHECKING:
    from medsynth.v1.types_pb2 import Generator

app = typer.Typer(no_args_is_help=True, help="What was trained: list, show, deploy, delete.")

Name = Annotated[str, typer.Argument(metavar="GENERATOR", help="generators/ID, or the ID alone.")]


@app.command("list")
@examples(
    "medsynth generators list",
)
def list_generators(as_json: Json = False) -> None:
    """List the generators, newest first."""
    from medsynth.cli.connect import connect
    from medsynth.cli.output import emit, local_time, remark, table, to_json

    with connect() as client:
        found = list(client.generators())
    if as_json:
        emit({"generators": [to_json(generator) for generator in found]})
        return
    if not found:
        remark("no generators yet: medsynth train --data phantom://cardiac --gan hinge")
        return
    table(
        ("generator", "gan", "px", "trained on", "images", "served", "created"),
        [
            (
                generator.name,
                generator.gan.preset,
                str(generator.size),
                generator.source.uri,
                f"{generator.images:,}",
                "yes" if generator.deployed else "",
                local_time(generator.create_time),
            )
            for generator in found
        ],
        numbers=("px", "images"),
    )


@app.command("show")
@examples(
    "medsynth generators show generators/0a1b2c",
)
def show(name: Name, as_json: Json = False) -> None:
    """Show a generator: its digests, its data, every field of its GAN, its last metrics."""
    from medsynth.cli.connect import connect
    from medsynth.cli.output import details, emit, to_json

    with connect() as client:
        document = to_json(client.generator(name))
    if as_json:
        emit(document)
    else:
        details(document)


@app.command("deploy")
@examples(
    "medsynth generators deploy generators/0a1b2c",
)
def deploy(name: Name, as_json: Json = False) -> None:
    """Load a generator in Triton, so that the first sample comes at once."""
    from medsynth.cli.connect import connect

    with connect() as client:
        _print(client.deploy(name), as_json)


@app.command("undeploy")
@examples(
    "medsynth generators undeploy generators/0a1b2c",
)
def undeploy(name: Name, as_json: Json = False) -> None:
    """Unload a generator from Triton. Sampling loads it again."""
    from medsynth.cli.connect import connect

    with connect() as client:
        _print(client.undeploy(name), as_json)


@app.command("delete")
@examples(
    "medsynth generators delete generators/0a1b2c",
)
def delete(name: Name, force: Force = False, as_json: Json = False) -> None:
    """Unload and delete a generator. Refused while a job needs it or others cite it."""
    from medsynth.client.names import resource_name

    delete_resource(resource_name(name, "generators"), force, as_json)


def _print(generator: Generator, as_json: bool) -> None:
    from medsynth.cli.output import emit, say, to_json

    if as_json:
        emit(to_json(generator))
    else:
        say(f"{generator.name} {'deployed' if generator.deployed else 'not deployed'}")
