"""How the phantom's patients look: shapes become tissues, tissues become grey levels.

Shapes are signed distances in mm (negative inside). A pixel's share of a tissue follows from the
distance by a ramp as wide as a pixel, so edges are free of steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from medsynth.data.phantom_anatomy import TEXTURE, Array, Chest, Draws, Heart, Patient

SIZE = 128
"""Rows and columns."""
FIELD = 180.0
"""Side of the field of view in mm."""
PIXEL = FIELD / SIZE

# Relative to the brightest tissue. `cine`: balanced steady state, bright blood. `t2`: dark blood.
INTENSITIES: dict[str, dict[str, float]] = {
    "cine": {
        "air": 0.015, "fat": 0.92, "muscle": 0.24, "bone": 0.42, "lung": 0.055,
        "vessel": 0.42, "liver": 0.33, "liver vessel": 0.52, "stomach": 0.52, "aorta": 0.80,
        "tissue": 0.60, "rim": 0.12, "rv wall": 0.27, "blood": 0.80, "myocardium": 0.28,
        "scar": 0.46, "papillary": 0.36,
    },
    "t2": {
        "air": 0.015, "fat": 0.60, "muscle": 0.36, "bone": 0.30, "lung": 0.05,
        "vessel": 0.10, "liver": 0.29, "liver vessel": 0.12, "stomach": 0.70, "aorta": 0.07,
        "tissue": 0.42, "rim": 0.10, "rv wall": 0.46, "blood": 0.11, "myocardium": 0.50,
        "scar": 0.92, "papillary": 0.50,
    },
}  # fmt: skip

# How much the texture modulates a tissue; others take 0.10.
_TEXTURE = {"air": 0.0, "tissue": 0.42, "stomach": 0.40, "fat": 0.12, "blood": 0.07, "lung": 0.5}

Layer = tuple[str, Array]


@lru_cache(maxsize=1)
def _grid() -> tuple[Array, Array]:
    positions = ((np.arange(SIZE) + 0.5) * PIXEL - FIELD / 2).astype(np.float32)
    x, y = np.meshgrid(positions, positions)
    return x[None], y[None]


@lru_cache(maxsize=8)
def _interpolation(knots: int) -> Array:
    """Cubic B-spline weights (SIZE, knots) that turn white noise on knots into a smooth field."""
    position = np.linspace(1, knots - 2, SIZE)[:, None] - np.arange(knots)[None]
    u = np.abs(position)
    near = 2 / 3 - u**2 + u**3 / 2
    far = np.clip(2 - u, 0, None) ** 3 / 6
    weights = np.where(u < 1, near, far)
    return np.asarray(weights / np.sqrt((weights**2).sum(1, keepdims=True)), dtype=np.float32)


def _smooth_noise(draws: Draws, slices: int, knots: int) -> Array:
    """Smooth fields of unit variance (slices, SIZE, SIZE), akin between neighbouring slices."""
    weights = _interpolation(knots)
    common, own = draws.normals(1, knots, knots), draws.normals(slices, knots, knots)
    mixed = np.float32(np.sqrt(0.6)) * common + np.float32(np.sqrt(0.4)) * own
    return np.asarray(weights @ mixed @ weights.T, dtype=np.float32)


def _cover(distance: Array) -> Array:
    """Share of each pixel that lies inside a shape."""
    return np.asarray(np.clip(np.float32(0.5) - distance / np.float32(PIXEL), 0, 1))


def _disc(x: Array, y: Array, centre: tuple[float, float], radius: float | Array) -> Array:
    return np.asarray(np.hypot(x - np.float32(centre[0]), y - np.float32(centre[1])) - radius)


def _ellipse(x: Array, y: Array, a: float | Array, b: float | Array) -> Array:
    """Distance to an axis-parallel ellipse about the origin, to first order at its edge."""
    u, v = x / np.float32(a), y / np.float32(b)
    value = np.sqrt(u * u + v * v) + np.float32(1e-6)
    slope = np.sqrt((u / np.float32(a)) ** 2 + (v / np.float32(b)) ** 2) + np.float32(1e-6)
    return np.asarray(value * (value - 1) / slope)


def _turned(
    x: Array, y: Array, centre: tuple[float | Array, float | Array], angle: float
) -> tuple[Array, Array]:
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    dx, dy = x - np.float32(centre[0]), y - np.float32(centre[1])
    return cos * dx + sin * dy, -sin * dx + cos * dy


def _column(values: NDArray[np.float64]) -> Array:
    return values.astype(np.float32)[:, None, None]


def depths(slices: int) -> NDArray[np.float64]:
    """Where the slices lie, from 0 (base) to 1 (apex)."""
    return (np.arange(slices) + 0.5) / slices


class HeartShape:
    """Signed distances (slices, SIZE, SIZE) of the parts of a heart."""

    def __init__(self, heart: Heart, slices: int) -> None:
        depth = depths(slices)
        shrink = 1 - heart.taper * depth**2.4
        cx = _column(heart.centre[0] + heart.tilt[0] * depth)
        cy = _column(heart.centre[1] + heart.tilt[1] * depth)
        x, y = _turned(*_grid(), (cx, cy), heart.rotation)
        self.radius = np.hypot(x, y)
        self.angle = np.arctan2(y, x)
        septal = np.clip(-np.cos(self.angle), 0, 1)
        outline = (
            1
            + np.float32(heart.oval) * np.cos(2 * (self.angle - np.float32(heart.oval_angle)))
            + np.float32(heart.triangle)
            * np.cos(3 * (self.angle - np.float32(heart.triangle_angle)))
            - np.float32(heart.flat) * septal**3
        )
        away = np.float32(heart.infarct_angle)
        off = np.abs(np.angle(np.exp(1j * (self.angle - away)))).astype(np.float32)
        width = np.float32(heart.infarct_width)
        self.scar = np.clip((width - off) / np.float32(0.22), 0, 1) * np.float32(heart.infarct > 0)
        thickness = _column(heart.wall * (1 - 0.15 * depth)) * (
            1 + np.float32(heart.septum - 1) * septal
        )
        epi_radius = _column((heart.cavity + heart.wall) * shrink) * outline
        floor = _column(np.maximum(4.5 * shrink, 3.2))
        # A scar thins the wall from outside: the cavity bulges with it in dilated hearts.
        endo_radius = np.maximum(epi_radius - thickness, floor)
        lost = np.float32(heart.infarct) * self.scar
        epi_radius = endo_radius + (epi_radius - endo_radius) * (1 - lost)
        self.lv_outer = self.radius - epi_radius
        self.lv_inner = self.radius - endo_radius
        self.endo_radius = endo_radius
        self._right_ventricle(heart, depth, shrink, x, y)
        self.whole = np.minimum(self.lv_outer, self.rv_outer)
        self.papillaries = self._papillaries(heart, depth, shrink, x, y)

    def _right_ventricle(
        self, heart: Heart, depth: NDArray[np.float64], shrink: NDArray[np.float64], x: Array,
        y: Array,
    ) -> None:  # fmt: skip
        epi = (heart.cavity + heart.wall) * shrink
        width = heart.rv_width * (1 - 1.06 * depth**1.7)
        centre = 0.72 * epi
        a = np.maximum(epi + width - centre, 1.0)
        b = heart.rv_height * (1 - 0.55 * depth**1.8)
        along = x + _column(centre)
        # Narrower away from the septum.
        narrowing = 1 + np.float32(0.22) * np.clip(along / _column(a), -1, 1)
        inner = _ellipse(along, y / narrowing, _column(a), _column(b))
        gone = _column(np.where(width < 3.0, 1e3, 0.0))
        self.rv_inner = np.maximum(inner, -self.lv_outer) + gone
        self.rv_outer = inner - np.float32(2.6) + gone

    def _papillaries(
        self, heart: Heart, depth: NDArray[np.float64], shrink: NDArray[np.float64], x: Array,
        y: Array,
    ) -> Array:  # fmt: skip
        distance = np.full_like(self.radius, 1e3)
        present = np.clip(1 - np.abs(depth - 0.5) / 0.42, 0, 1) ** 0.5
        size = np.minimum(heart.papillary_radius * present, 0.3 * heart.cavity * shrink)
        reach = 0.70 * heart.cavity * shrink
        for angle in heart.papillary_angles:
            px, py = x - _column(reach * np.cos(angle)), y - _column(reach * np.sin(angle))
            disc = np.hypot(px, py) - _column(size) + _column(np.where(size < 1.2, 1e3, 0.0))
            distance = np.minimum(distance, disc)
        return distance

    def labels(self) -> NDArray[np.uint8]:
        """0 background, 1 RV cavity, 2 myocardium, 3 LV cavity (papillary muscles included)."""
        labels = np.zeros(self.radius.shape, np.uint8)
        labels[self.rv_inner < 0] = 1
        labels[self.lv_outer < 0] = 2
        labels[self.lv_inner < 0] = 3
        return labels

    def layers(self, epicardial_fat: float) -> list[Layer]:
        """Tissues from the outermost to the innermost, each painted over those before."""
        wall = _cover(self.lv_outer)
        ripple = np.float32(0.035) * np.sin(11 * self.angle + np.float32(self.radius.mean()))
        cavity = self.lv_inner + self.endo_radius * ripple * np.float32(0.5)
        inside = _cover(cavity)
        return [
            ("rim", _cover(self.whole - np.float32(epicardial_fat + 1.6))),
            ("tissue", _cover(self.whole - np.float32(epicardial_fat))),
            ("rv wall", _cover(self.rv_outer)),
            ("blood", _cover(self.rv_inner)),
            ("myocardium", wall),
            ("scar", np.asarray(wall * self.scar)),
            ("blood", inside),
            ("papillary", np.asarray(np.float32(0.85) * inside * _cover(self.papillaries))),
        ]


def chest_layers(chest: Chest, slices: int) -> list[Layer]:
    """Tissues around the heart, each painted over those before."""
    x, y = _grid()
    depth = depths(slices)
    shape = (slices, SIZE, SIZE)
    bx, by = _turned(x, y, chest.body_centre, chest.body_angle)
    # Towards the apex the section of the chest is smaller.
    shrink = _column(1 - 0.05 * depth)
    around = np.arctan2(by, bx)
    wave2, wave3, wave5 = (
        np.cos(np.float32(k) * around - np.float32(phase))
        for k, phase in zip((2, 3, 5), chest.waves[3:], strict=True)
    )
    low, middle, high = (np.float32(amplitude) for amplitude in chest.waves[:3])
    swell = 1 + low * wave2 + middle * wave3 + high * wave5
    body = _ellipse(
        bx / swell, by / swell, chest.body_axes[0] * shrink, chest.body_axes[1] * shrink
    )
    muscle = body + np.float32(chest.fat) * (
        1 + np.float32(0.45) * wave3 + np.float32(0.35) * wave2
    )
    cavity = muscle + np.float32(chest.muscle) * (1 + np.float32(0.4) * wave5)
    layers = [("fat", _cover(body)), ("muscle", _cover(muscle))]
    ribs = np.full(shape, 1e3, np.float32)
    for turn in chest.ribs:
        reach = chest.body_axes[0] - chest.fat - 0.5 * chest.muscle
        reach_y = chest.body_axes[1] - chest.fat - 0.5 * chest.muscle
        rx = bx / swell - shrink * np.float32(reach * np.cos(turn))
        ry = by / swell - shrink * np.float32(reach_y * np.sin(turn))
        ribs = np.minimum(ribs, np.hypot(rx, ry) - np.float32(3.6))
    layers += [("rim", _cover(ribs - 1)), ("bone", _cover(ribs + np.float32(0.6)))]
    layers += [("lung", _cover(cavity))]
    vessels = np.full(shape, 1e3, np.float32)
    for vx, vy, radius in chest.lung_vessels:
        px = x - np.float32(vx) - _column(6 * (depth - 0.5))
        vessels = np.minimum(vessels, _disc(px, y, (0.0, vy), radius))
    layers += [("vessel", np.asarray(_cover(vessels) * _cover(cavity + 3)))]

    start_x, start_y, direction, width = chest.mediastinum
    along, beside = _turned(x, y, (start_x, start_y), direction)
    beside = beside + np.float32(0.006) * along * np.abs(along)
    band = np.hypot(np.minimum(along, 0), beside) - width * (np.float32(0.5) + along / 42)
    band = np.maximum(band, cavity + np.float32(0.5))
    layers += [("rim", _cover(band - 1)), ("tissue", _cover(band))]

    level = _column(chest.diaphragm - 7 * depth)
    across = x - np.float32(chest.liver_edge - 40)
    top = (
        level
        + np.float32(chest.diaphragm_slope) * across
        + np.float32(chest.diaphragm_bend) * across**2
    )
    abdomen = np.maximum(top - y, cavity)
    layers += [
        ("rim", _cover(abdomen - np.float32(1.2))),
        ("tissue", _cover(abdomen)),
    ]
    edge = x - np.float32(chest.liver_edge) - np.float32(0.5) * (y - level)
    liver = np.maximum(abdomen + np.float32(1.0), edge)
    layers += [("rim", _cover(liver - np.float32(0.8))), ("liver", _cover(liver))]
    branches = np.full(shape, 1e3, np.float32)
    for vx, vy, radius in chest.liver_vessels:
        px = x - np.float32(vx) - _column(10 * (depth - 0.5))
        branches = np.minimum(branches, _disc(px, y, (0.0, vy), radius))
    layers += [("liver vessel", np.asarray(_cover(branches) * _cover(liver + 2)))]
    sx, sy = x - np.float32(chest.stomach[0]), y - np.float32(chest.stomach[1])
    stomach = np.maximum(_ellipse(sx, sy, *chest.stomach_axes), abdomen + 1)
    layers += [("muscle", _cover(stomach - np.float32(2.2))), ("stomach", _cover(stomach))]
    aorta = np.maximum(_disc(x, y, chest.aorta, chest.aorta_radius), cavity)
    layers += [("rim", _cover(aorta - np.float32(1.4))), ("aorta", _cover(aorta))]
    return [(tissue, np.broadcast_to(cover, shape)) for tissue, cover in layers]


def texture(key: tuple[int, int], slices: int) -> Array:
    """The tissue texture of a patient (slices, SIZE, SIZE), of about unit variance.

    Args:
        key: Seed, index of the patient.
        slices: Slices of the volume.
    """
    draws = Draws(*key, TEXTURE)
    layers = zip((0.6, 0.6, 0.53), (12, 28, 60), strict=True)
    return sum(np.float32(w) * _smooth_noise(draws, slices, knots) for w, knots in layers)  # type: ignore[return-value]


def paint(
    under: Array | None, layers: Sequence[Layer], texture: Array, contrast: str, gamma: float
) -> Array:
    """Paints tissues over an image.

    Args:
        under: (slices, SIZE, SIZE), relative to the brightest tissue; None: air.
        layers: Tissues with their cover, painted in this order.
        texture: What `texture` gave.
        contrast: Key of `INTENSITIES`.
        gamma: Exponent on the tissues' intensities.
    """
    table = INTENSITIES[contrast]
    image = np.full(texture.shape, table["air"], np.float32) if under is None else under.copy()
    for tissue, cover in layers:
        level = np.float32(table[tissue] ** gamma)
        amount = np.float32(_TEXTURE.get(tissue, 0.10))
        value = level * np.maximum(1 + amount * texture, np.float32(0.1))
        image += cover * (value - image)
    return image


def scan(image: Array, patient: Patient, draws: Draws) -> Array:
    """What a scanner makes of painted tissues: receive field, blur, Rician noise, gain.

    Args:
        image: (slices, SIZE, SIZE), relative to the brightest tissue.
        patient: Gives receive field, noise and gain.
        draws: Of the noise.

    Returns:
        Magnitudes from 0 on, in arbitrary units.
    """
    x, y = (axis / np.float32(FIELD / 2) for axis in _grid())
    terms = (x, y, x * y, x * x, y * y)
    field = np.exp(sum(np.float32(c) * term for c, term in zip(patient.bias, terms, strict=True)))
    noise = np.float32(patient.noise) * draws.normals(2, *image.shape)
    return np.float32(patient.gain) * np.hypot(_blur(image * field) + noise[0], noise[1])  # type: ignore[no-any-return]


def _blur(image: Array) -> Array:
    """The point spread of the scanner: (1, 3, 1) / 5 along rows and columns."""
    for axis in (1, 2):
        before = np.roll(image, 1, axis)
        after = np.roll(image, -1, axis)
        image = np.float32(0.6) * image + np.float32(0.2) * (before + after)
    return image
