"""NIfTI pairs: `images/000000123.nii.gz` and `masks/000000123.nii.gz`, one slice each.

Axes are columns, rows, one slice and, if there are several, channels. The affine is that of the
training set; where it is unknown, the header says so and has distances of 1. Levels are stored as
they are, with the factor and summand that turn them into intensities; channels of different
intensities, for which NIfTI has no place, are stored as the intensities themselves (float32).
"""

from __future__ import annotations

import gzip
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medsynth.data.volume import Affine
from medsynth.data.writers.description import RESEARCH
from medsynth.data.writers.interface import FileKind, Form, Format, Samples, SetDescription
from medsynth.data.writers.output import Output

MEDIA_TYPE: Final = "application/gzip"

_ALIGNED: Final = 2
_LEVEL: Final = 6
_UNKNOWN_SYSTEM: Final = b"\xff"


class Nifti(Format):
    """A file for each image and for each mask."""

    def __init__(self, form: Form, description: SetDescription) -> None:
        super().__init__(form, description)
        scales = [description.scale(channel, form.levels) for channel in range(form.channels)]
        self._scales = scales if len(set(scales)) > 1 else None
        axes = (form.columns, form.rows, 1, *([form.channels] if form.channels > 1 else []))
        geometry = description.geometry
        kind = np.dtype(np.float32 if self._scales else f"uint{form.bits}")
        scale = (1.0, 0.0) if self._scales else scales[0]
        self._image_header = nifti_header(axes, kind, geometry, scale)
        self._mask_header = nifti_header(axes[:3], np.dtype(np.uint8), geometry)

    @classmethod
    def misfit(cls, form: Form, description: SetDescription) -> str:
        """NIfTI holds everything."""
        return ""

    @classmethod
    def kinds(cls, description: SetDescription) -> tuple[FileKind, ...]:
        """Images and masks."""
        return (
            FileKind("images", "images/*.nii.gz", MEDIA_TYPE, "image"),
            FileKind("masks", "masks/*.nii.gz", MEDIA_TYPE, "mask"),
        )

    def encode(self, samples: Samples, output: Output) -> str:
        """Two files for each sample, or one without masks."""
        for index, image, mask in samples:
            content = nifti_file(self._image_header, self._values(image))
            output.write(f"images/{index:09d}.nii.gz", content)
            if mask is not None:
                content = nifti_file(self._mask_header, mask)
                output.write(f"masks/{index:09d}.nii.gz", content)
        return ""

    def _values(self, image: NDArray[Any]) -> NDArray[Any]:
        if self._scales is None:
            return image
        slopes, intercepts = np.array(self._scales).T[..., None, None]
        return np.asarray(image * slopes + intercepts, np.float32)


def nifti_header(
    axes: tuple[int, ...],
    kind: np.dtype[Any],
    geometry: Affine | None,
    scale: tuple[float, float] = (1.0, 0.0),
) -> bytes:
    """What stands before the voxels in a NIfTI-1 file.

    Args:
        axes: Lengths of columns, rows, slices and maybe channels.
        kind: Of the voxels.
        geometry: As in `Volume`, or None.
        scale: Factor and summand that turn voxels into intensities.
    """
    import nibabel

    header: Any = nibabel.Nifti1Header()  # type: ignore[no-untyped-call]
    header.set_data_dtype(kind.newbyteorder("<"))
    header.set_data_shape(axes)
    header.set_slope_inter(*scale)
    header["descrip"] = RESEARCH.encode()[:79]
    if geometry is not None:
        affine = geometry[:, [2, 1, 0, 3]]
        header.set_qform(affine, _ALIGNED)
        header.set_sform(affine, _ALIGNED)
        header.set_xyzt_units("mm")
    header["magic"] = b"n+1"
    header["vox_offset"] = len(header.binaryblock) + 4
    return bytes(header.binaryblock) + bytes(4)


def nifti_file(header: bytes, voxels: NDArray[Any]) -> bytes:
    """A `.nii.gz` file.

    Args:
        header: From `nifti_header`.
        voxels: In the opposite order of the header's axes (channels, slices, rows, columns).
    """
    little = voxels.astype(voxels.dtype.newbyteorder("<"), copy=False)
    content = gzip.compress(header + little.tobytes(), _LEVEL, mtime=0)
    # The byte for the operating system: versions of Python differ in it.
    return content[:9] + _UNKNOWN_SYSTEM + content[10:]


FORMAT = Nifti
