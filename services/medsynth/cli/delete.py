"""`medsynth delete`, and what the groups' own `delete` do."""

from __future__ import annotations

from typing import Annotated

import typer

from medsynth.cli.flags import Json, examples

Force = Annotated[
    bool,
    typer.Option("--force", help="Delete it although others cite it. Active jobs are respected."),
]


@examples(
    "medsynth delete reports/0a1b2c",
    "medsynth delete syntheticDatasets/0a1b2c --force",
)
def delete(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="datasets/ID, inspections/ID, generators/ID, syntheticDatasets/ID or reports/ID.",
        ),
    ],
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Delete something that was made, with its files. Refused while it is needed or cited."""
    from medsynth.cli.connect import connect
    from medsynth.cli.output import emit, say

    with connect() as client:
        client.delete(name, force=force)
    if as_json:
        emit({"deleted": name})
    else:
        say(f"{name} deleted")
