"""The Fréchet distance against closed forms and against torch-fidelity."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

from medsynth.errors import InvalidArgumentError
from medsynth.metrics import FrechetStatistics, frechet_distance

Array = np.ndarray


def features(seed: int, count: int, width: int, shift: float = 0.0) -> Array:
    """Correlated features with a spectrum that decays, as a network's do."""
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(width, width)) * np.exp(
        -np.arange(width) / (width / 4)
    )
    return random.normal(size=(count, width)) @ mixing * (1 + shift) + shift


def nuclear_norm_value(real: Array, fake: Array) -> float:
    """The definition, with the trace of the root as the nuclear norm of the cross-Gram matrix."""
    a = (real - real.mean(0)) / np.sqrt(len(real) - 1)
    b = (fake - fake.mean(0)) / np.sqrt(len(fake) - 1)
    cross = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    offset = real.mean(0) - fake.mean(0)
    return float(offset @ offset + (a**2).sum() + (b**2).sum() - 2 * cross)


@pytest.mark.parametrize("width", [8, 64, 600])
def test_equals_torch_fidelity_with_more_images_than_features(width: int) -> None:
    real, fake = features(1, 3 * width, width), features(2, 4 * width, width, 0.1)
    reference = fid_statistics_to_metric(
        fid_features_to_statistics(torch.from_numpy(real)),
        fid_features_to_statistics(torch.from_numpy(fake)),
        False,
    )["frechet_inception_distance"]
    assert frechet_distance(real, fake) == pytest.approx(reference, rel=1e-8)


@pytest.mark.parametrize(("n", "m"), [(20, 30), (20, 300), (300, 20), (101, 100), (100, 100)])
def test_is_exact_with_few_images(n: int, m: int) -> None:
    real, fake = features(1, n, 100), features(2, m, 100, 0.1)
    assert frechet_distance(real, fake) == pytest.approx(nuclear_norm_value(real, fake), rel=1e-11)


def whitened(random: np.random.Generator, count: int, width: int) -> Array:
    """Samples whose mean is exactly 0 and whose unbiased covariance is exactly the identity."""
    x = random.normal(size=(count, width))
    q, _ = np.linalg.qr(x - x.mean(0))
    return q * np.sqrt(count - 1)


def test_closed_form_of_commuting_gaussians() -> None:
    """For covariances with common axes d² = |m₁ - m₂|² + Σ (σ₁ - σ₂)²."""
    random = np.random.default_rng(0)
    axes, _ = np.linalg.qr(random.normal(size=(16, 16)))
    first, second = random.uniform(0.1, 3, 16), random.uniform(0.1, 3, 16)
    offset = random.normal(size=16)
    real = whitened(random, 50, 16) * first @ axes
    fake = whitened(random, 70, 16) * second @ axes + offset
    expected = offset @ offset + ((first - second) ** 2).sum()
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-12)


def test_closed_form_of_gaussians_in_the_plane() -> None:
    """In two dimensions tr √(S₁S₂) = √(tr S₁S₂ + 2 √det S₁S₂), whatever the axes."""
    random = np.random.default_rng(1)
    left, right = random.normal(size=(2, 2, 2))
    real, fake = whitened(random, 40, 2) @ left, whitened(random, 60, 2) @ right
    first, second = left.T @ left, right.T @ right
    product = first @ second
    root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    expected = np.trace(first) + np.trace(second) - 2 * root
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-12)


def test_features_that_never_vary_or_repeat_others() -> None:
    real, fake = features(1, 200, 20), features(2, 300, 20, 0.2)
    padded = [
        np.concatenate([x, np.full((len(x), 3), 7.0), x[:, :1] + x[:, 1:2]], axis=1)
        for x in (real, fake)
    ]
    expected = nuclear_norm_value(*padded)
    assert frechet_distance(*padded) == pytest.approx(expected, rel=1e-10)


def test_wide_singular_features_fall_back_to_singular_values() -> None:
    """Above 512 features eigenvalues are used; a singular covariance must not cost digits."""
    real, fake = features(1, 1300, 600), features(2, 1400, 600, 0.1)
    real[:, 300:] *= 1e-9
    expected = nuclear_norm_value(real, fake)
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-9)


def test_uses_the_unbiased_covariance() -> None:
    assert frechet_distance([[0.0], [2.0]], [[0.0], [0.0]]) == pytest.approx(1 + 2, rel=1e-12)


def test_float32_and_integers_are_brought_to_float64() -> None:
    real, fake = features(1, 50, 8).astype(np.float32), features(2, 60, 8, 1.0).astype(np.int64)
    expected = frechet_distance(real.astype(np.float64), fake.astype(np.float64))
    assert frechet_distance(real, fake) == expected


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 30), st.integers(2, 30), st.integers(1, 12), st.integers(0, 2**31),
    st.floats(0.1, 10),
)  # fmt: skip
def test_behaves_as_a_squared_distance(n: int, m: int, d: int, seed: int, scale: float) -> None:
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(n, d)), random.normal(size=(m, d)) * scale
    value = frechet_distance(a, b)
    size = float((a**2).sum() + (b**2).sum())
    assert value >= 0
    assert frechet_distance(b, a) == pytest.approx(value, rel=1e-9, abs=1e-11 * size)
    assert frechet_distance(a, a[::-1]) == pytest.approx(0, abs=1e-11 * size)
    assert frechet_distance(a + 3, b + 3) == pytest.approx(value, rel=1e-8, abs=1e-9 * (1 + size))
    assert frechet_distance(2 * a, 2 * b) == pytest.approx(4 * value, rel=1e-9, abs=1e-11 * size)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.integers(0, 2**31))
def test_batches_and_shards_give_what_the_whole_gives(sizes: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    shards = [random.normal(size=(size, 10)) + 1e4 for size in sizes]
    whole = np.concatenate(shards)
    if len(whole) < 2:
        return
    parts = []
    for shard in shards:
        part = FrechetStatistics(10)
        half = len(shard) // 2
        part.update(shard[:half])
        part.update(shard[half:])
        parts.append(part)
    merged = FrechetStatistics.merged(parts)
    other = FrechetStatistics.of(random.normal(size=(30, 10)) + 1e4)
    assert merged.count == len(whole)
    np.testing.assert_allclose(merged.mean, whole.mean(0), rtol=1e-13)
    np.testing.assert_allclose(merged.covariance, np.cov(whole.T), rtol=0, atol=1e-10)
    expected = FrechetStatistics.of(whole).distance(other)
    assert merged.distance(other) == pytest.approx(expected, rel=1e-9)


def test_merging_leaves_the_shards_as_they_were() -> None:
    parts = [FrechetStatistics.of(features(seed, count, 5)) for seed, count in ((1, 3), (2, 40))]
    before = [part.covariance for part in parts]
    FrechetStatistics.merged(parts)
    FrechetStatistics.merged(parts[::-1])
    for part, covariance in zip(parts, before, strict=True):
        np.testing.assert_array_equal(part.covariance, covariance)


@pytest.mark.parametrize(
    ("real", "fake", "field"),
    [
        (np.zeros(5), np.zeros((5, 2)), "real"),
        (np.zeros((5, 2)), np.zeros((5, 2, 1)), "fake"),
        (np.zeros((5, 2)), np.zeros((5, 3)), "fake"),
        (np.zeros((1, 2)), np.zeros((5, 2)), "real"),
        (np.zeros((5, 2)), np.zeros((0, 2)), "fake"),
        (np.zeros((5, 0)), np.zeros((5, 0)), "real"),
        (np.full((5, 2), np.nan), np.zeros((5, 2)), "real"),
        (np.zeros((5, 2)), np.full((5, 2), np.inf), "fake"),
        (np.full((5, 2), "a"), np.zeros((5, 2)), "real"),
        (np.zeros((5, 2), complex), np.zeros((5, 2)), "real"),
    ],
)
def test_refuses_what_has_no_distance(real: Array, fake: Array, field: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        frechet_distance(real, fake)
    assert raised.value.violations[0].field == field


def test_a_refused_batch_adds_nothing() -> None:
    statistics = FrechetStatistics.of(features(1, 30, 4))
    mean = statistics.mean
    with pytest.raises(InvalidArgumentError):
        statistics.update(np.array([[1.0, 2.0, 3.0, np.nan]]))
    assert statistics.count == 30
    np.testing.assert_array_equal(statistics.mean, mean)
