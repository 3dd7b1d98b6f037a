"""Who the phantom's patients are: seeded shapes of heart and chest, in millimetres.

Every number is drawn from Philox counters keyed by (seed, patient) and mapped to reals here, so
that a patient is the same whatever the number of patients and the version of NumPy (which
promises Philox's raw bits alone).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

GROUPS = ("NOR", "DCM", "HCM", "MINF", "RV")
"""Normal; dilated; hypertrophic; infarcted; dilated right ventricle. ACDC's names and meanings."""

FRAMES = ("ed", "es")
"""End of diastole (heart filled) and end of systole (contracted)."""

ANATOMY, TEXTURE, NOISE = 0, 1, 2
"""Streams of a patient; what one draws does not move the others."""


class Draws:
    """Random numbers of one stream of one patient.

    Args:
        seed: 0 to 2^63-1.
        patient: Index of the patient.
        stream: `ANATOMY`, `TEXTURE` or `NOISE`.
        part: Distinguishes streams of one kind, such as the frames.
    """

    def __init__(self, seed: int, patient: int, stream: int, part: int = 0) -> None:
        self._bits = np.random.Philox(key=[seed, patient], counter=[0, 0, part, stream])

    def uniforms(self, count: int) -> NDArray[np.float64]:
        """Uniform on [0, 1), with 53 bits."""
        raw = np.asarray(self._bits.random_raw(count), dtype=np.uint64)
        return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def between(self, low: float, high: float) -> float:
        """One number, uniform on [low, high)."""
        return float(low + (high - low) * self.uniforms(1)[0])

    def normals(self, *shape: int) -> Array:
        """Standard normals (Box and Muller 1958)."""
        pairs = (int(np.prod(shape)) + 1) // 2
        raw = np.asarray(self._bits.random_raw(pairs), dtype=np.uint64)
        first = ((raw >> np.uint64(32)).astype(np.float32) + np.float32(1)) * np.float32(2**-32)
        second = (raw & np.uint64(2**32 - 1)).astype(np.float32) * np.float32(2**-32)
        radius = np.sqrt(np.float32(-2) * np.log(np.minimum(first, np.float32(1))))
        angle = np.float32(2 * np.pi) * second
        both = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])
        return both[: int(np.prod(shape))].reshape(shape)


@dataclass(frozen=True)
class Heart:
    """One heart at one frame. Lengths in mm, angles in radians, `0` points away from the RV.

    Attributes:
        centre: Of the left ventricle (x to the right, y down) from the middle of the field.
        tilt: How the centre moves from base to apex, per unit of depth.
        rotation: Of the axis from right to left ventricle.
        cavity: Radius of the LV cavity at the base.
        wall: Thickness of the LV wall at the base.
        septum: Factor on the wall's thickness at the septum.
        oval, oval_angle, triangle, triangle_angle: Second and third harmonic of the outline.
        flat: How far the septum is flattened, as a share of the radius.
        taper: Share of the radius that is lost at the apex.
        rv_width: From septum to free wall at the base.
        rv_height: Half the RV's length along the septum at the base.
        infarct_angle, infarct_width: Middle and half width of the scar.
        infarct: Share of the wall that the scar has lost, 0 without one.
        papillary_angles, papillary_radius: The two muscles within the LV cavity.
    """

    centre: tuple[float, float]
    tilt: tuple[float, float]
    rotation: float
    cavity: float
    wall: float
    septum: float
    oval: float
    oval_angle: float
    triangle: float
    triangle_angle: float
    flat: float
    taper: float
    rv_width: float
    rv_height: float
    infarct_angle: float
    infarct_width: float
    infarct: float
    papillary_angles: tuple[float, float]
    papillary_radius: float


@dataclass(frozen=True)
class Chest:
    """What lies around the heart. Lengths in mm from the middle of the field.

    `waves` are the amplitudes, then the phases, of the second, third and fifth harmonic of the
    body's outline; `mediastinum` is a band of fat from the heart to the breastbone (start, its
    direction and half its width).
    """

    body_centre: tuple[float, float]
    body_axes: tuple[float, float]
    body_angle: float
    waves: tuple[float, ...]
    fat: float
    muscle: float
    diaphragm: float
    diaphragm_slope: float
    diaphragm_bend: float
    liver_edge: float
    mediastinum: tuple[float, float, float, float]
    aorta: tuple[float, float]
    aorta_radius: float
    stomach: tuple[float, float]
    stomach_axes: tuple[float, float]
    ribs: tuple[float, ...]
    lung_vessels: tuple[tuple[float, float, float], ...]
    liver_vessels: tuple[tuple[float, float, float], ...]
    epicardial_fat: float


@dataclass(frozen=True)
class Patient:
    """Everything about a patient but textures and noise.

    Attributes:
        group: One of `GROUPS`.
        hearts: One for each of `FRAMES`.
        chest: The same at all frames.
        gain: Grey level of the brightest tissue, in the file's arbitrary units.
        contrast: Exponent on the tissues' intensities; above 1 darkens the middle.
        noise: Standard deviation of each channel of the receiver, as a share of `gain`.
        bias: Coefficients of the receive field over (x, y, x y, x^2, y^2).
    """

    group: str
    hearts: tuple[Heart, Heart]
    chest: Chest
    gain: float
    contrast: float
    noise: float
    bias: tuple[float, ...]


# group: cavity, wall, septum, rv_width, rv_height, what is left of the cavity's radius in systole
_RANGES: dict[str, tuple[tuple[float, float], ...]] = {
    "NOR": ((21, 25), (8.5, 10), (0.95, 1.1), (25, 30), (30, 34), (0.62, 0.70)),
    "DCM": ((31, 36), (6.3, 7.6), (0.95, 1.05), (24, 29), (32, 37), (0.86, 0.92)),
    "HCM": ((16, 19.5), (13.5, 17), (1.1, 1.45), (21, 26), (28, 33), (0.55, 0.66)),
    "MINF": ((25, 30), (8.5, 10), (0.95, 1.05), (23, 28), (30, 35), (0.78, 0.86)),
    "RV": ((20, 24), (8.5, 10), (0.9, 1.05), (38, 46), (38, 44), (0.66, 0.74)),
}


def draw_patient(seed: int, index: int) -> Patient:
    """The patient of an index: always the same for a seed; groups take turns."""
    draws = Draws(seed, index, ANATOMY)
    group = GROUPS[index % len(GROUPS)]
    diastole, contraction = _draw_heart(draws, group)
    systole = _contract(diastole, contraction)
    return Patient(
        group=group,
        hearts=(diastole, systole),
        chest=_draw_chest(draws, diastole),
        gain=draws.between(240, 420),
        contrast=draws.between(0.85, 1.2),
        noise=draws.between(0.018, 0.04),
        bias=tuple(draws.between(-0.17, 0.17) for _ in range(5)),
    )


def _draw_heart(draws: Draws, group: str) -> tuple[Heart, float]:
    cavity, wall, septum, rv_width, rv_height, contraction = (
        draws.between(low, high) for low, high in _RANGES[group]
    )
    scale = draws.between(0.92, 1.06)
    right_shift = 0.5 * (rv_width - 6)
    heart = Heart(
        centre=(scale * right_shift + draws.between(-9, 9), draws.between(-13, 5)),
        tilt=(draws.between(0, 9), draws.between(-1, 6)),
        rotation=draws.between(-0.6, 0.6),
        cavity=scale * cavity,
        wall=scale * wall,
        septum=septum,
        oval=draws.between(0, 0.07),
        oval_angle=draws.between(0, np.pi),
        triangle=draws.between(0, 0.025),
        triangle_angle=draws.between(0, 2 * np.pi),
        flat=draws.between(0.1, 0.2) if group == "RV" else draws.between(0, 0.04),
        taper=draws.between(0.42, 0.58),
        rv_width=scale * rv_width,
        rv_height=scale * rv_height,
        infarct_angle=draws.between(-2.2, 2.2),
        infarct_width=draws.between(0.55, 0.85),
        infarct=draws.between(0.45, 0.6) if group == "MINF" else 0.0,
        papillary_angles=(draws.between(-1.1, -0.6), draws.between(0.7, 1.2)),
        papillary_radius=scale * draws.between(3.8, 5.4),
    )
    return heart, contraction


def _contract(heart: Heart, contraction: float) -> Heart:
    """The heart in systole: a smaller cavity, and a wall that keeps its cross-section."""
    cavity = heart.cavity * contraction
    section = (heart.cavity + heart.wall) ** 2 - heart.cavity**2
    wall = np.sqrt(cavity**2 + 1.04 * section) - cavity
    fields = {
        **heart.__dict__,
        "cavity": cavity,
        "wall": float(wall),
        "rv_width": heart.rv_width * (0.35 + 0.6 * contraction),
        "rv_height": heart.rv_height * (0.55 + 0.42 * contraction),
        "papillary_radius": heart.papillary_radius * 0.9,
    }
    return Heart(**fields)


def _draw_chest(draws: Draws, heart: Heart) -> Chest:
    below = heart.centre[1] + heart.cavity + heart.wall
    axes = (draws.between(92, 112), draws.between(88, 102))
    return Chest(
        body_centre=(draws.between(0, 18), draws.between(12, 28)),
        body_axes=axes,
        body_angle=draws.between(-0.3, 0.3),
        waves=(
            *(draws.between(low, high) for low, high in ((0.0, 0.06), (0.02, 0.06), (0.0, 0.02))),
            *(draws.between(0, 2 * np.pi) for _ in range(3)),
        ),
        fat=draws.between(5, 13),
        muscle=draws.between(4, 7),
        diaphragm=below + draws.between(-1, 5),
        diaphragm_slope=draws.between(-0.12, 0.12),
        diaphragm_bend=draws.between(0.0012, 0.0035),
        liver_edge=draws.between(5, 35),
        mediastinum=(
            heart.centre[0] - 10,
            heart.centre[1],
            np.pi + draws.between(-0.1, 0.9),
            draws.between(6, 14),
        ),
        aorta=(heart.centre[0] + draws.between(26, 42), below + draws.between(6, 16)),
        aorta_radius=draws.between(8.5, 11.5),
        stomach=(draws.between(38, 62), below + draws.between(24, 38)),
        stomach_axes=(draws.between(18, 28), draws.between(13, 20)),
        ribs=tuple(-2.9 + 0.42 * k + draws.between(-0.08, 0.08) for k in range(7)),
        lung_vessels=tuple(
            (draws.between(-75, 80), draws.between(-80, 10), draws.between(1.0, 2.8))
            for _ in range(16)
        ),
        liver_vessels=tuple(
            (draws.between(-75, 25), below + draws.between(10, 50), draws.between(1.6, 3.4))
            for _ in range(6)
        ),
        epicardial_fat=draws.between(1.5, 4.5),
    )
