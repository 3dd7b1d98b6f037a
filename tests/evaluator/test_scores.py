"""Scores: each with its protocol, missing ones with what to do, finished steps never done twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest

from medsynth.data.prepared import PreparedSet
from medsynth.errors import AbortedError
from medsynth.evaluator import names
from medsynth.evaluator.results import Results
from medsynth.evaluator.scores import NO_REAL_MASKS, NO_SYNTHETIC_MASKS, Bench, compute
from medsynth.evaluator.subject import Synthetic
from medsynth.v1 import evaluator_pb2
from tests.evaluator.prepared import CLASSES, disc_set, discs

STEPS = 12


class Recorder:
    """A bench that notes what happens, and may be told to stop."""

    def __init__(self, folder: Path) -> None:
        self.phases: list[str] = []
        self.last: dict[str, tuple[int, int, str]] = {}
        self.stop_at = ""
        self.bench = Bench(
            device="cpu",
            weights=folder / "weights",
            download=False,
            on_progress=self._on_progress,
            should_stop=lambda: bool(self.stop_at) and self.phases[-1:] == [self.stop_at],
            results=Results(folder / "results", "sha256:" + "a" * 64),
        )

    def _on_progress(
        self, done: int, total: int, unit: str, phase: str, metrics: Mapping[str, float]
    ) -> None:
        if self.phases[-1:] != [phase]:
            self.phases.append(phase)
        self.last[phase] = (done, total, unit)


def specification(**fields: object) -> evaluator_pb2.EvaluationSpecification:
    settings: dict[str, object] = {
        "metrics": names.METRICS,
        "regimes": names.REGIMES,
        "count": 8,
        "repeats": 1,
        "unet_steps": STEPS,
        "seed": 4,
    }
    return evaluator_pb2.EvaluationSpecification(**(settings | fields))


def synthetic(count: int = 8) -> Synthetic:
    return Synthetic("folder", "", *discs(count, seed=8))


Table = Mapping[tuple[str, str, str], evaluator_pb2.Score]


def table(scores: list[evaluator_pb2.Score]) -> Table:
    return {(score.metric, score.comparison, score.label): score for score in scores}


@pytest.fixture(scope="module")
def scored(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Table, Recorder, PreparedSet]:
    recorder, prepared = Recorder(tmp_path_factory.mktemp("scores")), disc_set()
    scores = compute(specification(repeats=2), prepared, synthetic(), recorder.bench)
    return table(scores), recorder, prepared


Scored = tuple[Table, Recorder, PreparedSet]


def test_every_score_is_there_once_and_has_its_protocol(scored: Scored) -> None:
    found, _, prepared = scored
    distances = [(m, c, "") for m in (names.FID, names.UNET_FD) for c in names.COMPARISONS]
    labels = (names.MEAN, *CLASSES[1:])
    dice = [(names.DICE, regime, label) for regime in names.REGIMES for label in labels]
    assert list(found) == distances + dice
    for score in found.values():
        assert score.HasField("value") != bool(score.missing)
        assert score.protocol.features
        assert score.protocol.seed == 4
        assert dict(score.protocol.split_digests) == {
            name: split.digest for name, split in prepared.splits.items()
        }


def test_fid_without_weights_is_missing_with_what_to_do(scored: Scored) -> None:
    found, recorder, _ = scored
    for comparison in names.COMPARISONS:
        score = found[names.FID, comparison, ""]
        assert not score.HasField("value")
        assert str(recorder.bench.weights) in score.missing
        assert "sha256:6726825d" in score.missing
        assert "https://" in score.missing


def test_dice_has_intervals_over_repeats_and_counts_its_images(scored: Scored) -> None:
    found, _, _ = scored
    counts = {names.REAL: (24, 0), names.AUGMENTED: (24, 0), names.SYNTHETIC: (0, 8)}
    for regime in names.REGIMES:
        score = found[names.DICE, regime, names.MEAN]
        assert 0 <= score.low <= score.value <= score.high <= 1
        assert score.protocol.repeats == 2
        assert "volume-wise" in score.protocol.note
        assert f"{STEPS} steps" in score.protocol.note
        expected = counts.get(regime, (24, 8))
        assert (score.protocol.real_count, score.protocol.synthetic_count) == expected


def test_unet_distances_name_the_network_and_their_images(scored: Scored) -> None:
    found, _, _ = scored
    train, test, floor = (found[names.UNET_FD, name, ""] for name in names.COMPARISONS)
    digests = {score.protocol.weights_digest for score in (train, test, floor)}
    assert len(digests) == 1
    assert digests.pop().startswith("sha256:")
    counts = [(s.protocol.real_count, s.protocol.synthetic_count) for s in (train, test, floor)]
    assert counts == [(24, 8), (12, 8), (24, 0)]
    assert "halves of the training patients" in floor.protocol.note


def test_each_unet_is_trained_once_with_its_name_in_the_progress(scored: Scored) -> None:
    _, recorder, _ = scored
    unets = [phase for phase in recorder.phases if phase.startswith("U-Net on")]
    assert unets == [
        f"U-Net on {regime} ({place + 1} of 8)"
        for place, regime in enumerate([*names.REGIMES, *names.REGIMES])
    ]
    assert recorder.last["U-Net on mixed (8 of 8)"] == (8 * STEPS, 8 * STEPS, "steps")
    assert recorder.last["U-Net features"] == (44, 44, "images")


def test_what_an_interrupted_evaluation_finished_is_not_done_again(tmp_path: Path) -> None:
    asked = specification(regimes=[names.REAL, names.SYNTHETIC], metrics=[names.DICE])
    whole = Recorder(tmp_path / "whole")
    expected = compute(asked, disc_set(), synthetic(), whole.bench)

    first = Recorder(tmp_path)
    first.stop_at = "U-Net on synthetic (2 of 2)"
    with pytest.raises(AbortedError):
        compute(asked, disc_set(), synthetic(), first.bench)
    second = Recorder(tmp_path)
    assert compute(asked, disc_set(), synthetic(), second.bench) == expected
    assert second.phases == ["U-Net on synthetic (2 of 2)"]


def test_real_data_without_masks_make_the_unet_s_scores_not_applicable(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    found = compute(specification(), disc_set(masks=False), synthetic(), recorder.bench)
    missing = [score for score in found if score.metric != names.FID]
    assert len(missing) == len(names.COMPARISONS) + len(names.REGIMES)
    assert {score.missing for score in missing} == {NO_REAL_MASKS}
    assert recorder.phases == []


def test_synthetic_images_without_masks_still_have_distances(tmp_path: Path) -> None:
    bare = dataclasses.replace(synthetic(), masks=None)
    found = table(compute(specification(), disc_set(), bare, Recorder(tmp_path).bench))
    assert found[names.UNET_FD, names.SYNTHETIC_TRAIN, ""].HasField("value")
    for regime in (names.REAL, names.AUGMENTED):
        assert found[names.DICE, regime, names.MEAN].HasField("value")
    for regime in (names.SYNTHETIC, names.MIXED):
        assert found[names.DICE, regime, names.MEAN].missing == NO_SYNTHETIC_MASKS


def test_two_channels_have_no_fid(tmp_path: Path) -> None:
    prepared = dataclasses.replace(disc_set(), channels=2)
    asked = specification(metrics=[names.FID])
    found = compute(asked, prepared, synthetic(), Recorder(tmp_path).bench)
    assert [score.missing.partition(":")[0] for score in found] == ["not applicable"] * 3
