"""`medsynth presets`."""

from __future__ import annotations

from typing import Annotated

import typer

from medsynth.cli.flags import Json, examples


@examples(
    "medsynth presets",
    "medsynth presets hinge",
)
def presets(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One preset, with every field.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the GANs that can be trained, or every field of one.

    Each field can be overridden: medsynth train ... --set FIELD=VALUE
    """
    from medsynth.cli.connect import connect
    from medsynth.cli.output import details, emit, say, table, to_json
    from medsynth.errors import InvalidArgumentError

    with connect() as client:
        found = {preset.name: preset for preset in client.presets()}
    if name is None:
        if as_json:
            emit({"presets": [to_json(preset) for preset in found.values()]})
        else:
            rows = [(preset.name, preset.summary, preset.paper) for preset in found.values()]
            table(("preset", "what makes it", "paper"), rows)
        return
    if name not in found:
        raise InvalidArgumentError.field("name", name, f"one of {', '.join(found)}")
    preset = found[name]
    if as_json:
        emit(to_json(preset))
        return
    say(preset.summary)
    say(preset.paper)
    say()
    details({field: value for field, value in to_json(preset.gan).items() if field != "preset"})
