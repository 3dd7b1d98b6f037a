"""Training: learns, repeats itself, chooses by real validation, and stops when told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from medsynth.errors import AbortedError, InvalidArgumentError
from medsynth.metrics import dice_scores
from medsynth.networks import weights_digest
from medsynth.segmentation import latent_features, predict, train_unet
from tests.segmentation.discs import Array, discs, validation

TRAIN = discs(0, 48)
VALIDATION = validation()


def trained(steps: int = 4, **changes: object) -> str:
    arguments: dict[str, object] = {"validation": VALIDATION, "steps": steps, "device": "cpu"}
    return weights_digest(train_unet(*TRAIN, 3, **(arguments | changes)))  # type: ignore[arg-type]


def test_learns_and_shuffled_masks_teach_nothing() -> None:
    images, masks, volumes = validation(seed=200)
    found = {}
    for name, order in (("paired", np.arange(48)), ("shuffled", np.roll(np.arange(48), 7))):
        unet = train_unet(
            TRAIN[0], TRAIN[1][order], 3, validation=VALIDATION, steps=90, device="cpu"
        )
        labels = predict(unet, images)
        assert labels.dtype == np.uint8
        found[name] = dice_scores(labels, masks, 3, volumes).mean
    assert found["paired"] > 0.8
    assert found["shuffled"] < 0.4


def test_same_arguments_same_weights() -> None:
    first = trained()
    torch.manual_seed(123)
    assert trained() == first
    assert trained(seed=1) != first
    augmented = trained(augment=True)
    assert augmented != first
    assert trained(augment=True) == augmented


def test_leaves_the_callers_random_state_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    trained(steps=2)
    assert torch.equal(torch.rand(3), expected)


def test_keeps_the_weights_that_validated_best() -> None:
    unet = train_unet(*TRAIN, 3, validation=VALIDATION, steps=20, device="cpu")
    scores = {int(entry["step"]): entry["dice"] for entry in unet.history}
    assert sorted(scores) == list(range(2, 21, 2))
    assert scores[unet.chosen_step] == max(scores.values())
    images, masks, volumes = VALIDATION
    again = dice_scores(predict(unet, images), masks, 3, volumes).mean
    assert again == pytest.approx(scores[unet.chosen_step], abs=1e-12)


def test_validation_decides_which_weights_are_kept() -> None:
    """Where validation asks for the opposite, training longer only makes it worse."""
    images, masks, volumes = VALIDATION
    swapped = np.array([0, 2, 1], np.uint8)[masks]
    unet = train_unet(*TRAIN, 3, validation=(images, swapped, volumes), steps=60, device="cpu")
    assert unet.chosen_step < 60


def test_nothing_to_validate_keeps_the_last_weights() -> None:
    images, masks, volumes = VALIDATION
    train = TRAIN[0], np.zeros_like(TRAIN[1])
    unet = train_unet(
        *train, 3, validation=(images, np.zeros_like(masks), volumes), steps=40, device="cpu"
    )
    assert np.isnan(unet.history[-1]["dice"])
    assert unet.chosen_step == 40


def test_progress() -> None:
    calls: list[tuple[int, int, Mapping[str, float]]] = []
    train_unet(
        *TRAIN,
        3,
        validation=VALIDATION,
        steps=12,
        device="cpu",
        on_progress=lambda *call: calls.append(call),
    )
    assert [done for done, _, _ in calls] == list(range(1, 13))
    assert {total for _, total, _ in calls} == {12}
    assert set(calls[-1][2]) == {"loss", "dice"}


def test_stops_when_told() -> None:
    answers = iter([False, False, True])
    with pytest.raises(AbortedError):
        trained(steps=50, should_stop=lambda: next(answers))
    assert next(answers, None) is None


def test_fewer_pairs_than_a_batch_and_read_only_arrays(tmp_path: Path) -> None:
    images, masks = discs(3, 5, channels=2)
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "masks.npy", masks)
    unet = train_unet(
        np.load(tmp_path / "images.npy", mmap_mode="r"),
        np.load(tmp_path / "masks.npy", mmap_mode="r"),
        3,
        validation=validation(channels=2),
        steps=2,
        device="cpu",
    )
    assert predict(unet, images).shape == masks.shape
    assert predict(unet, images[:0]).shape == (0, 32, 32)
    features = latent_features(unet, np.load(tmp_path / "images.npy", mmap_mode="r"))
    assert features.shape == (5, 128)
    assert features.dtype == np.float32
    np.testing.assert_allclose(latent_features(unet, images[2:4]), features[2:4], rtol=1e-4)
    with pytest.raises(InvalidArgumentError):
        predict(unet, images[:, :1])


@pytest.mark.parametrize(
    ("images", "masks", "changes", "field"),
    [
        (TRAIN[0].astype(float), TRAIN[1], {}, "images"),
        (TRAIN[0][:0], TRAIN[1][:0], {}, "images"),
        (TRAIN[0], TRAIN[1][:-1], {}, "masks"),
        (TRAIN[0], TRAIN[1] + 1, {}, "masks"),
        (TRAIN[0], TRAIN[1], {"steps": 0}, "steps"),
        (TRAIN[0], TRAIN[1], {"seed": -1}, "seed"),
        (TRAIN[0], TRAIN[1], {"validation": validation(channels=2)}, "validation"),
        (TRAIN[0], TRAIN[1], {"validation": (*VALIDATION[:2], ["v"])}, "validation"),
    ],
)
def test_refuses(images: Array, masks: Array, changes: dict[str, object], field: str) -> None:
    arguments: dict[str, object] = {"validation": VALIDATION, "steps": 1, "device": "cpu"}
    with pytest.raises(InvalidArgumentError) as raised:
        train_unet(images, masks, 3, **(arguments | changes))  # type: ignore[arg-type]
    assert raised.value.violations[0].field == field
