from __future__ import annotations

import torch
from torch import Tensor

from medsynth.gans.augmentation import Parameters, apply, draw
from medsynth.gans.dataset import ResidentDataset
from tests.gans.tiny import CLASSES, CPU, discs

SIZE = 32


def joint(count: int = 12) -> Tensor:
    return ResidentDataset(*discs(count), CLASSES, CPU).batch(torch.arange(count))


def fixed(
    count: int, shift: tuple[int, int] = (0, 0), hole: tuple[int, int] = (-99, -99)
) -> Parameters:
    return Parameters(
        brightness=torch.zeros(count),
        contrast=torch.ones(count),
        shifts=torch.tensor([shift] * count),
        holes=torch.tensor([hole] * count),
    )


def test_translation_moves_image_and_mask_by_the_same_pixels() -> None:
    before = joint()
    after = apply(before, fixed(12, shift=(3, -2)), channels=1)
    torch.testing.assert_close(after[:, :, 3:, :-2], before[:, :, :-3, 2:], rtol=0, atol=1e-6)


def test_what_comes_into_view_is_black_background() -> None:
    after = apply(joint(), fixed(12, shift=(4, 0)), channels=1)
    uncovered = after[:, :, :4]
    assert (uncovered[:, 0] == -1).all()
    assert (uncovered[:, 1] == 1).all()
    assert (uncovered[:, 2:] == -1).all()


def test_masks_stay_one_hot_and_are_never_interpolated() -> None:
    parameters = draw(12, SIZE, torch.Generator().manual_seed(3))
    masks = apply(joint(), parameters, channels=1)[:, 1:]
    cut = (masks == 0).all(dim=1)
    assert cut.any()
    assert ((masks == 1).sum(dim=1) == 1)[~cut].all()
    assert ((masks == -1).sum(dim=1) == CLASSES - 1)[~cut].all()


def test_colour_touches_the_image_alone() -> None:
    before = joint()
    random = torch.Generator().manual_seed(0)
    drawn = draw(12, SIZE, random)
    coloured = Parameters(drawn.brightness, drawn.contrast, *(fixed(12).shifts, fixed(12).holes))
    after = apply(before, coloured, channels=1)
    assert torch.equal(after[:, 1:], before[:, 1:])
    assert (after[:, 0] != before[:, 0]).any()
    mean = before[:, :1].mean((1, 2, 3), keepdim=True)
    expected = (before[:, :1] - mean) * drawn.contrast.view(-1, 1, 1, 1) + mean
    expected = expected + drawn.brightness.view(-1, 1, 1, 1)
    torch.testing.assert_close(after[:, :1], expected, rtol=1e-5, atol=1e-5)


def test_cutout_empties_one_square_in_every_channel() -> None:
    before = joint()
    after = apply(before, fixed(12, hole=(16, 8)), channels=1)
    assert (after[:, :, 8:24, 0:16] == 0).all()
    outside = torch.ones(SIZE, SIZE, dtype=torch.bool)
    outside[8:24, 0:16] = False
    torch.testing.assert_close(after[:, :, outside], before[:, :, outside], rtol=0, atol=1e-6)


def test_one_draw_treats_two_batches_alike() -> None:
    parameters = draw(12, SIZE, torch.Generator().manual_seed(1))
    assert torch.equal(apply(joint(), parameters, 1), apply(joint(), parameters, 1))


def test_draws_stay_in_their_ranges_and_differ_within_the_batch() -> None:
    drawn = draw(4000, SIZE, torch.Generator().manual_seed(0))
    assert drawn.brightness.abs().max() <= 0.5
    assert drawn.contrast.min() >= 0.5
    assert drawn.contrast.max() <= 1.5
    assert drawn.shifts.unique().tolist() == list(range(-4, 5))
    assert drawn.holes.unique().tolist() == list(range(SIZE + 1))


def test_it_draws_from_its_own_generator_alone() -> None:
    state = torch.get_rng_state()
    first = draw(5, SIZE, torch.Generator().manual_seed(7))
    second = draw(5, SIZE, torch.Generator().manual_seed(7))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.shifts, second.shifts)


def test_gradients_flow_to_what_remains_visible() -> None:
    source = joint().requires_grad_()
    apply(source, fixed(12, shift=(2, 0), hole=(16, 16)), channels=1)[:, 1:].sum().backward()
    assert source.grad is not None
    assert (source.grad[:, 1:, -2:] == 0).all()
    assert (source.grad[:, 1:, 6:22, 8:24] == 0).all()
    assert (source.grad[:, 1:, :6] == 1).all()
