"""A report and its material, as an evaluation of a generator makes them."""

from __future__ import annotations

import numpy as np

from medsynth.evaluator import names
from medsynth.evaluator.report import Material
from medsynth.v1 import evaluator_pb2, types_pb2

CLASSES = ("background", "rv cavity", "myocardium", "lv cavity")


def score(
    metric: str, comparison: str, value: float | None, label: str = "", **fields: object
) -> evaluator_pb2.Score:
    protocol = evaluator_pb2.Protocol(
        features=f"{metric} features",
        real_count=720,
        synthetic_count=1000,
        repeats=3,
        split_digests={"train": "sha256:" + "a" * 64},
    )
    made = evaluator_pb2.Score(
        metric=metric, comparison=comparison, label=label, protocol=protocol, **fields
    )
    if value is not None:
        made.value = value
    return made


def example_report() -> evaluator_pb2.Report:
    scores = [
        score(names.FID, comparison, None, missing="The weights are missing: fetch <them>.")
        for comparison in names.COMPARISONS
    ]
    scores += [
        score(names.UNET_FD, comparison, value)
        for comparison, value in zip(names.COMPARISONS, (12.345, 13.9, 3.21), strict=True)
    ]
    for regime, mean in zip(names.REGIMES, (0.871, 0.882, 0.742, 0.879), strict=True):
        scores.append(
            score(names.DICE, regime, mean, names.MEAN, low=mean - 0.02, high=mean + 0.02)
        )
        scores += [
            score(names.DICE, regime, mean + shift, name)
            for name, shift in zip(CLASSES[1:], (-0.03, -0.02, 0.05), strict=True)
        ]
    report = evaluator_pb2.Report(
        name="reports/1f2e",
        evaluation_job="evaluationJobs/1f2e",
        dataset="datasets/0123456789abcdef",
        subject="generators/hinge-0123",
        subject_digest="sha256:" + "b" * 64,
        scores=scores,
    )
    report.create_time.FromSeconds(1_700_000_000)
    return report


def example_material(masks: bool = True) -> Material:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (16, 1, 64, 64), dtype=np.uint8)
    labels = np.zeros((16, 64, 64), np.uint8)
    labels[:, 16:48, 16:48], labels[:, 24:40, 24:40] = 2, 3
    splits = [
        types_pb2.DatasetSplit(
            name=name, patients=36, volumes=72, slices=720, digest="sha256:" + "c" * 64
        )
        for name in ("train", "validation", "test")
    ]
    preparation = types_pb2.Preparation(
        size=64, crop="centre", crop_share=0.6, intensity="percentiles"
    )
    dataset = types_pb2.Dataset(
        source=types_pb2.DataSource(uri="phantom://cardiac", preparation=preparation),
        channels=1,
        size=64,
        classes=CLASSES if masks else (),
        splits=splits,
    )
    curve = [
        {
            "images": step * 5000,
            "loss/generator": 1 + 0.5 * np.sin(step),
            "loss/discriminator": 1 - 1 / step,
            "logits/real": 1 / step,
            "logits/fake": -1 / step,
        }
        for step in range(1, 21)
    ]
    shown = labels if masks else None
    return Material(dataset, images, shown, images[::-1].copy(), shown, curve)
