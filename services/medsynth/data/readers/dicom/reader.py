"""The scans of a folder of DICOM files, and one of them as a volume."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medsynth.data.files import Files
from medsynth.data.pseudonyms import pseudonym_key
from medsynth.data.readers.dicom.headers import Headers
from medsynth.data.readers.dicom.names import must_be, relevant
from medsynth.data.readers.dicom.opening import opened
from medsynth.data.readers.dicom.painting import paint
from medsynth.data.readers.dicom.placement import placement
from medsynth.data.readers.dicom.planes import Plane
from medsynth.data.readers.dicom.quiet import quiet
from medsynth.data.readers.dicom.scan import KEYWORDS, Detail
from medsynth.data.readers.dicom.stored import read_images
from medsynth.data.readers.dicom.surveying import surveyed
from medsynth.data.readers.interface import ReaderOptions, Scan, Survey
from medsynth.data.volume import Volume
from medsynth.errors import DataError

NAME = "dicom"
VERSION = 2
LAYOUT = "DICOM series in any nesting (.dcm, .ima, or names without an ending), DICOM SEG as masks"
OPTIONS: tuple[str, ...] = ("patient_pattern", "class_names")


def survey(files: Files, options: ReaderOptions) -> Survey:
    """A scan for each series, or for each volume that a series holds.

    Raises:
        DataError: There are no DICOM files, or no key of pseudonyms.
        InvalidArgumentError: `class_names` has a name that no segment has, or `patient_pattern`
            is found in no path.
    """
    pseudonym_key()
    headers = Headers(options)
    with quiet():
        headers.look(files, relevant(files), must_be)
        found = surveyed(headers, files.uri, options)
    if not found.scans and not found.problems:
        raise DataError(f"{files.uri}: no DICOM images found. Expected {LAYOUT}")
    return found


def read(root: Path, scan: Scan, options: ReaderOptions) -> Volume:
    """One volume; messages call its files as `Detail.shown` does."""
    detail: Detail = scan.detail
    names = [root / shown for shown in detail.shown]
    with quiet():
        found = read_images(root, scan, names)
        where = placement(found.slices)
        masks = None
        remarks = (*detail.remarks, *found.remarks, *where.remarks)
        if detail.labels:
            masks = np.zeros((len(found.images), *found.images.shape[2:]), np.uint8)
            remarks += tuple(_painted(root, scan, names, found.slices, masks))
            found.blank(masks)
    return Volume(
        scan.patient,
        scan.name,
        "",
        found.images,
        masks,
        where.affine,
        found.units,
        remarks,
        oriented=where.oriented,
    )


def _painted(
    root: Path,
    scan: Scan,
    names: Sequence[Path],
    slices: Sequence[Plane],
    masks: NDArray[np.uint8],
) -> Iterator[str]:
    """Draws every segmentation into the masks.

    Yields:
        Remarks on them.

    Raises:
        DataError: None of their frames is of the volume, or one cannot be drawn.
    """
    detail: Detail = scan.detail
    frames, overlap = 0, False
    for place, labels in enumerate(detail.labels, detail.images):
        dataset = opened(root / scan.files[place], names[place], KEYWORDS, pixels=True)
        drawn = paint(dataset, names[place], slices, dict(labels), masks, alone=detail.alone)
        frames, overlap = frames + drawn.frames, overlap or drawn.overlap
    if not frames:
        raise DataError(f"{names[0]}: no frame of its series' segmentations is of this volume")
    if overlap:
        yield "its segments overlap: where they do, the last in the order of classes stays"
