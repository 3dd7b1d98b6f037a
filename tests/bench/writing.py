"""Writing PNG pairs with all that makes them a set, over Pillow's encoding of them alone.

The sets of all rounds stay until the end: a file system takes ten times as long to make a file
where it has just removed many.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medsynth.data.phantom import phantom_volumes
from medsynth.data.preparation import Preparation
from medsynth.data.slices import prepare_volume
from medsynth.data.writers import SampleWriter
from medsynth.data.writers.png_files import encode_pngs
from tests.bench.measure import Bar, Bench, Context, Row, compared, interleaved

Pixels = NDArray[np.uint8]
_OURS, _OTHER = "SampleWriter", "Pillow alone on all cores"
_BATCH = 50


def measure(context: Context) -> Sequence[Row]:
    """Slices of the phantom; Pillow as it comes, in a process for each core, storing nothing."""
    count = context.effort.pick(10_000, 1_000, 60)
    cores = len(os.sched_getaffinity(0))
    rows = []
    for size in context.effort.pick((64, 128, 256), (64,), (32,)):
        context.say(f"drawing slices of {size} px")
        images, masks = _slices(size, context.effort.pick(40, 20, 1))
        with ProcessPoolExecutor(cores, multiprocessing.get_context("fork")) as pool:
            numbers = interleaved(
                {
                    _OURS: partial(_written, context.folder, images, masks, count),
                    _OTHER: partial(_encoded, pool, images, masks, count),
                },
                context.effort.pick(5, 3, 1),
                context.say,
            )
        share = _encoded_size(images, masks) / _encode((images[:, 0], masks))
        what = f"writing {count:,} PNG pairs of {size} px ({share:.0%} of Pillow's bytes)"
        rows.append(compared(what, "pairs/s", numbers, _OURS, _OTHER, Bar("at least", 0.9)))
    return rows


def _slices(size: int, patients: int) -> tuple[Pixels, Pixels]:
    preparation = Preparation(size=size, crop="foreground")
    parts = [prepare_volume(volume, preparation) for volume in phantom_volumes(patients)]
    images = np.concatenate([part.images for part in parts]).astype(np.uint8)
    masks = np.concatenate([part.masks for part in parts if part.masks is not None])
    return images, masks


def _batches(images: Pixels, masks: Pixels, count: int) -> Sequence[tuple[int, Pixels, Pixels]]:
    """Batches of the slices, which come again until there are enough."""
    starts = range(0, count, _BATCH)
    places = [np.arange(s, min(s + _BATCH, count)) % len(images) for s in starts]
    return [(s, images[p], masks[p]) for s, p in zip(starts, places, strict=True)]


def _written(folder: Path, images: Pixels, masks: Pixels, count: int) -> float:
    batches = _batches(images, masks, count)
    place = Path(mkdtemp(dir=folder))
    began = time.perf_counter()
    with SampleWriter(place, "png", {}) as writer:
        for batch in batches:
            writer.write(*batch)
    return count / (time.perf_counter() - began)


def _encoded_size(images: Pixels, masks: Pixels) -> int:
    return sum(len(content) for part in (images, masks) for content in encode_pngs(part))


def _encoded(pool: ProcessPoolExecutor, images: Pixels, masks: Pixels, count: int) -> float:
    parts = [(batch[1][:, 0], batch[2]) for batch in _batches(images, masks, count)]
    began = time.perf_counter()
    assert sum(pool.map(_encode, parts)) > 0
    return count / (time.perf_counter() - began)


def _encode(part: tuple[Pixels, Pixels]) -> int:
    size = 0
    for planes in part:
        for plane in planes:
            stream = io.BytesIO()
            Image.fromarray(plane).save(stream, "PNG")
            size += len(stream.getvalue())
    return size


BENCH = Bench("write", "PNG pairs over Pillow's encoding of them alone", measure)
