from __future__ import annotations

import contextlib
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from medsynth.data.writers import Form, SetDescription
from medsynth.data.writers.coco import FORMAT
from medsynth.data.writers.interface import Summary
from medsynth.data.writers.output import Output
from tests.data.writers.samples import CLASSES, describe, labels, pixels, write


def load(file: Path) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(file))


@pytest.mark.parametrize(("channels", "bits"), [(1, 8), (3, 8), (1, 16)])
def test_pixel_for_pixel_by_pycocotools_and_pillow(
    channels: int, bits: int, tmp_path: Path
) -> None:
    images, masks = pixels(5, channels, bits=bits), labels(5)
    masks[2] = 0
    write(tmp_path / "a", "coco", images, masks, first=997)
    coco = load(tmp_path / "a" / "annotations.json")
    assert coco.getImgIds() == list(range(997, 1002))
    for place, image in enumerate(coco.loadImgs(coco.getImgIds())):
        with Image.open(tmp_path / "a" / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"])
            values = np.atleast_3d(np.asarray(picture)).transpose(2, 0, 1)
        assert np.array_equal(values, images[place])
        mask = np.zeros((5, 6), np.uint8)
        for annotation in coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]])):
            mask += annotation["category_id"] * coco.annToMask(annotation)
        assert np.array_equal(mask, masks[place])


def test_areas_and_boxes(tmp_path: Path) -> None:
    mask = np.zeros((1, 5, 6), np.uint8)
    mask[0, 1:4, 2:4], mask[0, 4, 0] = 2, 3
    write(tmp_path / "a", "coco", pixels(1), mask, first=12)
    annotations = json.loads((tmp_path / "a" / "annotations.json").read_text())["annotations"]
    facts = [(a["id"], a["category_id"], a["area"], a["bbox"]) for a in annotations]
    assert facts == [(12 * 256 + 2, 2, 6, [2, 1, 2, 3]), (12 * 256 + 3, 3, 1, [0, 4, 1, 1])]


def test_what_the_set_is(tmp_path: Path) -> None:
    about = describe(licence="CC0-1.0", creator="A lab", date="2024-12-31")
    write(tmp_path / "a", "coco", pixels(1), labels(1), about)
    fields = json.loads((tmp_path / "a" / "annotations.json").read_text())
    assert fields["licenses"] == [{"id": 1, "name": "CC0-1.0", "url": ""}]
    assert fields["info"]["year"] == 2024
    assert fields["info"]["contributor"] == "A lab"
    assert "research only" in fields["info"]["description"]
    assert [(c["id"], c["name"]) for c in fields["categories"]] == list(enumerate(CLASSES))[1:]


def test_without_masks_or_names(tmp_path: Path) -> None:
    write(tmp_path / "a", "coco", pixels(2), None, SetDescription())
    coco = load(tmp_path / "a" / "annotations.json")
    assert len(coco.getImgIds()) == 2
    assert coco.getAnnIds() == []
    write(tmp_path / "b", "coco", pixels(2), labels(2), SetDescription())
    names = [category["name"] for category in load(tmp_path / "b/annotations.json").cats.values()]
    assert names == ["label 1", "label 2", "label 3"]


def test_a_million_annotations_are_not_held_in_memory(tmp_path: Path) -> None:
    format = FORMAT(Form(1, 8, 8, 8, True), describe())
    note = json.dumps({"id": 0, "segmentation": {"size": [8, 8], "counts": "0" * 200}})
    output = Output(tmp_path)
    tracemalloc.start()
    format.finish(Summary(0, 20_000, 3), (note for _ in range(40_000)), output)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "annotations.json").stat().st_size > 2**23
    assert peak < 2**21
