from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from medsynth.gans.latents import inverse_normal_cdf, latents

GOLDEN = [
    -1.38798987865448,
    0.020187485963106155,
    0.33372876048088074,
    -1.6795072555541992,
    1.6908212900161743,
    0.4085457921028137,
]


@given(
    seed=st.integers(0, 2**63 - 1),
    first=st.integers(0, 2**62),
    count=st.integers(1, 40),
    dim=st.integers(1, 40),
    data=st.data(),
)
def test_a_sample_depends_on_its_index_alone(
    seed: int, first: int, count: int, dim: int, data: st.DataObject
) -> None:
    whole = latents("sha256:ab", seed, first, count, dim)
    start = data.draw(st.integers(0, count - 1))
    part = latents("sha256:ab", seed, first + start, count - start, dim)
    assert whole.shape == (count, dim)
    assert whole.dtype == np.float32
    np.testing.assert_array_equal(part, whole[start:])


def test_values_never_change() -> None:
    np.testing.assert_array_equal(
        latents("sha256:00", 7, 3, 1, 6)[0],
        np.array(GOLDEN, np.float32),
    )


def test_generators_seeds_and_indices_differ() -> None:
    rows = np.concatenate(
        [latents("a", 0, 0, 50, 16), latents("b", 0, 0, 50, 16), latents("a", 1, 0, 50, 16)]
    )
    assert len(np.unique(rows.round(6), axis=0)) == 150


def test_they_are_standard_normal_and_uncorrelated() -> None:
    drawn = latents("a", 0, 0, 20_000, 8).astype(np.float64)
    assert np.abs(drawn.mean(0)).max() < 0.03
    assert np.abs(np.cov(drawn.T) - np.eye(8)).max() < 0.04
    assert abs((drawn**4).mean() - 3) < 0.1


def test_none_can_be_asked_for() -> None:
    assert latents("a", 0, 0, 0, 5).shape == (0, 5)


def test_the_quantile_agrees_with_scipy() -> None:
    near = np.linspace(1e-6, 1 - 1e-6, 20_001)
    far = 10.0 ** -np.arange(1.0, 300.0)
    for p in (near, far, 1 - 10.0 ** -np.arange(1.0, 16.0)):
        np.testing.assert_allclose(inverse_normal_cdf(p), ndtri(p), rtol=1e-13, atol=1e-15)


def test_the_extreme_uniforms_are_finite() -> None:
    ends = np.array([0.5 * 2.0**-53, 1 - 2.0**-53])
    assert np.isfinite(inverse_normal_cdf(ends)).all()
