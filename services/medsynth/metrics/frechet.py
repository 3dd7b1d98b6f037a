"""The Fréchet distance between two sets of feature vectors.

Dowson and Landau 1982; for images Heusel et al. 2017, equation 6. Both sets are taken for samples
of Gaussians. With means m, covariances S (divisor n - 1) and any
roots F with S = F Fᵀ,

    d² = |m₁ - m₂|² + tr S₁ + tr S₂ - 2 |F₁ᵀ F₂|*

where |·|* is the nuclear norm, the sum of singular values: S₁ S₂ = F₁ F₁ᵀ F₂ F₂ᵀ has the squares of
the singular values of F₁ᵀ F₂ as its non-zero eigenvalues. The square root of the non-symmetric
product S₁ S₂ is never formed. A set with no more images than features is its own root (its centred
rows), which makes the value exact there; a larger set's root is the Cholesky factor of its
covariance.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medsynth.errors import InvalidArgumentError

Float64 = NDArray[np.float64]

_CHUNK = 8192
"""Rows that are brought to float64 at a time."""

_SMALL = 512
"""Up to so many rows or features singular values are taken: they are quick then."""

_TOLERANCE = 1e-10
"""Relative error of the nuclear norm above which singular values replace eigenvalues."""


def frechet_distance(real: ArrayLike, fake: ArrayLike) -> float:
    """Fréchet distance between two sets of features. On Inception features it is the FID.

    Computed in float64 with the unbiased covariance (divisor n - 1). Symmetric in its arguments.
    Nothing is added to the covariances' diagonal.

    Args:
        real: Features (n, d), any real number type, n >= 2, d >= 1.
        fake: Features (m, d), m >= 2.

    Returns:
        The squared distance d², 0 or more, in the square of the features' unit.

    Raises:
        InvalidArgumentError: An argument is not two-dimensional, has fewer than two rows or no
            columns, holds a value that is not finite, or the widths differ.
    """
    ours = FrechetStatistics.of(real, name="real")
    theirs = FrechetStatistics.of(fake, name="fake")
    if ours.features != theirs.features:
        raise InvalidArgumentError.field(
            "fake", theirs.features, f"as many features as `real` has ({ours.features})"
        )
    return ours.distance(theirs)


class FrechetStatistics:
    """What the Fréchet distance needs of a set of features, gathered batch by batch.

    Mean and scatter are float64 and are updated and merged by the pairwise formula of Chan, Golub
    and LeVeque (1979), so neither the order of batches nor their division into shards matters
    beyond rounding, and a large common offset costs no digits. Up to d rows are kept as they are:
    for so few the distance is exact. Memory is O(d²) however many rows come.

    Args:
        features: Width d of a feature vector.
    """

    def __init__(self, features: int) -> None:
        if features < 1:
            raise InvalidArgumentError.field("features", features, "an integer of at least 1")
        self._features = features
        self._count = 0
        self._mean: Float64 = np.zeros(features)
        self._scatter: Float64 | None = None
        self._rows: list[Float64] = []

    @classmethod
    def of(cls, features: ArrayLike, *, name: str = "features") -> FrechetStatistics:
        """The statistics of one array (n, d). `name` is what errors call it."""
        array = np.asarray(features)
        if array.ndim != 2 or array.shape[1] < 1:
            raise InvalidArgumentError.field(name, array.shape, "an array of shape (n, d)")
        if array.shape[0] < 2:
            raise InvalidArgumentError.field(name, array.shape, "at least two rows")
        statistics = cls(array.shape[1])
        statistics.update(array, name=name)
        return statistics

    @classmethod
    def merged(cls, parts: Iterable[FrechetStatistics]) -> FrechetStatistics:
        """The statistics of all shards together. The shards stay as they are.

        Raises:
            InvalidArgumentError: There is no shard, or the widths differ.
        """
        shards = list(parts)
        if not shards:
            raise InvalidArgumentError.field("parts", shards, "at least one set of statistics")
        whole = cls(shards[0].features)
        for shard in shards:
            whole.merge(shard)
        return whole

    @property
    def features(self) -> int:
        """Width d of a feature vector."""
        return self._features

    @property
    def count(self) -> int:
        """Feature vectors seen."""
        return self._count

    @property
    def mean(self) -> Float64:
        """Mean (d,) of the vectors seen; zeros when there are none."""
        return self._mean.copy()

    @property
    def covariance(self) -> Float64:
        """Unbiased covariance (d, d) of the vectors seen.

        Raises:
            InvalidArgumentError: Fewer than two vectors were seen.
        """
        root = self._centred_rows()
        if root is not None:
            return root.T @ root
        return self._covariance()

    def update(self, features: ArrayLike, *, name: str = "features") -> None:
        """Adds feature vectors (n, d), n >= 0. Nothing is added when one is not accepted.

        Raises:
            InvalidArgumentError: Another shape, not numbers, or a value that is not finite.
        """
        array = np.asarray(features)
        if array.ndim != 2 or array.shape[1] != self._features:
            raise InvalidArgumentError.field(
                name, array.shape, f"an array of shape (n, {self._features})"
            )
        if array.dtype.kind not in "fiub":
            raise InvalidArgumentError.field(name, str(array.dtype), "real numbers")
        if not np.isfinite(array).all():
            raise InvalidArgumentError.field(name, "NaN or infinity", "finite values")
        for first in range(0, len(array), _CHUNK):
            rows = np.array(array[first : first + _CHUNK], dtype=np.float64)
            mean = rows.mean(axis=0)
            if self._count + len(rows) <= self._features:
                self._combine(len(rows), mean, None, [rows])
            else:
                self._combine(len(rows), mean, _scatter(rows, mean), [])

    def merge(self, other: FrechetStatistics) -> None:
        """Adds all that another set of statistics has seen. `other` stays as it is.

        Raises:
            InvalidArgumentError: The widths differ.
        """
        if other.features != self._features:
            raise InvalidArgumentError.field(
                "other", other.features, f"statistics of {self._features} features"
            )
        self._combine(other._count, other._mean, other._scatter, other._rows)

    def distance(self, other: FrechetStatistics) -> float:
        """Fréchet distance between this set and another, as `frechet_distance` gives it.

        Raises:
            InvalidArgumentError: The widths differ, or a side has fewer than two vectors.
        """
        if other.features != self._features:
            raise InvalidArgumentError.field(
                "other", other.features, f"statistics of {self._features} features"
            )
        offset = self._mean - other._mean
        squared = (
            float(offset @ offset)
            + self._variance()
            + other._variance()
            - 2.0 * self._nuclear_norm(other)
        )
        return max(squared, 0.0)

    def _variance(self) -> float:
        """Trace of the covariance."""
        rows = self._centred_rows()
        return float(np.vdot(rows, rows) if rows is not None else np.trace(self._covariance()))

    def _nuclear_norm(self, other: FrechetStatistics) -> float:
        """|F₁ᵀ F₂|*, from eigenvalues where these are accurate enough, else from singular values.

        Eigenvalues of a symmetric matrix come several times faster, but a singular value s then
        carries an error of about eps s_max² / 2s.
        """
        if min(self._rank, other._rank) > _SMALL:
            norm = _sum_of_roots(self._cross_gram(other))
            if norm is not None:
                return norm
        matrix = self._root() @ other._root().T
        return float(np.linalg.svd(matrix, compute_uv=False).sum())

    def _cross_gram(self, other: FrechetStatistics) -> Float64:
        """A symmetric matrix, of which the upper triangle counts, with the eigenvalues of S₁ S₂."""
        if other._rank < self._rank:
            return other._cross_gram(self)
        rows = other._centred_rows()
        if rows is not None:
            matrix = self._root() @ rows.T
            return matrix @ matrix.T
        covariance = other._covariance()
        mine = self._centred_rows()
        if mine is not None:
            return mine @ covariance @ mine.T
        from scipy import linalg

        try:
            factor = linalg.cholesky(self._covariance(), check_finite=False)
        except linalg.LinAlgError:
            root = self._root()
            return root @ covariance @ root.T
        # With S₁ = Uᵀ U: U S₂ Uᵀ, by the routine that makes it of generalised eigenproblems.
        gram, _ = linalg.lapack.dsygst(np.asfortranarray(covariance), factor, itype=2)
        return np.asarray(gram)

    @property
    def _rank(self) -> int:
        """No less than the rank of the covariance."""
        return self._features if self._scatter is not None else self._count

    def _combine(
        self, count: int, mean: Float64, scatter: Float64 | None, rows: list[Float64]
    ) -> None:
        if count == 0:
            return
        total = self._count + count
        offset = mean - self._mean
        if total <= self._features:
            self._rows = [*self._rows, *rows]
        else:
            whole = self._folded()
            whole += _scatter_of_rows(rows, mean) if scatter is None else scatter
            whole += np.outer(offset, offset * (self._count * count / total))
            self._scatter, self._rows = whole, []
        self._mean = self._mean + offset * (count / total)
        self._count = total

    def _folded(self) -> Float64:
        if self._scatter is not None:
            return self._scatter
        if not self._rows:
            return np.zeros((self._features, self._features))
        return _scatter_of_rows(self._rows, self._mean)

    def _centred_rows(self) -> Float64 | None:
        """The rows as a root (n, d) with rootᵀ root = S, while they are kept."""
        if self._count < 2:
            raise InvalidArgumentError.field("features", self._count, "at least two vectors")
        if self._scatter is not None:
            return None
        rows = np.concatenate(self._rows)
        centred: Float64 = (rows - rows.mean(axis=0)) / np.sqrt(self._count - 1)
        return centred

    def _covariance(self) -> Float64:
        return self._folded() / (self._count - 1)

    def _root(self) -> Float64:
        """R (r, d) with Rᵀ R = S and r <= d."""
        rows = self._centred_rows()
        if rows is not None:
            return rows
        covariance = self._covariance()
        try:
            return np.asarray(np.linalg.cholesky(covariance).T, dtype=np.float64)
        except np.linalg.LinAlgError:
            # Features that never vary, or that follow from others: S is singular.
            values, vectors = np.linalg.eigh(covariance)
            kept = values > len(values) * np.finfo(np.float64).eps * max(values[-1], 0.0)
            return np.asarray(np.sqrt(values[kept])[:, None] * vectors[:, kept].T)


def _scatter(rows: Float64, mean: Float64) -> Float64:
    """Sum of squares and products about the mean. Overwrites `rows`."""
    rows -= mean
    return rows.T @ rows


def _scatter_of_rows(rows: list[Float64], mean: Float64) -> Float64:
    return _scatter(np.concatenate(rows), mean)


def _sum_of_roots(gram: Float64) -> float | None:
    """Sum of the square roots of a symmetric matrix's eigenvalues; None: they are too inaccurate.

    Args:
        gram: Positive semidefinite, its upper triangle; overwritten.
    """
    from scipy import linalg

    squares = linalg.eigvalsh(gram, lower=False, overwrite_a=True, check_finite=False, driver="evd")
    if squares[-1] <= 0.0:
        return 0.0
    noise = 4.0 * np.finfo(np.float64).eps * squares[-1]
    values = np.sqrt(np.maximum(squares, noise))
    total = float(values.sum())
    return total if float((noise / (2.0 * values)).sum()) <= _TOLERANCE * total else None
