from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from medsynth.data.inspecting import inspect
from medsynth.data.inspection import Thumbnail
from medsynth.data.inspection_page import render_inspection, verdict, warnings
from medsynth.data.inspection_tally import THUMBNAILS
from medsynth.data.source import Source
from tests.data.acdc_files import acdc_folder


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    folder = acdc_folder(tmp_path, patients=6)
    (folder / "patient001" / "patient001_frame01.nii.gz").write_bytes(b"<script>")
    found, thumbnails = inspect(Source(str(folder)), progress=lambda done, total: None)
    page = render_inspection(found, thumbnails)
    assert page.count("data:image/png;base64,") == len(thumbnails) == 11
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page
    assert verdict(found) in page
    assert "rv cavity" in page


def blank_thumbnails() -> Iterator[Thumbnail]:
    for number in range(THUMBNAILS):
        yield Thumbnail(f"<b>{number}</b>", np.zeros((3, 20, 30), np.uint8), None)


def test_names_are_escaped(tmp_path: Path) -> None:
    folder = acdc_folder(tmp_path)
    found, _ = inspect(Source(str(folder)), progress=lambda done, total: None)
    page = render_inspection(found, list(blank_thumbnails()))
    assert "<b>3</b>" not in page
    assert "&lt;b&gt;3&lt;/b&gt;" in page


def test_that_no_split_can_be_made_is_a_warning(tmp_path: Path) -> None:
    found, _ = inspect(Source(str(acdc_folder(tmp_path))), progress=lambda done, total: None)
    said = "The patients cannot be divided as asked"
    assert not any(said in warning for warning in warnings(found))
    assert said in warnings(replace(found, splits=()))[-1]
