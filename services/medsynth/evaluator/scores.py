"""All scores of an evaluation, each with its protocol; what cannot be had is said to be missing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from medsynth.data.prepared import PreparedSet
from medsynth.errors import AbortedError
from medsynth.evaluator import names, usefulness
from medsynth.evaluator.distances import Distance, compare, image_count
from medsynth.evaluator.results import Results
from medsynth.evaluator.subject import Synthetic
from medsynth.levels import as_bytes
from medsynth.metrics import (
    InceptionFeatures,
    Missing,
    as_rgb,
    confidence_interval,
    find_weights,
    inception,
)
from medsynth.networks import choose_device, weights_digest
from medsynth.segmentation import PROTOCOL, RECIPE, latent_features
from medsynth.v1 import evaluator_pb2

NO_REAL_MASKS: Final = (
    "not applicable: the real data have no masks, from which the U-Net would learn"
)
NO_SYNTHETIC_MASKS: Final = (
    "not applicable: the synthetic images have no masks, from which a U-Net would learn"
)

OnProgress = Callable[[int, int, str, str, Mapping[str, float]], None]
"""Told done, total, their unit, the phase, and metrics."""


@dataclass(frozen=True)
class Bench:
    """Where scores are computed.

    Attributes:
        device: `auto`, `cpu` or `cuda`.
        weights: Folder of pretrained weights.
        download: Whether weights that are not there may be fetched.
        on_progress: Told how far it is.
        should_stop: Asked often; True ends it with an `AbortedError`.
        results: Finished steps of earlier attempts.
    """

    device: str
    weights: Path
    download: bool
    on_progress: OnProgress
    should_stop: Callable[[], bool]
    results: Results


def compute(
    specification: evaluator_pb2.EvaluationSpecification,
    prepared: PreparedSet,
    synthetic: Synthetic,
    bench: Bench,
) -> list[evaluator_pb2.Score]:
    """Every score that was asked for, in the order of `names`.

    Args:
        specification: With every default filled in.
        prepared: The real data.
        synthetic: The synthetic images; they match the real ones (`subject.check_match`).
        bench: Where to compute.

    Raises:
        AbortedError: `bench.should_stop` said so; finished steps are kept in `bench.results`.
    """
    scoring = _Scoring(specification, prepared, synthetic, bench)
    scores: list[evaluator_pb2.Score] = []
    if names.FID in specification.metrics:
        scores += scoring.fid()
    if names.UNET_FD in specification.metrics or names.DICE in specification.metrics:
        scores += scoring.with_unets()
    return scores


class _Scoring:
    def __init__(
        self,
        specification: evaluator_pb2.EvaluationSpecification,
        prepared: PreparedSet,
        synthetic: Synthetic,
        bench: Bench,
    ) -> None:
        self.specification = specification
        self.prepared = prepared
        self.synthetic = synthetic
        self.bench = bench

    # Distances

    def fid(self) -> list[evaluator_pb2.Score]:
        """FID, or why it is missing."""
        known = {"features": inception.PROTOCOL, "resize": inception.RESIZE}
        if self.prepared.channels not in (1, 3):
            reason = (
                f"not applicable: the images have {self.prepared.channels} channels, and the "
                "Inception network takes grey or colour ones"
            )
            return self._missing(names.FID, names.COMPARISONS, reason, **known)
        found = find_weights(self.bench.weights, download=self.bench.download)
        if isinstance(found, Missing):
            return self._missing(names.FID, names.COMPARISONS, str(found), **known)
        kept = self.bench.results.get("fid")
        if kept is None:
            extractor = InceptionFeatures(found, device=str(choose_device(self.bench.device)))
            distances = self._compare(
                lambda images: extractor(as_rgb(as_bytes(images))), "Inception"
            )
            kept = {"digest": extractor.digest, "distances": distances}
            self.bench.results.put("fid", kept)
        note = "8-bit images, divisor n - 1"
        if self.prepared.bits > 8:
            note = "images rounded to 8 bits, divisor n - 1"
        if self.prepared.channels == 1:
            note += ", the grey channel thrice"
        return self._distance_scores(names.FID, kept, note, **known)

    def _compare(self, features: Any, space: str) -> dict[str, list[Any]]:
        total = image_count(self.prepared, self.synthetic.images)

        def on_images(done: int) -> None:
            self._stop_if_asked()
            self.bench.on_progress(done, total, "images", f"{space} features", {})

        found = compare(
            features,
            self.prepared,
            self.synthetic.images,
            seed=self.specification.seed,
            on_images=on_images,
        )
        return {
            name: [entry.value, entry.real_count, entry.synthetic_count, entry.missing]
            for name, entry in found.items()
        }

    def _distance_scores(
        self, metric: str, kept: Mapping[str, Any], note: str, **protocol: str
    ) -> list[evaluator_pb2.Score]:
        scores = []
        for comparison, fields in kept["distances"].items():
            distance = Distance(*fields)
            score = self._score(
                metric,
                comparison,
                real_count=distance.real_count,
                synthetic_count=distance.synthetic_count,
                weights_digest=kept["digest"],
                note=f"{note}; floor: halves of the training patients, none in both",
                missing=distance.missing,
                **protocol,
            )
            if distance.value is not None:
                score.value = distance.value
            scores.append(score)
        return scores

    # U-Nets

    def with_unets(self) -> list[evaluator_pb2.Score]:
        """Scores that need U-Nets trained on the real data: `unet-fd` and `dice`."""
        metrics = self.specification.metrics
        if not self.prepared.classes:
            scores = []
            if names.UNET_FD in metrics:
                scores += self._missing(names.UNET_FD, names.COMPARISONS, NO_REAL_MASKS)
            if names.DICE in metrics:
                regimes = self.specification.regimes
                scores += self._missing(names.DICE, regimes, NO_REAL_MASKS, label=names.MEAN)
            return scores
        plan = list(self._plan())
        trained = {
            (regime, repeat): self._trained(regime, repeat, place, len(plan))
            for place, (regime, repeat) in enumerate(plan)
        }
        scores = []
        if names.UNET_FD in metrics:
            first = trained[names.REAL, 0]
            scores += self._distance_scores(
                names.UNET_FD,
                first,
                f"of the U-Net that was trained on the real training split ({RECIPE}; "
                f"{self.specification.unet_steps} steps); divisor n - 1",
                features=PROTOCOL,
                resize="none",
            )
        if names.DICE in metrics:
            for regime in self.specification.regimes:
                runs = [
                    trained[regime, repeat]
                    for repeat in range(self.specification.repeats)
                    if (regime, repeat) in trained
                ]
                scores += self._dice_scores(regime, runs)
        return scores

    def _plan(self) -> Iterator[tuple[str, int]]:
        """The U-Nets to train: regime and repeat."""
        if names.DICE not in self.specification.metrics:
            yield names.REAL, 0
            return
        for repeat in range(self.specification.repeats):
            for regime in self.specification.regimes:
                if regime in (names.REAL, names.AUGMENTED) or self.synthetic.masks is not None:
                    yield regime, repeat

    def _trained(self, regime: str, repeat: int, place: int, total: int) -> dict[str, Any]:
        """What one U-Net gave, from an earlier attempt or from training it now."""
        with_distances = (regime, repeat) == (names.REAL, 0) and (
            names.UNET_FD in self.specification.metrics
        )
        step = f"{regime}-{repeat}"
        kept = self.bench.results.get(step)
        if kept is not None:
            return kept
        steps = self.specification.unet_steps
        phase = f"U-Net on {regime} ({place + 1} of {total})"

        def on_progress(done: int, metrics: Mapping[str, float]) -> None:
            self.bench.on_progress(place * steps + done, total * steps, "steps", phase, metrics)

        chosen = usefulness.training_images(
            regime, self.prepared, self.synthetic.images, self.synthetic.masks
        )
        on_progress(0, {})
        unet = usefulness.train_on(
            chosen,
            self.prepared,
            steps=steps,
            seed=(self.specification.seed + repeat) % 2**63,
            device=self.bench.device,
            on_progress=on_progress,
            should_stop=self.bench.should_stop,
        )
        result: dict[str, Any] = {
            "digest": weights_digest(unet),
            "dice": usefulness.dice_on_test(unet, self.prepared),
            "real_count": chosen.real_count,
            "synthetic_count": chosen.synthetic_count,
        }
        if with_distances:
            result["distances"] = self._compare(
                lambda images: latent_features(unet, images), "U-Net"
            )
        self.bench.results.put(step, result)
        return result

    def _dice_scores(
        self, regime: str, runs: Sequence[Mapping[str, Any]]
    ) -> list[evaluator_pb2.Score]:
        if not runs:
            return self._missing(names.DICE, [regime], NO_SYNTHETIC_MASKS, label=names.MEAN)
        scores = []
        for label in runs[0]["dice"]:
            values = [run["dice"][label] for run in runs]
            interval = confidence_interval([math.nan if v is None else v for v in values])
            score = self._score(
                names.DICE,
                regime,
                label=label,
                features=RECIPE,
                weights_digest=runs[0]["digest"] if len(runs) == 1 else "",
                real_count=runs[0]["real_count"],
                synthetic_count=runs[0]["synthetic_count"],
                repeats=len(runs),
                note=f"volume-wise on the real test patients; {self.specification.unet_steps} "
                "steps for every regime; `augmented`: rotations, shifts and flips; synthetic "
                "images raw and unfiltered",
            )
            if interval.repeats == 0:
                score.missing = "not applicable: no test volume has this class"
            else:
                score.value = interval.mean
            if interval.low is not None and interval.high is not None:
                score.low, score.high = max(interval.low, 0.0), min(interval.high, 1.0)
            scores.append(score)
        return scores

    # What all share

    def _missing(
        self, metric: str, comparisons: Sequence[str], reason: str, label: str = "", **known: str
    ) -> list[evaluator_pb2.Score]:
        return [
            self._score(metric, comparison, label=label, missing=reason, **known)
            for comparison in comparisons
        ]

    def _score(
        self, metric: str, comparison: str, *, label: str = "", missing: str = "", **protocol: Any
    ) -> evaluator_pb2.Score:
        splits = {name: split.digest for name, split in self.prepared.splits.items()}
        fields: dict[str, Any] = {
            "seed": self.specification.seed,
            "split_digests": splits,
            "repeats": 1,
        }
        return evaluator_pb2.Score(
            metric=metric,
            comparison=comparison,
            label=label,
            missing=missing,
            protocol=evaluator_pb2.Protocol(**(fields | protocol)),
        )

    def _stop_if_asked(self) -> None:
        if self.bench.should_stop():
            raise AbortedError("the evaluation was told to stop")
