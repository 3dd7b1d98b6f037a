"""Latents that depend on generator, seed and index alone. Imports no PyTorch.

Sample `i` of a generator and a seed has the same latent whatever the batch, shard or replica:
the raw bits of Philox 4x64-10 (Salmon et al. 2011), keyed by generator and seed and counted by
index, are mapped to normals by the inverse of their distribution function. NumPy promises the raw
bits across versions; it does not promise the stream of its own normals.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_WORDS = 4


def latents(digest: str, seed: int, first: int, count: int, dim: int) -> NDArray[np.float32]:
    """Standard normal latents of consecutive samples.

    Args:
        digest: Digest of the generator's weights, `sha256:...`: whoever trains the same again draws
            the same.
        seed: Seed of the stream, 0 to 2^63-1.
        first: Index of the first sample, 0 or more.
        count: Number of samples, 0 or more.
        dim: Latent dimensions, 1 or more.

    Returns:
        float32, (count, dim). Row `k` is the latent of sample `first + k`.
    """
    blocks = -(-dim // _WORDS)
    key = np.frombuffer(hashlib.sha256(f"latents {digest} {seed}".encode()).digest()[:16], "<u8")
    # The counter is one number of 256 bits, little end first; each sample owns `blocks` of it.
    start = first * blocks
    counter = np.array([start >> shift & (2**64 - 1) for shift in (0, 64, 128, 192)], np.uint64)
    raw = np.random.Philox(counter=counter, key=key.astype(np.uint64)).random_raw(
        count * blocks * _WORDS
    )
    words = np.asarray(raw, np.uint64).reshape(count, blocks * _WORDS)[:, :dim]
    uniform = ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return inverse_normal_cdf(uniform).astype(np.float32)


_CENTRE = (
    (
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ),
    (
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ),
)
_SHOULDER = (
    (
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ),
    (
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ),
)
_TAIL = (
    (
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ),
    (
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ),
)


def _ratio(
    polynomials: tuple[tuple[float, ...], tuple[float, ...]], r: NDArray[np.float64]
) -> NDArray[np.float64]:
    numerator, denominator = polynomials
    top, bottom = np.full_like(r, numerator[-1]), np.full_like(r, denominator[-1])
    for a, b in zip(numerator[-2::-1], denominator[-2::-1], strict=True):
        top, bottom = top * r + a, bottom * r + b
    return top / bottom


def inverse_normal_cdf(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """The standard normal quantile, to about 16 digits (Wichura 1988, algorithm AS 241, PPND16).

    Args:
        probability: Above 0 and below 1, any shape.

    Returns:
        float64 of the same shape.
    """
    p = np.asarray(probability, np.float64)
    q = p - 0.5
    centre = _ratio(_CENTRE, 0.180625 - q * q) * q
    # Clipped where the other branch is taken, so that no logarithm of 0 is formed.
    r = np.sqrt(-np.log(np.minimum(np.minimum(p, 1.0 - p), 0.25)))
    outer = np.where(r <= 5.0, _ratio(_SHOULDER, r - 1.6), _ratio(_TAIL, r - 5.0))
    return np.where(np.abs(q) <= 0.425, centre, np.copysign(outer, q))
