"""The names of metrics, comparisons and regimes, as the contract spells them, and of files."""

from __future__ import annotations

from typing import Final

FID: Final = "fid"
UNET_FD: Final = "unet-fd"
DICE: Final = "dice"
METRICS: Final = (FID, UNET_FD, DICE)

SYNTHETIC_TRAIN: Final = "synthetic-train"
SYNTHETIC_TEST: Final = "synthetic-test"
FLOOR: Final = "floor"
COMPARISONS: Final = (SYNTHETIC_TRAIN, SYNTHETIC_TEST, FLOOR)

REAL: Final = "real"
AUGMENTED: Final = "augmented"
SYNTHETIC: Final = "synthetic"
MIXED: Final = "mixed"
REGIMES: Final = (REAL, AUGMENTED, SYNTHETIC, MIXED)

MEAN: Final = "mean"
