"""The control: masks shuffled among the images are useless, and the scores say so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medsynth.data.preparation import Preparation
from medsynth.data.prepared import PreparedSet
from medsynth.data.preparing import prepare
from medsynth.data.source import Source
from medsynth.evaluator import names
from medsynth.evaluator.results import Results, content_key
from medsynth.evaluator.scores import Bench, compute
from medsynth.evaluator.subject import Synthetic
from medsynth.storage import Storage
from medsynth.v1 import evaluator_pb2

PATIENTS = 30


def scores_of(prepared: PreparedSet, synthetic: Synthetic, folder: Path) -> dict[str, float]:
    asked = evaluator_pb2.EvaluationSpecification(
        metrics=[names.UNET_FD, names.DICE],
        regimes=[names.REAL, names.SYNTHETIC],
        repeats=1,
        unet_steps=250,
    )
    key = content_key(prepared.digest, synthetic.images, synthetic.masks)
    bench = Bench(
        device="cpu",
        weights=folder,
        download=False,
        on_progress=lambda *_: None,
        should_stop=lambda: False,
        results=Results(None, key),
    )
    return {
        f"{score.metric}/{score.comparison}": score.value
        for score in compute(asked, prepared, synthetic, bench)
        if score.label in ("", names.MEAN)
    }


@pytest.mark.slow
def test_shuffled_masks_collapse_dice_and_leave_the_distances(tmp_path: Path) -> None:
    source = Source(
        f"phantom://cardiac?patients={PATIENTS}&slices=6&seed=0&contrast=cine",
        "phantom",
        Preparation(size=64),
    )
    artifact = prepare(source, Storage(str(tmp_path)), "a1", progress=lambda done, total: None)
    prepared = PreparedSet.open(artifact, tmp_path / "cache")
    train = prepared.split("train")
    images, masks = np.array(train.images), np.array(train.masks)
    shuffled = masks[np.random.default_rng(0).permutation(len(masks))]

    right = scores_of(prepared, Synthetic("copies", "", images, masks), tmp_path)
    wrong = scores_of(prepared, Synthetic("shuffled", "", images, shuffled), tmp_path)
    print(right, wrong)

    assert right["dice/real"] > 0.75
    assert right["dice/synthetic"] > 0.9 * right["dice/real"]
    assert wrong["dice/synthetic"] < 0.6 * right["dice/synthetic"]
    for comparison in names.COMPARISONS:
        name = f"{names.UNET_FD}/{comparison}"
        assert wrong[name] == pytest.approx(right[name], abs=1e-9)
