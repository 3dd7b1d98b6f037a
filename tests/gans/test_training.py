from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from medsynth.errors import FailedPreconditionError, InvalidArgumentError
from medsynth.gans import training
from medsynth.gans.adversarial import METRICS, AdversarialTraining
from medsynth.gans.checkpoint import read_newest
from medsynth.gans.presets import PRESETS
from medsynth.gans.specification import TrainingRun
from medsynth.gans.training import GRID, TrainingResult, TrainingStopped, train
from medsynth.networks import weights_digest
from tests.gans.tiny import CLASSES, discs, tiny

RUN = TrainingRun(tiny(), images=200, precision="float32", checkpoint_images=70, grid_images=90)


def run_tiny(run: TrainingRun, **options: Any) -> TrainingResult:
    images, masks = discs()
    return train(run, images, masks, CLASSES, device="cpu", **options)


def stop_after(steps: int) -> Callable[[], bool]:
    asked = iter(range(10**6))
    return lambda: next(asked) >= steps


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    log = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    return {tag: [(e.step, e.value) for e in log.Scalars(tag)] for tag in log.Tags()["scalars"]}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_training_that_was_stopped_ends_as_if_it_was_not(
    preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Reports every few steps, so that stops fall between them.
    monkeypatch.setattr(training, "_REPORTS", 5)
    spec = tiny(preset, batch_size=4, differentiable_augmentation=True)
    run = TrainingRun(spec, images=16 * spec.images_per_step, checkpoint_images=50)
    whole = run_tiny(run, log_dir=tmp_path / "whole", checkpoints=tmp_path / "a")
    for steps in (0, 1, 5, 3):
        with pytest.raises(TrainingStopped):
            run_tiny(
                run,
                checkpoints=tmp_path / "b",
                log_dir=tmp_path / "parts",
                should_stop=stop_after(steps),
            )
    parts = run_tiny(run, checkpoints=tmp_path / "b", log_dir=tmp_path / "parts")
    assert parts.weights_digest == whole.weights_digest
    assert parts.curve == whole.curve
    assert scalars(tmp_path / "parts") == scalars(tmp_path / "whole")
    assert_equal(*(read_newest(tmp_path / folder) for folder in ("a", "b")))


def assert_equal(one: Any, two: Any) -> None:
    assert type(one) is type(two)
    if isinstance(one, torch.Tensor):
        assert one.dtype == two.dtype
        assert torch.equal(one, two)
    elif isinstance(one, dict):
        assert list(one) == list(two)
        for key in one:
            assert_equal(one[key], two[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(two)
        for first, second in zip(one, two, strict=True):
            assert_equal(first, second)
    else:
        assert one == two


def test_seeds_give_other_weights_and_the_same_seed_the_same() -> None:
    first, again = run_tiny(RUN), run_tiny(RUN)
    assert first.weights_digest == again.weights_digest
    assert run_tiny(replace(RUN, seed=1)).weights_digest != first.weights_digest


def test_what_is_watched_does_not_change_the_result(tmp_path: Path) -> None:
    torch.manual_seed(1)
    plain = run_tiny(RUN)
    torch.manual_seed(2)
    watched = run_tiny(
        RUN,
        checkpoints=tmp_path / "c",
        log_dir=tmp_path / "l",
        on_grid=lambda *_: None,
        on_progress=lambda *_: torch.rand(1),
    )
    assert watched.weights_digest == plain.weights_digest


def test_a_torn_checkpoint_costs_time_but_changes_nothing(tmp_path: Path) -> None:
    whole = run_tiny(RUN)
    with pytest.raises(TrainingStopped):
        run_tiny(RUN, checkpoints=tmp_path, should_stop=stop_after(20))
    files = sorted(tmp_path.iterdir())
    assert len(files) == 2
    files[-1].write_bytes(files[-1].read_bytes()[:-100])
    done: list[int] = []
    again = run_tiny(RUN, checkpoints=tmp_path, on_progress=lambda images, _: done.append(images))
    assert done[0] == int(files[0].stem.removeprefix("checkpoint-"))
    assert again.weights_digest == whole.weights_digest


def test_a_training_keeps_the_threads_and_precision_it_began_with(tmp_path: Path) -> None:
    run = replace(RUN, precision="auto")
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        whole = run_tiny(run)
        with pytest.raises(TrainingStopped):
            run_tiny(run, checkpoints=tmp_path, should_stop=stop_after(3))
        torch.set_num_threads(2)
        seen: list[int] = []
        rest = run_tiny(
            run, checkpoints=tmp_path, on_progress=lambda *_: seen.append(torch.get_num_threads())
        )
        assert set(seen) == {1}
        assert torch.get_num_threads() == 2
        assert rest.weights_digest == whole.weights_digest
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    "other",
    [
        replace(RUN, seed=9),
        replace(RUN, precision="bfloat16"),
        replace(RUN, specification=replace(RUN.specification, beta1=0.1)),
    ],
)
def test_checkpoints_of_another_training_are_refused(other: TrainingRun, tmp_path: Path) -> None:
    with pytest.raises(TrainingStopped):
        run_tiny(RUN, checkpoints=tmp_path, should_stop=stop_after(1))
    with pytest.raises(FailedPreconditionError, match="other settings or other data") as caught:
        run_tiny(other, checkpoints=tmp_path)
    assert caught.value.reason == "CHECKPOINT_OF_ANOTHER_TRAINING"


def test_checkpoints_of_other_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingStopped):
        run_tiny(RUN, checkpoints=tmp_path, should_stop=stop_after(1))
    images, masks = discs()
    images[7, 0, 3, 3] ^= 1
    with pytest.raises(FailedPreconditionError, match="other data"):
        train(RUN, images, masks, CLASSES, device="cpu", checkpoints=tmp_path)


def test_a_finished_training_can_be_asked_for_again(tmp_path: Path) -> None:
    first = run_tiny(RUN, checkpoints=tmp_path)
    again = run_tiny(RUN, checkpoints=tmp_path, should_stop=lambda: True)
    assert again.weights_digest == first.weights_digest
    assert again.curve == first.curve


def test_progress_is_in_images_with_all_metrics() -> None:
    seen: list[tuple[int, dict[str, float]]] = []
    result = run_tiny(RUN, on_progress=lambda done, m: seen.append((done, dict(m))))
    assert seen[0] == (0, {})
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1][0] == RUN.images == result.images
    assert all(set(m) == set(METRICS) for _, m in seen[1:])
    assert result.metrics == seen[-1][1]
    assert [int(p["images"]) for p in result.curve] == [done for done, _ in seen[1:]]


def test_images_are_rounded_up_to_whole_steps_and_progress_is_not() -> None:
    done: list[int] = []
    result = run_tiny(replace(RUN, images=21), on_progress=lambda images, _: done.append(images))
    assert result.images == 24
    assert done[-1] == 21


def test_grids_show_the_same_latents_at_intervals() -> None:
    seen: list[tuple[int, np.ndarray, np.ndarray | None]] = []
    run_tiny(RUN, on_grid=lambda *grid: seen.append(grid))
    assert [images for images, _, _ in seen] == [96, 184, 200]
    for _, images, masks in seen:
        assert images.shape == (GRID, 1, 32, 32)
        assert masks is not None
        assert masks.shape == (GRID, 32, 32)
        assert masks.max() < CLASSES


def test_images_without_masks() -> None:
    images, _ = discs(channels=2)
    seen: list[np.ndarray | None] = []
    train(RUN, images, None, 0, device="cpu", on_grid=lambda _, i, m: seen.append(m))
    assert seen == [None] * 3


def test_a_set_smaller_than_the_batch() -> None:
    images, masks = discs(3)
    assert train(RUN, images, masks, CLASSES, device="cpu").images == 200


def test_a_training_that_diverges_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    step = AdversarialTraining.step

    def overflow(self: AdversarialTraining) -> torch.Tensor:
        return step(self) * (float("inf") if self.images > 100 else 1.0)

    monkeypatch.setattr(AdversarialTraining, "step", overflow)
    with pytest.raises(FailedPreconditionError, match="diverged") as caught:
        run_tiny(RUN)
    assert caught.value.reason == "TRAINING_DIVERGED"


def test_settings_are_checked_before_anything_runs() -> None:
    with pytest.raises(InvalidArgumentError, match=r"specification\.images"):
        run_tiny(replace(RUN, images=0))
    with pytest.raises(InvalidArgumentError, match="without a GPU"):
        run_tiny(replace(RUN, precision="float16"))


def test_the_digest_is_that_of_the_generator_that_is_handed_out() -> None:
    result = run_tiny(RUN)
    assert weights_digest(result.generator) == result.weights_digest
    assert not result.generator.training
    assert result.precision == "float32"


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_it_learns(preset: str) -> None:
    """Mean image (grey, 90 levels off, before) and label shares come close to the real ones."""
    images, masks = discs(200)
    spec = tiny(
        preset,
        generator_filters=16,
        discriminator_filters=16,
        batch_size=16,
        generator_learning_rate=5e-4,
        discriminator_learning_rate=5e-4,
        ema_half_life=1000,
    )
    grids: list[tuple[int, np.ndarray, np.ndarray | None]] = []
    run = TrainingRun(spec, 16 * 1200 * spec.discriminator_steps, grid_images=10**9)
    train(run, images, masks, CLASSES, device="cpu", on_grid=lambda *grid: grids.append(grid))
    _, drawn, labels = grids[-1]
    assert labels is not None
    assert np.abs(drawn.mean((0, 1)) - images.mean((0, 1))).mean() < 15
    for label in range(CLASSES):
        shares = [(m == label).mean() for m in (labels, masks)]
        assert shares[0] == pytest.approx(shares[1], abs=0.05)
