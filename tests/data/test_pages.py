from __future__ import annotations

import base64
import io

import jinja2
import numpy as np
import pytest
from PIL import Image

from medsynth.data.pages import key, picture_uri, render_page
from medsynth.data.pictures import outline_colour


def test_a_picture_is_a_png_that_needs_no_other_file() -> None:
    pixels = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    kind, _, content = picture_uri(pixels).partition(",")
    assert kind == "data:image/png;base64"
    assert (np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))) == pixels).all()


def test_the_key_has_the_colours_of_the_outlines() -> None:
    shown = key(["background", "liver", "tumour"])
    assert [entry["name"] for entry in shown] == ["liver", "tumour"]
    assert shown[1]["colour"] == "rgb({},{},{})".format(*outline_colour(2))
    assert key(("background",)) == key([]) == []


def test_a_value_that_a_template_names_has_to_be_there() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render_page("medsynth.data", "inspection.html")
