"""The layout of CT KIDNEY DATASET: Normal-Cyst-Tumor-Stone (Islam 2022): kidney CT slices.

`Cyst/Cyst- (1).jpg` and likewise `Normal`, `Stone` and `Tumor`, at any depth or without folders.
There are no masks; the class is the group.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from medsynth.data.files import Files
from medsynth.data.readers.checks import checked_images
from medsynth.data.readers.image_files import ending, read_image_file
from medsynth.data.readers.interface import ReaderOptions, Scan, Survey
from medsynth.data.readers.patients import UNKNOWN, find_patients
from medsynth.data.volume import Volume
from medsynth.errors import DataError

NAME = "kidney_ct"
VERSION = 1
LAYOUT = "Cyst/Cyst- (N).jpg, likewise Normal, Stone and Tumor, as in CT KIDNEY DATASET"
OPTIONS: tuple[str, ...] = ("patient_pattern",)

_IMAGE = re.compile(r"(?:[^/]+/)*((Cyst|Normal|Stone|Tumor)- \(\d+\))\.jpe?g", re.IGNORECASE)


def recognises(files: Files) -> bool:
    """Whether every image file is named as in this set."""
    images = [path for path in files.paths if ending(path)]
    return bool(images) and all(_IMAGE.fullmatch(path) for path in images)


def relevant(files: Files) -> list[str]:
    """Every image."""
    return [path for path in files.paths if _IMAGE.fullmatch(path)]


def survey(files: Files, options: ReaderOptions) -> Survey:
    """A scan for each image.

    Raises:
        DataError: There is none.
        InvalidArgumentError: The pattern finds no patient in any path.
    """
    found = [match for match in map(_IMAGE.fullmatch, files.paths) if match]
    if not found:
        raise DataError(f"{files.uri}: no images found. Expected {LAYOUT}")
    times = Counter(match[1] for match in found)
    # The same name in two folders is most likely the same slice, so the same patient.
    patients, problems = find_patients([(match[0], match[1]) for match in found], options)
    scans = [
        Scan(
            patients[match[0]],
            match[1] if times[match[1]] == 1 else match[0],
            (match[0],),
            detail=match[2].lower(),
        )
        for match in found
        if match[0] in patients
    ]
    remarks = () if options.patient_pattern else (UNKNOWN,)
    return Survey(scans, (), problems, remarks, modality="CT")


def read(root: Path, scan: Scan, options: ReaderOptions) -> Volume:
    """One slice."""
    file = root / scan.files[0]
    images = checked_images(read_image_file(file)[None], file)
    return Volume(scan.patient, scan.name, scan.detail, images, None, None)
