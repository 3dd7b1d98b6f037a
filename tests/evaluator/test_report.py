"""The page: complete, self-contained, escaped."""

from __future__ import annotations

import base64
import dataclasses
import io
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest
from PIL import Image

from medsynth.evaluator import figures, names
from medsynth.evaluator.report import evenly, render
from medsynth.evaluator.verdict import verdict, warnings
from medsynth.v1 import evaluator_pb2
from tests.evaluator.reports import example_material, example_report, score

_VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """Every attribute and text of a page, and whether its elements are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"style", "title"}:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def all_attributes(page: Page, *wanted: str) -> list[str]:
    return [value for _, name, value in page.attributes if name in wanted]


def test_the_page_needs_nothing_else() -> None:
    html = render(example_report(), example_material())
    page = Page(html)
    assert page.open == []
    links = all_attributes(page, "src", "href", "xlink:href", "srcset", "data", "action")
    assert links
    assert [link for link in links if not re.match("data:image/png;base64,|#", link)] == []
    assert not re.search(r"url\((?!#)|@import|<script", html)
    pictures = [link.partition(",")[2] for link in links if link.startswith("data:")]
    assert len(pictures) == 2
    for encoded in pictures:
        picture = Image.open(io.BytesIO(base64.b64decode(encoded, validate=True)))
        picture.load()
        assert min(picture.size) > 400


def test_the_page_shows_every_score_with_its_protocol() -> None:
    report = example_report()
    page = Page(render(report, example_material()))
    for entry in report.scores:
        if entry.HasField("value"):
            digits = 3 if entry.metric == names.DICE else 2
            assert f"{entry.value:.{digits}f}" in page.text
            assert entry.protocol.features in page.text
        if entry.HasField("low"):
            assert f"{entry.low:.3f} to {entry.high:.3f}" in page.text
    assert "a" * 64 in page.text
    assert "The weights are missing: fetch <them>." in page.text
    assert "missing" in page.text


def test_what_people_named_is_escaped() -> None:
    report, material = example_report(), example_material()
    report.subject = "<img src=http://example.org/x onerror=alert(1)>"
    material.dataset.classes[1] = "<script>alert(2)</script>"
    page = Page(render(report, material))
    assert all_attributes(page, "onerror") == []
    assert "alert(2)" in page.text
    assert not [tag for tag, _, _ in page.attributes if tag == "script"]


def test_without_masks_and_curve_the_sections_are_left_out() -> None:
    material = dataclasses.replace(example_material(masks=False), curve=())
    report = example_report()
    del report.scores[:]
    report.scores.append(score(names.FID, names.SYNTHETIC_TRAIN, 12.0))
    text = Page(render(report, material)).text
    assert "Are they useful" not in text
    assert "How the training went" not in text
    assert "12.00" in text


@pytest.mark.parametrize(("count", "wanted"), [(1, 16), (7, 16), (1000, 16)])
def test_evenly_spaced_indexes_are_distinct_and_within(count: int, wanted: int) -> None:
    found = evenly(count, wanted)
    assert len(set(found)) == len(found) == min(count, wanted)
    assert found[0] == 0
    assert found[-1] == count - 1


def test_charts_take_the_page_s_colours_and_keep_their_ids_apart() -> None:
    curve = [{"images": 10, "loss/generator": 1.0, "logits/real": 2.0}]
    charts = [figures.dice_chart({"real": {"mean": (0.5, 0.4, 0.6)}}, ("background", "lv"))]
    charts += [chart for _, chart in figures.curve_charts(curve)]
    assert len(charts) == 3
    ids: list[str] = []
    for chart in charts:
        root = ElementTree.fromstring(chart)
        found = [value for node in root.iter() if (value := node.get("id")) is not None]
        used = [
            value.removeprefix("#")
            for node in root.iter()
            for name, value in node.attrib.items()
            if name.endswith("href")
        ]
        assert set(used) <= set(found)
        ids += found
        assert "currentColor" in chart
        assert "#0f0e0d" not in chart
    assert len(set(ids)) == len(ids)


def test_the_verdict_names_the_share_of_real() -> None:
    said = verdict(example_report())
    assert "0.742" in said
    assert "85%" in said
    assert "raise it by 0.008" in said


def test_the_verdict_falls_back_to_distances_and_says_that_use_was_not_measured() -> None:
    report = evaluator_pb2.Report()
    assert "None of the scores" in verdict(report)
    report.scores.append(score(names.FID, names.SYNTHETIC_TRAIN, 40.0))
    assert "40.00" in verdict(report)
    report.scores.append(score(names.FID, names.FLOOR, 10.0))
    assert "4.0 times" in verdict(report)
    assert "not measured" in verdict(report)


def test_a_weak_real_row_is_called_out() -> None:
    report = example_report()
    assert warnings(report) == []
    for entry in report.scores:
        if entry.comparison == names.REAL and entry.label == names.MEAN:
            entry.value = 0.31
    assert "0.310" in warnings(report)[0]
