"""The scans of a folder of DICOM files, and one of them as a volume."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medsynth.data.files import Files
from medsynth.data.pseudonyms import pseudonym_key
from medsynth.data.readers.checks import checked_images
from medsynth.data.readers.dicom.frames import shape_of
from medsynth.data.readers.dicom.intensities import intensities, units_of
from medsynth.data.readers.dicom.names import must_be, relevant
from medsynth.data.readers.dicom.opening import opened
from medsynth.data.readers.dicom.painting import paint
from medsynth.data.readers.dicom.placement import geometry
from medsynth.data.readers.dicom.planes import Plane, planes_of
from medsynth.data.readers.dicom.quiet import quiet
from medsynth.data.readers.dicom.scan import KEYWORDS, Detail
from medsynth.data.readers.dicom.surveying import Finds
from medsynth.data.readers.interface import ReaderOptions, Scan, Survey
from medsynth.data.readers.volume_files import LARGEST
from medsynth.data.volume import Volume
from medsynth.errors import DataError

NAME = "dicom"
VERSION = 1
LAYOUT = "DICOM series in any nesting (.dcm, .ima, or names without an ending), DICOM SEG as masks"
OPTIONS: tuple[str, ...] = ("class_names",)


def survey(files: Files, options: ReaderOptions) -> Survey:
    """A scan for each series, or for each volume that a series holds.

    Raises:
        DataError: There are no DICOM files, or no key of pseudonyms.
        InvalidArgumentError: `class_names` has a name that no segment has.
    """
    pseudonym_key()
    finds = Finds()
    with quiet():
        finds.look(files, relevant(files), must_be)
        found = finds.survey(files.uri, options)
    if not found.scans and not found.problems:
        raise DataError(f"{files.uri}: no DICOM images found. Expected {LAYOUT}")
    return found


def read(root: Path, scan: Scan, options: ReaderOptions) -> Volume:
    """One volume; messages call its files as `Detail.shown` does."""
    detail: Detail = scan.detail
    names = [root / shown for shown in detail.shown]
    with quiet():
        slices, images, units = _images(root, scan, names)
        affine, remarks = geometry(slices)
        masks = None
        if detail.labels:
            masks = np.zeros((len(images), *images.shape[2:]), np.uint8)
            remarks += tuple(_painted(root, scan, names, slices, masks))
    return Volume(
        scan.patient,
        scan.name,
        "",
        checked_images(images, names[0]),
        masks,
        affine,
        units,
        (*detail.remarks, *remarks),
    )


def _images(
    root: Path, scan: Scan, names: Sequence[Path]
) -> tuple[list[Plane], NDArray[np.float32], str]:
    """The slices, their intensities (slices, channels, rows, columns), and the units."""
    detail: Detail = scan.detail
    frames = detail.frames or tuple((file, 0) for file in range(detail.images))
    slices: list[Plane | None] = [None] * len(frames)
    images: NDArray[np.float32] | None = None
    units = set()
    places_in: dict[int, dict[int, int]] = defaultdict(dict)
    for place, (file, frame) in enumerate(frames):
        places_in[file][frame] = place
    for file, places in places_in.items():
        name = names[file]
        dataset = opened(root / scan.files[file], name, KEYWORDS, pixels=True)
        shape = shape_of(dataset, name)
        if len(frames) * int(np.prod(shape, dtype=object)) > LARGEST:
            raise DataError(f"{name}: {len(frames)} slices of {shape} are above {LARGEST} voxels")
        for plane in planes_of(dataset, file, shape):
            if plane.frame in places:
                slices[places[plane.frame]] = plane
        for frame, values in intensities(dataset, name, places):
            if images is None:
                images = np.empty((len(frames), *shape), np.float32)
            if values.shape != images.shape[1:]:
                raise DataError(
                    f"{name}: channels, rows and columns are {values.shape}, but "
                    f"{images.shape[1:]} in the first image of its series"
                )
            images[places[frame]] = values
        units.add(units_of(dataset))
    found = [plane for plane in slices if plane is not None]
    heights = [plane.height for plane in found if plane.placed]
    ordered = all(low < high for low, high in pairwise(heights))
    if images is None or len(found) < len(frames) or not ordered or len(heights) % len(found):
        raise DataError(f"{names[0]}: the images of its series changed since they were looked at")
    return found, images, units.pop() if len(units) == 1 else ""


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
    """
    detail: Detail = scan.detail
    overlap = False
    for place, labels in enumerate(detail.labels, detail.images):
        dataset = opened(root / scan.files[place], names[place], KEYWORDS, pixels=True)
        overlap |= paint(dataset, names[place], slices, dict(labels), masks, alone=detail.alone)
    if overlap:
        yield "its segments overlap: where they do, the last in the order of classes stays"
