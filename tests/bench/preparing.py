"""Preparing ACDC's files against the same steps by MONAI."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from medsynth.data.preparation import Preparation
from medsynth.data.prepared import PreparedSet
from medsynth.data.preparing import prepare
from medsynth.data.source import Source
from medsynth.storage import Storage
from tests.bench.measure import Bar, Bench, Context, Row, compared, interleaved
from tests.data.acdc_files import acdc_folder

_REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "acdc"
_SIZE, _CROP = 64, 0.6
_OURS, _MONAI = "prepare", "MONAI's CacheDataset, two workers"


def measure(context: Context) -> Sequence[Row]:
    """Slices in a second, from files to arrays of one form, by all cores."""
    folder = context.effort.pick(_REAL, _REAL, Path("missing"))
    if not folder.is_dir():
        folder = acdc_folder(context.folder / "acdc", patients=3)
        context.say("no ../shared/data/acdc: a few written files stand in for it")
    contestants = {_OURS: partial(_ours, folder, context.folder), _MONAI: partial(_monai, folder)}
    numbers = interleaved(contestants, context.effort.pick(7, 3, 1), context.say)
    return [
        compared("preparing ACDC", "slices/s", numbers, _OURS, _MONAI, Bar("at least", 1.5)),
    ]


def _ours(folder: Path, scratch: Path) -> float:
    """The whole: reading, scaling, cutting, resizing, splitting, digests, publishing."""
    storage = Storage(str(scratch / f"storage-{time.monotonic_ns()}"))
    source = Source(str(folder), preparation=Preparation(size=_SIZE, crop="centre"))
    began = time.perf_counter()
    artifact = prepare(source, storage, "a", progress=lambda done, total: None, scratch=scratch)
    seconds = time.perf_counter() - began
    prepared = PreparedSet.open(artifact, scratch / "cache")
    return sum(len(split.images) for split in prepared.splits.values()) / seconds


def _monai(folder: Path) -> float:
    """Reading, scaling by percentiles, cutting the centre and resizing, kept in memory."""
    from monai.data import CacheDataset
    from monai.transforms import (
        CenterSpatialCropd,
        Compose,
        EnsureChannelFirstd,
        LoadImaged,
        Resized,
        ScaleIntensityRangePercentilesd,
    )

    images = sorted(
        path for path in folder.glob("patient*/*frame*.nii.gz") if "_gt" not in path.name
    )
    pairs = [
        {"image": str(path), "mask": str(path).replace(".nii.gz", "_gt.nii.gz")} for path in images
    ]
    began = time.perf_counter()
    done = CacheDataset(
        pairs,
        Compose(
            [
                LoadImaged(("image", "mask")),
                EnsureChannelFirstd(("image", "mask")),
                ScaleIntensityRangePercentilesd("image", 0.5, 99.5, 0, 255, clip=True),
                _SquareCrop(CenterSpatialCropd),
                Resized(
                    ("image", "mask"), (_SIZE, _SIZE, -1), mode=("bilinear", "nearest"),
                    anti_aliasing=(True, False),
                ),
            ]
        ),
        num_workers=min(2, os.cpu_count() or 1),
        progress=False,
    )  # fmt: skip
    slices = sum(done[index]["image"].shape[-1] for index in range(len(done)))
    return float(slices / (time.perf_counter() - began))


class _SquareCrop:
    """The centre square of each volume, whose sizes differ."""

    def __init__(self, crop: type) -> None:
        self._crop = crop

    def __call__(self, pair: dict) -> dict:
        side = round(_CROP * min(pair["image"].shape[1:3]))
        return self._crop(("image", "mask"), (side, side, -1))(pair)


BENCH = Bench("prepare", "preparing ACDC's files against the same steps by MONAI", measure)
