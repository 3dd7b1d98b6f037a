from __future__ import annotations

import numpy as np
import pytest

from medsynth.data.volume import Volume, lie_flat, upright


def volume(affine: np.ndarray | None) -> Volume:
    return Volume("p", "p_1", "", np.zeros((2, 1, 3, 4), np.float32), None, affine)


def test_spacing_is_the_length_of_the_steps() -> None:
    turned = np.array([[0, 0, 3, 9], [0, -2, 4, 9], [5, 0, 0, 9], [0, 0, 0, 1.0]])
    assert volume(turned).spacing == (5, 2, 5)
    assert volume(None).spacing is None


def test_upright_slices_lead_to_the_head_the_back_and_the_left() -> None:
    affine = upright(5, 1, 2)
    assert volume(affine).spacing == (5, 1, 2)
    assert (affine @ [1, 2, 3, 1]).tolist() == [-6, -2, 5, 1]


@pytest.mark.parametrize(
    "axes",
    [np.zeros((3, 3)), np.ones((3, 3)), np.diag([1, 1, 0]), np.diag([1, 1, 1e300]),
     np.diag([1, np.inf, 1]), np.full((3, 3), np.nan), [[1, 0, 1], [0, 1, 1], [0, 0, 1e-5]]],
)  # fmt: skip
def test_axes_in_one_plane(axes: np.ndarray) -> None:
    affine = np.eye(4)
    affine[:3, :3] = axes
    assert lie_flat(affine)


@pytest.mark.parametrize("scale", [1e-7, 1e-3, 1, 1e5])
def test_axes_of_any_length_may_span_space(scale: float) -> None:
    assert not lie_flat(np.diag([scale, 1, 1 / scale, 1]))
    oblique = np.eye(4)
    oblique[:3, :3] = np.array([[1, 0.9, 0], [0, 0.4, 0.1], [0, 0, 1]]) * scale
    assert not lie_flat(oblique)
