"""COCO: `images/000000123.png` and `annotations.json` with a mask, box and area for each label.

All pixels of a label in an image are one annotation, as a compressed run-length mask. Identifiers
are the index of the image, and 256 times the index plus the label.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np

from medsynth.data.writers.description import RESEARCH
from medsynth.data.writers.interface import (
    FileKind,
    Form,
    Format,
    Samples,
    SetDescription,
    Summary,
    class_misfit,
)
from medsynth.data.writers.output import Output, Stream
from medsynth.data.writers.png import png_misfit
from medsynth.data.writers.png_files import encode_pngs
from medsynth.levels import Labels

ANNOTATIONS: Final = "annotations.json"

_LABELS: Final = 256


class Coco(Format):
    """A file for each image, and one for all masks."""

    @classmethod
    def misfit(cls, form: Form, description: SetDescription) -> str:
        """What PNG holds; without a class there is nothing to annotate."""
        return png_misfit(form) or class_misfit(form, description)

    @classmethod
    def kinds(cls, description: SetDescription) -> tuple[FileKind, ...]:
        """Images; `annotations.json` is about the set as a whole."""
        return (FileKind("images", "images/*.png", "image/png", "image"),)

    def encode(self, samples: Samples, output: Output) -> str:
        """A file for each sample; annotations are returned, one in a line."""
        lines = []
        pictures = encode_pngs(samples.images)
        for (index, _, mask), picture in zip(samples, pictures, strict=True):
            output.write(f"images/{index:09d}.png", picture)
            if mask is not None:
                lines += [_json(annotation) + "\n" for annotation in _annotations(index, mask)]
        return "".join(lines)

    def finish(self, summary: Summary, notes: Iterator[str], output: Output) -> None:
        """Writes `annotations.json`, one image and one annotation after the other."""
        head = {
            "info": self._info(),
            "licenses": [{"id": 1, "name": self.description.licence, "url": ""}],
            "categories": [
                {"id": label, "name": name, "supercategory": ""}
                for label, name in self._categories(summary.highest)
            ],
        }
        images = map(self._image, range(summary.first, summary.first + summary.count))
        with output.open(ANNOTATIONS) as stream:
            stream.write(_json(head)[:-1].encode())
            _write_list(stream, "images", map(_json, images))
            _write_list(stream, "annotations", notes)
            stream.write(b"}\n")

    def _info(self) -> dict[str, Any]:
        about = self.description
        known = {
            "url": about.url,
            "contributor": about.creator,
            "date_created": about.date,
            "generator": about.generator,
            "generator_digest": about.generator_digest,
            "intended_use": about.intended_use,
        }
        return {
            "description": f"{about.name}. {RESEARCH}",
            "version": "1.0",
            **({"year": int(about.date[:4])} if about.date else {}),
            **({"seed": about.seed} if about.seed is not None else {}),
            **{name: value for name, value in known.items() if value},
        }

    def _categories(self, highest: int) -> Iterable[tuple[int, str]]:
        classes = self.description.classes
        labels = range(1, len(classes) if classes else highest + 1)
        return ((label, classes[label] if classes else f"label {label}") for label in labels)

    def _image(self, index: int) -> dict[str, Any]:
        return {
            "id": index,
            "file_name": f"images/{index:09d}.png",
            "height": self.form.rows,
            "width": self.form.columns,
            "license": 1,
        }


def _annotations(index: int, mask: Labels) -> Iterator[dict[str, Any]]:
    from pycocotools import mask as runs

    labels = [label for label in np.unique(mask).tolist() if label]
    if not labels:
        return
    planes = np.asfortranarray(np.stack([mask == label for label in labels], axis=-1), np.uint8)
    encoded = runs.encode(planes)
    for label, mask_runs, area, box in zip(
        labels, encoded, runs.area(encoded).tolist(), runs.toBbox(encoded).tolist(), strict=True
    ):
        yield {
            "id": index * _LABELS + label,
            "image_id": index,
            "category_id": label,
            "iscrowd": 0,
            "area": area,
            "bbox": box,
            "segmentation": {
                "size": list(mask_runs["size"]),
                "counts": mask_runs["counts"].decode("ascii"),
            },
        }


def _write_list(stream: Stream, name: str, values: Iterable[str]) -> None:
    stream.write(f',\n"{name}": ['.encode())
    between = "\n"
    for value in values:
        stream.write(f"{between}{value}".encode())
        between = ",\n"
    stream.write(b"\n]")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


FORMAT = Coco
