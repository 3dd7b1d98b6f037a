"""Pages for people: one HTML file that needs no other, forbids itself scripts and the network."""

from __future__ import annotations

import base64
from typing import Any

import jinja2

from medsynth.data import pictures


def render_page(package: str, template: str, **values: Any) -> str:
    """Fills in a template; text is escaped.

    Args:
        package: The package in which the template lies. It may include `page.css`.
        template: Name of its file.
        values: What it shows; all that it names has to be there.
    """
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader(package, "."), jinja2.PackageLoader("medsynth.data", ".")]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(values)


def picture_uri(pixels: pictures.Picture) -> str:
    """Pixels (rows, columns, 3) as what an `img` takes for its source."""
    return "data:image/png;base64," + base64.b64encode(pictures.png(pixels)).decode()


def key(classes: tuple[str, ...] | list[str]) -> list[dict[str, str]]:
    """Name and colour of each label that is outlined in pictures, background left out."""
    return [
        {"name": name, "colour": "rgb({},{},{})".format(*pictures.outline_colour(label))}
        for label, name in enumerate(classes[1:], start=1)
    ]
