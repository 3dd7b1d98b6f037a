"""The cardiac phantom: seeded short-axis cardiac MRI that nobody has to protect.

Patients of five anatomy groups (`phantom_anatomy`), each with a volume at the end of diastole and
one at the end of systole, drawn in one or more contrasts (`phantom_render`), with the labels of
the ACDC data set (Bernard 2018): 1 RV cavity, 2 myocardium, 3 LV cavity.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from medsynth.data.phantom_anatomy import FRAMES, NOISE, Array, Draws, Patient, draw_patient
from medsynth.data.phantom_render import (
    INTENSITIES,
    PIXEL,
    HeartShape,
    chest_layers,
    paint,
    scan,
    texture,
)
from medsynth.data.volume import Volume, upright

CLASSES = ("background", "rv cavity", "myocardium", "lv cavity")
CONTRASTS = tuple(INTENSITIES)

_LONG_AXIS = 90.0


def phantom_volumes(
    patients: int = 60,
    slices: int = 8,
    seed: int = 0,
    contrasts: Sequence[str] = ("cine",),
) -> Iterator[Volume]:
    """Draws the volumes, two for each patient: `p00000_ed`, `p00000_es`, `p00001_ed`, ...

    Patient p of a seed is the same whatever the number of patients, and its anatomy the same
    whatever the contrasts and the number of slices.

    Args:
        patients: Number of patients; groups take turns, so multiples of 5 are balanced.
        slices: Slices of each volume, from base to apex.
        seed: 0 to 2^63-1.
        contrasts: One image channel each, out of `CONTRASTS`.

    Yields:
        Volumes with images (slices, len(contrasts), 128, 128) and masks (slices, 128, 128).
    """
    for index in range(patients):
        for frame in FRAMES:
            yield phantom_volume(index, frame, slices, seed, tuple(contrasts))


def phantom_volume(
    index: int, frame: str, slices: int, seed: int, contrasts: tuple[str, ...]
) -> Volume:
    """Draws one volume of those that `phantom_volumes` yields.

    Args:
        index: Of the patient, from 0.
        frame: Out of `FRAMES`.
        slices: As for `phantom_volumes`.
        seed: Likewise.
        contrasts: Likewise.
    """
    patient, grain, chests = _chests(index, slices, seed, contrasts)
    number = FRAMES.index(frame)
    shape = HeartShape(patient.hearts[number], slices)
    layers = shape.layers(patient.chest.epicardial_fat)
    images = [
        scan(
            paint(chest, layers, grain, contrast, patient.contrast),
            patient,
            Draws(seed, index, NOISE, len(CONTRASTS) * number + CONTRASTS.index(contrast)),
        )
        for contrast, chest in zip(contrasts, chests, strict=True)
    ]
    return Volume(
        patient=f"p{index:05d}",
        name=f"p{index:05d}_{frame}",
        group=patient.group,
        images=np.stack(images, axis=1),
        masks=shape.labels(),
        affine=upright(_LONG_AXIS / slices, PIXEL, PIXEL),
    )


@lru_cache(maxsize=4)
def _chests(
    index: int, slices: int, seed: int, contrasts: tuple[str, ...]
) -> tuple[Patient, Array, list[Array]]:
    """What both frames of a patient share."""
    patient = draw_patient(seed, index)
    grain = texture((seed, index), slices)
    around = chest_layers(patient.chest, slices)
    chests = [paint(None, around, grain, contrast, patient.contrast) for contrast in contrasts]
    return patient, grain, chests
