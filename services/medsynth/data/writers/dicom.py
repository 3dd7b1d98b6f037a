"""DICOM: `images/000000123.dcm`, and `masks/000000123.dcm` as a segmentation.

Samples are independent of each other, so each is a study of a patient of its own, with a series
for the image and one for the mask. UIDs are made of all that is known and of the pixels: the same
sample always has the same, another one never.
"""

from __future__ import annotations

import io
import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Final
from uuid import UUID

from medsynth.data.writers.description import SetDescription
from medsynth.data.writers.dicom_images import image_dataset
from medsynth.data.writers.dicom_marks import Identity
from medsynth.data.writers.dicom_segments import segmentation_dataset
from medsynth.data.writers.interface import FileKind, Form, Format, Samples, class_misfit
from medsynth.data.writers.output import Output
from medsynth.levels import Labels, Pixels

if TYPE_CHECKING:
    from pydicom import Dataset

_MEDIA_TYPE: Final = "application/dicom"


class Dicom(Format):
    """A file for each image, and one for each mask."""

    def __init__(self, form: Form, description: SetDescription) -> None:
        super().__init__(form, description)
        known = json.dumps(description.to_mapping(), sort_keys=True)
        self._set = blake2b(known.encode()).digest()

    @classmethod
    def misfit(cls, form: Form, description: SetDescription) -> str:
        """DICOM images have one channel, or three for colours of 8 bits; segments are needed."""
        if form.channels not in (1, 3):
            return f"a DICOM image has 1 or 3 channels, not {form.channels}"
        if form.channels == 3 and form.bits > 8:
            return f"a DICOM image of three channels has 8 bits each, not {form.bits}"
        if form.channels == 3 and description.units:
            return f"the channels of a DICOM image are colours, and have no {description.units}"
        return class_misfit(form, description)

    @classmethod
    def kinds(cls, description: SetDescription) -> tuple[FileKind, ...]:
        """Images and masks."""
        return (
            FileKind("images", "images/*.dcm", _MEDIA_TYPE, "image"),
            FileKind("masks", "masks/*.dcm", _MEDIA_TYPE, "mask"),
        )

    def encode(self, samples: Samples, output: Output) -> str:
        """Two files for each sample, or one without masks."""
        about = self.description
        for index, image, mask in samples:
            key = self._key(index, image, mask)
            dataset = image_dataset(image, self.form, about, self._identity(key, index))
            output.write(f"images/{index:09d}.dcm", _file(dataset))
            if mask is None:
                continue
            uids = [_uid(key, role) for role in ("mask series", "mask", "dimensions")]
            segments = segmentation_dataset(mask, dataset, about, index, self._names(mask), *uids)
            output.write(f"masks/{index:09d}.dcm", _file(segments))
        return ""

    def _names(self, mask: Labels) -> list[str]:
        """Of the labels above 0; of those in this mask where the set does not name them."""
        if self.description.classes:
            return list(self.description.classes[1:])
        return [f"label {label}" for label in range(1, max(1, int(mask.max())) + 1)]

    def _key(self, index: int, image: Pixels, mask: Labels | None) -> bytes:
        sha = blake2b(index.to_bytes(8), key=self._set)
        sha.update(image.tobytes())
        if mask is not None:
            sha.update(mask.tobytes())
        return sha.digest()

    def _identity(self, key: bytes, index: int) -> Identity:
        roles = ("study", "series", "image", "frame of reference")
        patient = f"SYNTHETIC-{self._set[:4].hex()}-{index}"
        return Identity(index, patient, *(_uid(key, role) for role in roles))


def _uid(key: bytes, role: str) -> str:
    """A UID made of a name-based UUID (PS3.5, B.2)."""
    digest = blake2b(role.encode(), key=key, digest_size=16).digest()
    return f"2.25.{UUID(bytes=digest, version=5).int}"


def _file(dataset: Dataset) -> bytes:
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


FORMAT = Dicom
