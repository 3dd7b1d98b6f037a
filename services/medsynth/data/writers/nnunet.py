"""nnU-Net's raw format, version 2: `DatasetNNN_Name/imagesTr`, `labelsTr` and `dataset.json`.

A case is one slice; each channel is a file of its own. All is for training: synthetic images test
nothing. nnU-Net takes the axis with the largest distance for the one across slices, so the slice
distance is never written smaller than that of rows and columns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

import numpy as np

from medsynth.data.volume import Affine
from medsynth.data.writers.description import RESEARCH, spacings
from medsynth.data.writers.interface import (
    FileKind,
    Form,
    Format,
    Samples,
    SetDescription,
    Summary,
    class_misfit,
)
from medsynth.data.writers.nifti import MEDIA_TYPE, nifti_file, nifti_header
from medsynth.data.writers.output import Output

_CHANNELS: Final = {
    "MR": "MRI", "US": "ultrasound", "XC": "photograph", "OP": "photograph", "OT": "intensity",
}  # fmt: skip
_COLOURED: Final = ("ES", "GM", "OP", "OT", "SM", "US", "XC")
_MOST_LETTERS: Final = 60


class NnUNet(Format):
    """A file for each channel of an image, and one for its mask."""

    def __init__(self, form: Form, description: SetDescription) -> None:
        super().__init__(form, description)
        self._folder = dataset_name(description)
        axes = (form.columns, form.rows, 1)
        geometry = _thick(description.geometry)
        kind = np.dtype(f"uint{form.bits}")
        self._headers = [
            nifti_header(axes, kind, geometry, description.scale(channel, form.levels))
            for channel in range(form.channels)
        ]
        self._mask_header = nifti_header(axes, np.dtype(np.uint8), geometry)

    @classmethod
    def misfit(cls, form: Form, description: SetDescription) -> str:
        """Needs masks; label 0 alone is the background, and the last one alone to be ignored."""
        if not form.masked:
            return "an nnU-Net data set needs masks with a class beside the background"
        if "background" in description.classes[1:]:
            return "in an nnU-Net data set only label 0 may be called background"
        if "ignore" in description.classes[1:-1]:
            return "in an nnU-Net data set only the last label may be called ignore"
        return class_misfit(form, description)

    @classmethod
    def kinds(cls, description: SetDescription) -> tuple[FileKind, ...]:
        """Images and masks."""
        folder = dataset_name(description)
        return (
            FileKind("images", f"{folder}/imagesTr/*.nii.gz", MEDIA_TYPE, "image"),
            FileKind("masks", f"{folder}/labelsTr/*.nii.gz", MEDIA_TYPE, "mask"),
        )

    def encode(self, samples: Samples, output: Output) -> str:
        """A file for each channel and one for the mask of each sample."""
        for index, image, mask in samples:
            case = f"synthetic_{index:09d}"
            for channel, plane in enumerate(image):
                path = f"{self._folder}/imagesTr/{case}_{channel:04d}.nii.gz"
                output.write(path, nifti_file(self._headers[channel], plane))
            assert mask is not None
            path = f"{self._folder}/labelsTr/{case}.nii.gz"
            output.write(path, nifti_file(self._mask_header, mask))
        return ""

    def finish(self, summary: Summary, notes: Iterator[str], output: Output) -> None:
        """Writes `dataset.json`."""
        about = self.description
        classes = about.classes or (
            "background",
            *(f"label {label}" for label in range(1, max(summary.highest, 1) + 1)),
        )
        # Label 0 is always there, and has this name.
        labels = {"background": 0, **{name: n for n, name in enumerate(classes) if n}}
        fields = {
            "channel_names": {str(n): name for n, name in enumerate(self._channel_names())},
            "labels": labels,
            "numTraining": summary.count,
            "file_ending": ".nii.gz",
            "name": self._folder,
            "description": f"{about.name}. {RESEARCH}",
            "reference": about.citation,
            "licence": about.licence,
            "intended_use": about.intended_use,
            "generator": about.generator,
            "generator_digest": about.generator_digest,
            "seed": about.seed,
        }
        content = json.dumps(fields, indent=1, ensure_ascii=False) + "\n"
        output.write(f"{self._folder}/dataset.json", content.encode())

    def _channel_names(self) -> list[str]:
        """Names by which nnU-Net chooses how to scale: `CT` means Hounsfield units."""
        about, count = self.description, self.form.channels
        term = about.modality_term
        if count == 3 and term in _COLOURED:
            return ["R", "G", "B"]
        name = _CHANNELS.get(term, term)
        if term == "CT" and about.units != "HU":
            name = "CT without units"
        return [name if count == 1 or name == "CT" else f"{name} {n}" for n in range(count)]


def dataset_name(description: SetDescription) -> str:
    """`DatasetNNN_Name`, of letters, digits and underscores."""
    words = re.findall(r"[A-Za-z0-9]+", description.title)
    name = "".join(word[:1].upper() + word[1:] for word in words)[:_MOST_LETTERS]
    return f"Dataset{description.number:03d}_{name or 'Synthetic'}"


def _thick(geometry: Affine | None) -> Affine | None:
    if geometry is None:
        return None
    slices, *plane = spacings(geometry)
    thick = geometry.copy()
    thick[:3, 0] *= max(1.0, max(plane) / slices)
    return thick


FORMAT = NnUNet
